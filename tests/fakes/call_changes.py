"""Changes of calls, as a back end tells them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from call_api.backends.base import CallChange, CallInfo
from call_api.model import CallChangeName, CallId, CallState

STATES: dict[str, CallState] = {"created": "created", "ringing": "ringing", "ended": "ended"}


def change(
    callid: str, event: CallChangeName = "answered", names: Sequence[str] = (), **more: Any
) -> CallChange:
    """A change of the call with this Call-ID."""
    call = CallInfo(
        callid=CallId(callid),
        state=STATES.get(event, "answered"),
        caller="sip:alice@h",
        callee="sip:bob@h",
        started=datetime(2026, 1, 31, 12, tzinfo=UTC),
    )
    return CallChange(event=event, call=call, names=[CallId(name) for name in names], **more)
