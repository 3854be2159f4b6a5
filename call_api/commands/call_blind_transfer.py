"""CallBlindTransfer: one party of a call goes somewhere else."""

from typing import ClassVar

from call_api.backends.base import Backend
from call_api.commands.base import Command, Emit
from call_api.commands.told import Told
from call_api.commands.transfer_steps import tell_missing, tell_transfer
from call_api.events import Event, TransferPending, Transferring, TransferStart, TransferSuccessful
from call_api.model import CallId, LegName, SipUri


class CallBlindTransfer(Command, frozen=True, kw_only=True):
    """Move one leg of an established call to another destination, release the other leg."""

    events: ClassVar[tuple[type[Event], ...]] = (
        Transferring,
        TransferStart,
        TransferPending,
        TransferSuccessful,
    )

    callid: CallId
    leg: LegName
    destination: SipUri

    async def run(self, backend: Backend, emit: Emit) -> None:
        """Do it, telling each step.

        Raises:
            CallApiError: It could not be done; the call is as it was.
        """
        async with backend.transfer(self.callid, self.leg, self.destination) as steps:
            emit(Transferring(destination=self.destination))
            await tell_transfer(steps, emit)

    async def take_over(self, backend: Backend, told: Told, emit: Emit) -> None:
        """Find out whether the transfer is complete; tell the steps that are missing.

        Raises:
            OwnerLost: It is not: what rang for it was cancelled.
            CallApiError: That cannot be found out.
        """
        remains = await backend.remains_of_transfer((self.callid,), told.callid)
        tell_missing(
            remains, self.destination, told, emit, Transferring(destination=self.destination)
        )
