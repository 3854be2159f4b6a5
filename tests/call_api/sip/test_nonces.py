import pytest

from call_api.sip.nonces import Nonces, sign

KEY = b"a key of some length"


def make_nonces(*, nonce_for: float = 60.0, max_used: int = 100) -> Nonces:
    return Nonces(KEY, nonce_for=nonce_for, max_used=max_used)


def test_every_nonce_is_new() -> None:
    nonces = make_nonces()

    assert len({nonces.issue(now=1.5) for _ in range(100)}) == 100


def test_each_count_is_good_once_and_only_upwards() -> None:
    nonces = make_nonces()
    nonce = nonces.issue(now=0.0)

    assert [nonces.use(nonce, count, now=1.0) for count in (0, 1, 1, 2, 5, 4, 6)] == [
        *(False, True, False, True, True, False, True)
    ]


def test_nonces_do_not_count_for_each_other() -> None:
    nonces = make_nonces()
    first, second = nonces.issue(now=0.0), nonces.issue(now=0.0)

    assert nonces.use(first, 1, now=1.0)
    assert nonces.use(second, 1, now=1.0)


def test_a_nonce_ends_with_its_time() -> None:
    nonces = make_nonces(nonce_for=60.0)
    nonce = nonces.issue(now=1000.0)

    assert nonces.use(nonce, 1, now=1059.9)
    assert not nonces.use(nonce, 2, now=1060.0)
    assert not nonces.use(nonce, 2, now=999.0)


def test_nonces_of_somebody_else_are_worth_nothing() -> None:
    nonces = make_nonces()
    text, _, signature = nonces.issue(now=0.0).rpartition("-")
    other = Nonces(b"another key", nonce_for=60.0, max_used=100).issue(now=0.0)
    later = text.replace("0-", "1-", 1)

    for nonce in (
        other,
        f"{later}-{signature}",
        f"{text}-{'0' * 32}",
        text,
        "",
        "\u00e4",
        "-" * 99,
    ):
        assert not nonces.use(nonce, 1, now=1.0)


def test_what_is_forgotten_can_never_be_used_again() -> None:
    nonces = make_nonces(max_used=2)
    unused = nonces.issue(now=0.0)
    used = [nonces.issue(now=float(second)) for second in (1, 2, 3, 4)]

    assert all(nonces.use(nonce, 1, now=5.0) for nonce in used)

    assert not nonces.use(used[0], 2, now=5.0)
    assert not nonces.use(unused, 1, now=5.0)
    assert nonces.use(used[3], 2, now=5.0)
    assert nonces.use(nonces.issue(now=5.0), 1, now=5.0)


def test_an_old_nonce_used_late_does_not_bring_forgotten_ones_back() -> None:
    nonces = make_nonces(max_used=1)
    old, young, younger = (nonces.issue(now=float(second)) for second in (1, 2, 3))

    assert nonces.use(young, 1, now=5.0)
    assert nonces.use(old, 1, now=5.0)  # its use makes the young one be forgotten
    assert nonces.use(younger, 1, now=5.0)  # and this makes the old one be forgotten

    assert not nonces.use(young, 2, now=5.0)


@pytest.mark.parametrize("text", ["", "a", "a" * 1000])
def test_a_signature_depends_on_key_and_text(text: str) -> None:
    assert len(sign(KEY, text)) == 32
    assert sign(KEY, text) == sign(KEY, text) != sign(b"x", text)
    assert sign(KEY, text) != sign(KEY, f"{text}x")


def test_a_nonce_is_good_for_its_holder_alone() -> None:
    nonces = make_nonces()
    nonce = nonces.issue(0.0, "192.0.2.1")

    assert nonces.is_good(nonce, 1.0, "192.0.2.1")
    assert not nonces.is_good(nonce, 1.0, "192.0.2.2")
    assert not nonces.is_good(nonce, 1.0)
    assert not nonces.use(nonce, 1, 1.0, "192.0.2.2")
    assert nonces.use(nonce, 1, 1.0, "192.0.2.1")
