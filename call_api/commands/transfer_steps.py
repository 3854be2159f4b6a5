"""What blind and attended transfers tell alike."""

from collections.abc import AsyncIterator
from typing import Literal, TypeAlias

from call_api.backends.base import Remains, TransferStep
from call_api.commands.base import Emit
from call_api.commands.progress import Progress
from call_api.commands.told import Told, owner_lost
from call_api.events import Event, TransferPending, TransferStart, TransferSuccessful
from call_api.model import SipUri

_State: TypeAlias = Literal["start", "pending", "ok"]
_ORDER: tuple[_State, ...] = ("start", "ok")


async def tell_transfer(steps: AsyncIterator[TransferStep], emit: Emit) -> None:
    """Tell the steps of a transfer until it is complete.

    Raises:
        CallApiError: It failed.
    """
    progress = Progress(_ORDER, pending="pending", pends_after="start")
    async for step in steps:
        for state in progress.due(step.state):
            if state == "start":
                emit(TransferStart(callid=step.callid, destination=step.destination))
            elif state == "ok":
                emit(TransferSuccessful(callid=step.callid, destination=step.destination))
            else:
                emit(
                    TransferPending(
                        callid=step.callid, destination=step.destination, extra=step.status
                    )
                )
    progress.finish()


def tell_missing(
    remains: Remains, to: SipUri | None, told: Told, emit: Emit, accepted: Event
) -> None:
    """Tell what was not told of a transfer when its daemon died, if it is complete.

    Args:
        to: The destination, where the client named one.
        accepted: The event that comes first.

    Raises:
        OwnerLost: It is not.
    """
    if told.has(TransferSuccessful):
        return
    if remains.call != "up":
        raise owner_lost(remains)
    callid, destination = remains.callid, to or SipUri(remains.destination) or None
    for event in (
        accepted,
        TransferStart(callid=callid, destination=destination),
        TransferSuccessful(callid=callid, destination=destination),
    ):
        if not told.has(type(event)):
            emit(event)
