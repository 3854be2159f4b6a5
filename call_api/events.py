"""What commands tell their clients while they run.

A class name is the event's name in dialect v2, its fields are the members of ``data`` there.
`call_api.dialects` has what v1 calls it.
"""

from msgspec import Struct

from call_api.errors import CallApiError
from call_api.model import CallId, LegName, SipUri


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base class of all events."""


class CallerAnswered(Event, frozen=True, kw_only=True):
    """The caller has answered; nobody has been asked on the other side yet."""

    caller: SipUri
    callee: SipUri


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


class CalleeAnswered(Event, frozen=True, kw_only=True):
    """The callee has answered, both parties talk."""

    callid: CallId
    caller: SipUri
    callee: SipUri


class TransferSuccessful(Event, frozen=True, kw_only=True):
    """The transfer is complete."""

    callid: CallId
    destination: SipUri | None = None


class CallHolding(Event, frozen=True, kw_only=True):
    """The hold was accepted; its legs are about to be asked."""


class CallHoldStart(Event, frozen=True, kw_only=True):
    """One leg is being put on hold."""

    leg: LegName


class CallHoldSuccessful(Event, frozen=True, kw_only=True):
    """One leg is on hold.

    Attributes:
        legs: Every leg of the command, when this was the last one to be told. Dialect v2 leaves
            it out, v1 tells it alone.
    """

    leg: LegName
    legs: tuple[LegName, ...] | None = None


class CallUnholding(Event, frozen=True, kw_only=True):
    """The end of the hold was accepted; its legs are about to be asked."""


class CallUnholdStart(Event, frozen=True, kw_only=True):
    """One leg is being brought back."""

    leg: LegName


class CallUnholdSuccessful(Event, frozen=True, kw_only=True):
    """One leg is back.

    Attributes:
        legs: Every leg of the command, when this was the last one to be told. Dialect v2 leaves
            it out, v1 tells it alone.
    """

    leg: LegName
    legs: tuple[LegName, ...] | None = None


class Reply(Event, frozen=True, kw_only=True):
    """What was sent to Echo; the members of ``data`` are those of ``params``."""

    params: dict[str, object]


class Error(Event, frozen=True, kw_only=True):
    """The command failed; its `Ended` follows.

    Attributes:
        message: The error in words.
        error: Its ``code`` and ``name``, and what else is known about it.
    """

    message: str
    error: dict[str, object]

    @classmethod
    def of(cls, error: CallApiError) -> "Error":
        """Return the event that tells ``error``."""
        about = {"code": error.code, "name": type(error).__name__, **error.data}
        return cls(message=str(error), error=about)


class Ended(Event, frozen=True, kw_only=True):
    """The command is over: the last event of every command.

    Attributes:
        callid: What the call is called now, when the command went well and told one.
    """

    callid: CallId | None = None
