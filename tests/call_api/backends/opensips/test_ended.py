from call_api.backends.opensips.ended import EndedCalls
from call_api.model import CallId

A = CallId("a")


def test_a_call_is_known_to_be_over_for_a_moment() -> None:
    ended = EndedCalls()
    assert not ended.has(A, 0.0)

    ended.add(A, 0.0)
    assert ended.has(A, 0.9)
    assert not ended.has(A, 1.0)
    ended.add(A, 1.0)
    assert ended.has(A, 1.9)


def test_only_the_latest_are_remembered() -> None:
    ended = EndedCalls()
    for number in range(1025):
        ended.add(CallId(str(number)), 0.0)

    assert not ended.has(CallId("0"), 0.0)
    assert ended.has(CallId("1"), 0.0)
