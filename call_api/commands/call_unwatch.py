"""CallUnwatch: a client hears no more of a call, or of all calls."""

from typing import Any, ClassVar

from call_api.commands.base import Asking, Query
from call_api.commands.call_watch import Watched
from call_api.model import CallId


class CallUnwatch(Query, frozen=True, kw_only=True):
    """Take back the CallWatch with the same parameter; harmless if there was none.

    Attributes:
        callid: The call; what was asked for without one when missing.
    """

    result: ClassVar[Any] = Watched

    callid: CallId | None = None

    async def answer(self, asking: Asking) -> Watched:
        """Return ``callid``; what was asked for like this ends before the answer."""
        asking.unwatch(self.callid)
        return Watched(callid=self.callid)
