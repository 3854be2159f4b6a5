import pytest

from call_api.sip.timers import Timer, Timers, invite_retransmissions


def test_an_invite_is_sent_seven_times_in_32_seconds() -> None:
    assert invite_retransmissions() == [0.5, 1.5, 3.5, 7.5, 15.5, 31.5]


@pytest.mark.parametrize("t1", [0.0, -1.0])
def test_a_round_trip_takes_time(t1: float) -> None:
    with pytest.raises(ValueError, match="t1 must be positive"):
        invite_retransmissions(t1)


@pytest.mark.parametrize("name", ["t1", "t2", "t4", "trying"])
def test_no_timer_is_zero_or_less(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be positive, not 0"):
        Timers(**{name: 0.0})


# RFC 3261, table 4, and RFC 6026: with UDP, and with TCP. A, E and G do not run with TCP.
TABLE_4 = [
    ("A", 0.5, 0.5),
    ("B", 32.0, 32.0),
    ("D", 32.0, 0.0),
    ("E", 0.5, 0.5),
    ("F", 32.0, 32.0),
    ("G", 0.5, 0.5),
    ("H", 32.0, 32.0),
    ("I", 5.0, 0.0),
    ("J", 32.0, 0.0),
    ("K", 5.0, 0.0),
    ("L", 32.0, 32.0),
    ("M", 32.0, 32.0),
    ("100", 0.2, 0.2),
]


@pytest.mark.parametrize(("name", "with_udp", "with_tcp"), TABLE_4)
def test_the_timers_are_those_of_the_rfc(name: str, with_udp: float, with_tcp: float) -> None:
    timers = Timers()

    assert timers.seconds(Timer(name), reliable=False) == with_udp
    assert timers.seconds(Timer(name), reliable=True) == with_tcp


def test_every_timer_has_its_row() -> None:
    assert [name for name, _, _ in TABLE_4] == [timer.value for timer in Timer]


def test_a_faster_network_makes_all_timers_faster() -> None:
    timers = Timers(t1=0.01, t2=0.04, t4=0.05)

    assert timers.seconds(Timer.B, reliable=False) == 0.64
    assert timers.seconds(Timer.K, reliable=False) == 0.05
    assert timers.give_up_after == 0.64
