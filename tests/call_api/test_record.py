from tests.fakes.records import record


def test_a_retry_asks_for_the_same_of_the_same_method_whenever_it_comes() -> None:
    first = record(method="Echo", params='{"a":1}', started=1.0, callid="x")

    assert first.is_retried_by(record(method="Echo", params='{"a":1}', started=2.0, callid="y"))
    assert not first.is_retried_by(record(method="Echo", params='{"a":2}'))
    assert not first.is_retried_by(record(method="CallEnd", params='{"a":1}'))
