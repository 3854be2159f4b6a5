"""CallAttendedTransfer: one party of a call meets one party of another call."""

from typing import ClassVar

from call_api.backends.base import Backend
from call_api.commands.base import Command, Emit
from call_api.commands.told import Told
from call_api.commands.transfer_steps import tell_missing, tell_transfer
from call_api.events import Event, TransferPending, Transferring, TransferStart, TransferSuccessful
from call_api.model import CallId, LegName, SipUri


class CallAttendedTransfer(Command, frozen=True, kw_only=True):
    """Join one leg of call A with one leg of call B, release the two others."""

    events: ClassVar[tuple[type[Event], ...]] = (
        Transferring,
        TransferStart,
        TransferPending,
        TransferSuccessful,
    )

    param_aliases: ClassVar[dict[str, str]] = {
        "callidA": "callid_a",
        "legA": "leg_a",
        "callidB": "callid_b",
        "legB": "leg_b",
    }

    callid_a: CallId
    leg_a: LegName
    callid_b: CallId
    leg_b: LegName
    destination: SipUri | None = None

    async def run(self, backend: Backend, emit: Emit) -> None:
        """Do it, telling each step.

        Raises:
            CallApiError: It could not be done; both calls are as they were.
        """
        async with backend.join(
            self.callid_a, self.leg_a, self.callid_b, self.leg_b, self.destination
        ) as steps:
            emit(Transferring())
            await tell_transfer(steps, emit)

    async def take_over(self, backend: Backend, told: Told, emit: Emit) -> None:
        """Find out whether the transfer is complete; tell the steps that are missing.

        Raises:
            OwnerLost: It is not: what rang for it was cancelled.
            CallApiError: That cannot be found out.
        """
        remains = await backend.remains_of_transfer((self.callid_a, self.callid_b), told.callid)
        tell_missing(remains, self.destination, told, emit, Transferring())
