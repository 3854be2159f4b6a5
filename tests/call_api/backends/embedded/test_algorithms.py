"""What a phone is asked for."""

import pytest

from call_api.backends.embedded.algorithms import MAX_REMEMBERED, Algorithms

BOTH = ("SHA-256", "MD5")
SHA = 'Digest username="alice", algorithm=sha-256'
MD5 = 'Digest username="alice", algorithm=MD5'


def asked(
    algorithms: Algorithms, *credentials: str, address: str = "192.0.2.1", agent: str = ""
) -> tuple[str, ...]:
    return tuple(algorithms.to_ask(address, "alice", credentials, agent))


def test_both_are_asked_for_the_stronger_one_first() -> None:
    assert asked(Algorithms(["MD5", "SHA-256"])) == BOTH


def test_who_gives_up_on_what_it_does_not_know_is_asked_for_md5_alone_from_then_on() -> None:
    algorithms = Algorithms()
    assert asked(algorithms) == BOTH

    assert asked(algorithms) == ("MD5",)

    assert asked(algorithms, MD5) == ("MD5",)
    assert asked(algorithms) == ("MD5",)
    # Nobody elsewhere learns what alice has.
    assert asked(algorithms, address="192.0.2.7") == BOTH


def test_who_knows_more_is_offered_both_again_and_again() -> None:
    algorithms = Algorithms()

    for _ in range(3):
        assert asked(algorithms) == BOTH
        assert asked(algorithms, SHA) == BOTH


@pytest.mark.parametrize(
    ("agent", "algorithms"),
    [
        ("baresip v1.0.0 (x86_64/linux)", ("MD5",)),
        ("baresip v0.6.5 (arm/linux)", ("MD5",)),
        ("Baresip v3.11.0 (x86_64/Linux)", ("MD5",)),
        ("baresip v3.12.0 (x86_64/Linux)", BOTH),
        ("baresip v3.110.0 (x86_64/Linux)", BOTH),
        ("baresip v3.20.0 (x86_64/Linux)", BOTH),
        ("baresip v4.0.0 (x86_64/Linux)", BOTH),
        ("baresip v10.0.0 (x86_64/Linux)", BOTH),
        ("PJSUA v2.15 Linux", BOTH),
        ("not baresip v1.0.0", BOTH),
    ],
)
def test_phones_that_are_known_to_stumble_are_never_made_to(
    agent: str, algorithms: tuple[str, ...]
) -> None:
    assert asked(Algorithms(), agent=agent) == algorithms


@pytest.mark.parametrize("only", BOTH)
def test_nothing_is_asked_for_that_is_not_allowed(only: str) -> None:
    algorithms = Algorithms([only])

    assert asked(algorithms, agent="baresip v1.0.0") == (only,)
    assert asked(algorithms) == (only,)
    assert asked(algorithms) == (only,)


def test_what_is_remembered_of_phones_is_bounded() -> None:
    algorithms = Algorithms()
    asked(algorithms)

    for number in range(MAX_REMEMBERED):
        asked(algorithms, address=f"2001:db8::{number:x}")

    assert asked(algorithms) == BOTH
