"""What commands tell, and what happens to calls, as values with types.

The classes are the daemon's own: docs/commands.md has them under these names.
"""

import msgspec

from call_api.backends.base import CallInfo
from call_api.commands.call_watch import CallEvent
from call_api.events import (
    CalleeAnswered,
    CallerAnswered,
    CallHolding,
    CallHoldStart,
    CallHoldSuccessful,
    CallUnholding,
    CallUnholdStart,
    CallUnholdSuccessful,
    Ended,
    Error,
    Event,
    Reply,
    TransferPending,
    Transferring,
    TransferStart,
    TransferSuccessful,
)
from call_api_client.messages import BadReply, Step

__all__ = [
    "CallEvent",
    "CallHoldStart",
    "CallHoldSuccessful",
    "CallHolding",
    "CallInfo",
    "CallUnholdStart",
    "CallUnholdSuccessful",
    "CallUnholding",
    "CalleeAnswered",
    "CallerAnswered",
    "Ended",
    "Event",
    "OtherEvent",
    "Reply",
    "TransferPending",
    "TransferStart",
    "TransferSuccessful",
    "Transferring",
    "change",
    "event",
]

_KINDS = {kind.__name__: kind for kind in Event.__subclasses__() if kind not in (Error, Reply)}


class OtherEvent(Event, frozen=True, kw_only=True):
    """An event that this version of the library does not know."""

    name: str
    data: dict[str, object]


def event(step: Step) -> Event:
    """Return what a command told."""
    data = dict(step.data)
    if step.event == "Reply":
        return Reply(params=data)
    legs = data.get("legs")
    if isinstance(legs, list) and legs:  # dialect v1 tells of all legs together
        data.setdefault("leg", legs[-1])
    try:
        return msgspec.convert(data, _KINDS[step.event])
    except (KeyError, msgspec.ValidationError):
        return OtherEvent(name=step.event, data=dict(step.data))


def change(step: Step) -> CallEvent:
    """Return what has happened to a call.

    Raises:
        BadReply: It is nothing that can happen to one.
    """
    try:
        return msgspec.convert(step.data, CallEvent)
    except msgspec.ValidationError as exc:
        raise BadReply(f"it is no change of a call ({exc})") from exc
