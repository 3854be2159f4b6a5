from datetime import UTC, datetime

from call_api.backends.base import Remains
from call_api.backends.embedded.bridge import Bridge
from call_api.backends.embedded.leg import Leg
from call_api.backends.embedded.remains import remains
from call_api.model import CallId

C = CallId("c")


def test_of_a_call_of_another_process_nobody_can_tell() -> None:
    assert remains(Bridge[Leg](), C) == Remains(callid=C, call="unknown")


def test_a_call_of_this_process_rings_or_is_up_and_held() -> None:
    calls = Bridge[Leg]()
    call = calls.open(C, "sip:a@localhost", "sip:b@localhost", datetime.now(UTC))

    assert remains(calls, C) == Remains(callid=C, call="ringing")
    call.state, call.held = "answered", frozenset({"callee"})
    assert remains(calls, C) == Remains(callid=C, call="up", held=["callee"])
