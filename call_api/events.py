"""What commands tell their clients while they run.

A class name is the event's name in dialect v2, its fields are the members of ``data`` there.
`call_api.dialects` has what v1 calls it.
"""

from msgspec import Struct

from call_api.model import CallId, SipUri


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base class of all events."""


class Transferring(Event, frozen=True, kw_only=True):
    """A destination is about to be asked."""

    caller: SipUri | None = None
    destination: SipUri | None = None


class TransferStart(Event, frozen=True, kw_only=True):
    """The destination is being asked; from here on the call is called ``callid``."""

    callid: CallId
    caller: SipUri | None = None
    callee: SipUri | None = None
    destination: SipUri | None = None


class TransferPending(Event, frozen=True, kw_only=True):
    """The destination told its progress; ``extra`` is as in ``"180 Ringing"``."""

    callid: CallId
    caller: SipUri | None = None
    callee: SipUri | None = None
    destination: SipUri | None = None
    extra: str


class TransferSuccessful(Event, frozen=True, kw_only=True):
    """The transfer is complete."""

    callid: CallId
    destination: SipUri | None = None
