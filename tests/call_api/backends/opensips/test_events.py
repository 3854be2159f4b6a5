from call_api.backends.opensips.events import (
    HOLD,
    TRANSFER,
    EventParams,
    ProxyEvent,
    parse_event,
)
from tests.fakes.proxy_events import HELD, LATE, REFUSED, START


def test_events_are_read_as_opensips_sends_them() -> None:
    start, late, held, refused = map(parse_event, (START, LATE, HELD, REFUSED))

    assert start == ProxyEvent(
        TRANSFER,
        EventParams(
            callid="7Vr0",
            leg="6voi",
            transfer_callid="6voi",
            destination="sip:cindy@127.0.0.1:5073;ob",
            state="start",
            status="",
        ),
    )
    assert late is not None
    assert late.params.leg is None
    assert held is not None
    assert (held.method, held.params.action, held.params.state) == (HOLD, "hold", "ok")
    assert refused is not None
    assert (refused.params.code, refused.params.reason) == (603, "Decline")


def test_a_number_may_come_as_a_string() -> None:
    event = parse_event(REFUSED.replace(b"603", b'"603"'))

    assert event is not None
    assert event.params.code == 603


def test_bytes_that_are_no_utf8_do_not_cost_the_event() -> None:
    event = parse_event(REFUSED.replace(b"Decline", b"D\xe9cline"))

    assert event is not None
    assert event.params.reason == "D\N{REPLACEMENT CHARACTER}cline"
