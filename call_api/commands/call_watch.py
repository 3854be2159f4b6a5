"""CallWatch: a client hears of every change of a call, or of all calls."""

from collections.abc import Sequence
from typing import Any, ClassVar

from msgspec import Struct

from call_api.backends.base import CallChange, CallInfo
from call_api.commands.base import Asking, Query
from call_api.model import CallChangeName, CallId


class CallEvent(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A call has changed.

    Attributes:
        callid: What the call is called now.
        call: How it is now, as CallList shows it.
        target: Who refused, with ``branch_failed``: a SIP URI.
        status: The SIP status with which.
        was: What else the call is called or was, with ``transferred``, so that who knows it by
            one of these recognizes it.
    """

    callid: CallId
    event: CallChangeName
    call: CallInfo
    target: str | None = None
    status: int | None = None
    was: Sequence[CallId] = ()

    @classmethod
    def of(cls, change: CallChange) -> "CallEvent":
        """Return the event that tells ``change``."""
        callid, names = change.call.callid, change.names if change.event == "transferred" else ()
        return cls(
            callid=callid,
            event=change.event,
            call=change.call,
            target=change.target,
            status=change.status,
            was=tuple(name for name in dict.fromkeys(names) if name != callid),
        )


class Watched(Struct, frozen=True, kw_only=True):
    """What is watched, or was: the call with this Call-ID; null: all calls."""

    callid: CallId | None


class CallWatch(Query, frozen=True, kw_only=True):
    """Send every change of a call to this client, as `CallEvent`.

    Attributes:
        callid: The call, under any of its names; all calls when missing.
    """

    result: ClassVar[Any] = Watched
    notifications: ClassVar[tuple[type[Struct], ...]] = (CallEvent,)

    callid: CallId | None = None

    async def answer(self, asking: Asking) -> Watched:
        """Return ``callid``; the changes follow.

        Raises:
            TooManyRequests: The client watches as many calls as it may.
        """
        asking.watch(self.callid)
        return Watched(callid=self.callid)
