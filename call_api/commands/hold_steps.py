"""What holds and their ends tell alike."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Literal, TypeAlias

from call_api.backends.base import HoldStep
from call_api.commands.base import Emit
from call_api.commands.progress import Progress
from call_api.events import Event
from call_api.model import LegName

_State: TypeAlias = Literal["start", "ok"]
_ORDER: tuple[_State, ...] = ("start", "ok")


async def tell_legs(
    steps: AsyncIterator[HoldStep],
    legs: Sequence[LegName],
    emit: Emit,
    *,
    started: Callable[[LegName], Event],
    successful: Callable[[LegName, tuple[LegName, ...] | None], Event],
) -> None:
    """Tell the steps of each leg until all of them have agreed.

    Args:
        started: Makes the event that a leg is asked.
        successful: Makes the event that a leg has agreed; its second argument is all of the
            legs when this was the last one.

    Raises:
        CallApiError: One of them has not agreed.
    """
    by_leg = {leg: Progress(_ORDER) for leg in legs}
    async for step in steps:
        if step.leg not in by_leg:
            continue
        for state in by_leg[step.leg].due(step.state):
            if state == "start":
                emit(started(step.leg))
            else:
                is_last = all(progress.is_complete for progress in by_leg.values())
                emit(successful(step.leg, tuple(legs) if is_last else None))
    for progress in by_leg.values():
        progress.finish()
