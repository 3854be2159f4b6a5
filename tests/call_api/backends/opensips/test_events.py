from call_api.backends.opensips.events import HOLD, EventParams, ProxyEvent, decode_event
from tests.fakes.proxy_events import HELD


def test_what_an_event_does_not_say_is_left_out() -> None:
    params = EventParams(callid="7Vr0", leg="caller", action="hold", state="ok")

    assert decode_event(HELD) == ProxyEvent(HOLD, params)
