"""What blind and attended transfers tell alike."""

from collections.abc import AsyncIterator
from typing import Literal, TypeAlias

from call_api.backends.base import TransferStep
from call_api.commands.base import Emit
from call_api.commands.progress import Progress
from call_api.events import TransferPending, TransferStart, TransferSuccessful

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
