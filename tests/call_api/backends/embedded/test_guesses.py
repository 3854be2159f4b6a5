from call_api.backends.embedded.guesses import AT_ONCE, EVERY, MAX_REMEMBERED, Guesses


def test_some_may_come_at_once_and_then_one_every_now_and_then() -> None:
    guesses = Guesses()
    for _ in range(AT_ONCE):
        assert guesses.wait("192.0.2.1", 0.0) == 0
        guesses.count("192.0.2.1", 0.0)

    assert guesses.wait("192.0.2.1", 0.0) == EVERY
    assert guesses.wait("192.0.2.2", 0.0) == 0
    assert guesses.wait("192.0.2.1", EVERY) == 0
    guesses.count("192.0.2.1", EVERY)
    assert guesses.wait("192.0.2.1", EVERY) == EVERY


def test_one_network_of_ipv6_is_one_who_guesses() -> None:
    guesses = Guesses()
    for host in range(AT_ONCE):
        guesses.count(f"2001:db8::{host:x}", 0.0)

    assert guesses.wait("2001:db8::ffff", 0.0) > 0
    assert guesses.wait("2001:db8:0:1::1", 0.0) == 0


def test_the_oldest_ones_are_forgotten_first() -> None:
    guesses = Guesses()
    for _ in range(AT_ONCE):
        guesses.count("192.0.2.1", 0.0)
    for number in range(MAX_REMEMBERED - 1):
        guesses.count(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 0.0)
    assert guesses.wait("192.0.2.1", 0.0) > 0
    guesses.count("10.99.0.0", 0.0)

    assert guesses.wait("192.0.2.1", 0.0) == 0
