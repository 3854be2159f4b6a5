"""CallEnd: a call is over."""

from collections.abc import Coroutine
from typing import Any, ClassVar

from call_api.backends.base import Backend
from call_api.commands.base import Command, Emit
from call_api.commands.told import Told, owner_lost
from call_api.events import Event
from call_api.model import CallId


class CallEnd(Command, frozen=True, kw_only=True):
    """Hang up both legs of a call, ringing or answered."""

    events: ClassVar[tuple[type[Event], ...]] = ()

    callid: CallId

    def run(self, backend: Backend, emit: Emit) -> Coroutine[Any, Any, None]:  # noqa: ARG002
        """Do it. There are no steps to tell.

        Raises:
            CallApiError: It could not be done.
        """
        return backend.end(self.callid)

    async def take_over(self, backend: Backend, told: Told, emit: Emit) -> None:  # noqa: ARG002
        """Find out whether the call is over.

        Raises:
            OwnerLost: It is not, or nobody can tell.
            CallApiError: That cannot be found out.
        """
        remains = await backend.remains(self.callid)
        if remains.call != "gone":
            raise owner_lost(remains)
