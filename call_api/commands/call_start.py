"""CallStart: a new call between two parties."""

from typing import ClassVar, Literal, TypeAlias

from call_api.backends.base import Backend, StartStep
from call_api.commands.base import Command, Emit
from call_api.commands.progress import Progress
from call_api.commands.told import Told, owner_lost
from call_api.events import (
    CalleeAnswered,
    CallerAnswered,
    Event,
    TransferPending,
    Transferring,
    TransferStart,
)
from call_api.model import SipUri

_State: TypeAlias = Literal["answered", "transferring", "start", "pending", "ok"]
_ORDER: tuple[_State, ...] = ("answered", "transferring", "start", "ok")


class CallStart(Command, frozen=True, kw_only=True):
    """Call the caller and, when it has answered, join it with the callee."""

    events: ClassVar[tuple[type[Event], ...]] = (
        CallerAnswered,
        Transferring,
        TransferStart,
        TransferPending,
        CalleeAnswered,
    )

    caller: SipUri
    callee: SipUri

    async def run(self, backend: Backend, emit: Emit) -> None:
        """Do it, telling each step.

        Raises:
            CallApiError: It could not be done.
        """
        progress = Progress(_ORDER, pending="pending", pends_after="start")
        async with backend.start(self.caller, self.callee) as steps:
            async for step in steps:
                for state in progress.due(step.state):
                    emit(self._event(state, step))
        progress.finish()

    async def take_over(self, backend: Backend, told: Told, emit: Emit) -> None:
        """Find out whether the call is up; tell the steps that are missing.

        Raises:
            OwnerLost: It is not: it was ended if it was half made.
            CallApiError: That cannot be found out.
        """
        remains = await backend.remains_of_start(told.callid)
        if told.has(CalleeAnswered):
            return
        if remains.call != "up":
            raise owner_lost(remains)
        for state in _ORDER:
            event = self._event(state, StartStep(state=state, callid=remains.callid))
            if not told.has(type(event)):
                emit(event)

    def _event(self, state: _State, step: StartStep) -> Event:
        caller, callee = self.caller, self.callee
        match state:
            case "answered":
                return CallerAnswered(caller=caller, callee=callee)
            case "transferring":
                return Transferring(caller=caller, destination=callee)
            case "start":
                return TransferStart(callid=step.callid, caller=caller, callee=callee)
            case "pending":
                return TransferPending(
                    callid=step.callid, caller=caller, callee=callee, extra=step.status
                )
            case _:
                return CalleeAnswered(callid=step.callid, caller=caller, callee=callee)
