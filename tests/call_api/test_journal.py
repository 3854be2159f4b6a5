from call_api.journal import fingerprint


def test_a_fingerprint_tells_methods_and_params_apart_and_nothing_else() -> None:
    same = fingerprint("Echo", b'{"a":1}')

    assert fingerprint("Echo", b'{"a":1}') == same
    assert fingerprint("Echo", b'{"a":2}') != same
    assert fingerprint("CallEnd", b'{"a":1}') != same


def test_a_fingerprint_is_short_however_long_the_params() -> None:
    assert len(fingerprint("Echo", b"x" * 60_000)) < 64
