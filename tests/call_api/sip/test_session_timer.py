"""Session timers (RFC 4028)."""

import pytest

from call_api.sip.message import Response
from call_api.sip.session_timer import IntervalTooSmall, Refreshing, SessionTimer
from tests.fakes.sip_messages import make_request


def asked(session_expires: str, supported: str = "timer", **more: str) -> SessionTimer | None:
    lines = [("Session-Expires", session_expires), ("Supported", supported), *more.items()]
    return SessionTimer.asked(make_request(headers=tuple(lines)))


def granted(session_expires: str) -> SessionTimer | None:
    return SessionTimer.granted(Response(200, headers=[("Session-Expires", session_expires)]))


@pytest.mark.parametrize(
    ("text", "seconds", "is_ours"),
    [
        ("1800", 1800, False),
        ("90;refresher=uac", 90, False),
        ("4000 ; Refresher = UAS ;x=y", 4000, True),
    ],
)
def test_the_phone_refreshes_unless_it_wants_us_to(text: str, seconds: int, is_ours: bool) -> None:
    assert asked(text) == SessionTimer(seconds, is_ours)


def test_who_does_not_know_of_timers_gets_none() -> None:
    assert asked("1800", "replaces") is None
    assert asked("1800", "replaces", Require="Timer") == SessionTimer(1800, is_ours=False)
    assert SessionTimer.asked(make_request(headers=(("Supported", "timer"),))) is None
    assert asked("soon") is None


def test_too_short_an_interval_is_refused_to_who_asks_and_stretched_for_who_grants() -> None:
    with pytest.raises(IntervalTooSmall):
        asked("89")
    assert granted("10;refresher=uac") == SessionTimer(90, is_ours=True)


@pytest.mark.parametrize(
    ("text", "is_ours"), [("600;refresher=uac", True), ("600;refresher=uas", False), ("600", True)]
)
def test_a_phone_that_answers_says_who_refreshes(text: str, is_ours: bool) -> None:
    assert granted(text) == SessionTimer(600, is_ours)
    assert SessionTimer.granted(Response(200)) is None


def test_what_is_agreed_to_is_said() -> None:
    theirs, ours = SessionTimer(600, is_ours=False), SessionTimer(600, is_ours=True)

    assert theirs.answer() == [("Session-Expires", "600;refresher=uac"), ("Require", "timer")]
    assert ours.answer() == [("Session-Expires", "600;refresher=uas")]
    assert ours.refresh() == [("Session-Expires", "600;refresher=uac")]


def test_we_refresh_after_half_of_the_time_and_only_if_it_is_ours_to_do() -> None:
    refreshing = Refreshing()
    assert refreshing.due_at is None

    refreshing.agree(SessionTimer(600, is_ours=True), 1000.0)
    assert refreshing.due_at == 1300.0
    refreshing.agree(SessionTimer(600, is_ours=False), 1000.0)
    assert refreshing.due_at is None
    refreshing.agree(None, 1000.0)
    assert refreshing.timer is None
