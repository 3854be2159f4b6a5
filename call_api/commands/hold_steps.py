"""What holds and their ends tell alike."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Literal, TypeAlias

from call_api.backends.base import HoldStep, Remains
from call_api.commands.base import Emit
from call_api.commands.progress import Progress
from call_api.commands.told import Told, owner_lost
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


def tell_missing_legs(
    remains: Remains,
    legs: Sequence[LegName],
    told: Told,
    emit: Emit,
    *,
    is_done: bool,
    accepted: Event,
    started: Callable[[LegName], Event],
    successful: Callable[[LegName, tuple[LegName, ...] | None], Event],
) -> None:
    """Tell what was not told when the daemon died, if all of the legs have agreed.

    Args:
        is_done: Whether they have, as far as the back end can tell.
        accepted: The event that comes first.
        started: As for `tell_legs`.
        successful: As for `tell_legs`.

    Raises:
        OwnerLost: They have not.
    """
    done = [leg for leg in legs if told.has(type(successful(leg, None)), leg=leg)]
    if not is_done and len(done) < len(legs):
        raise owner_lost(remains)
    if not told.has(type(accepted)):
        emit(accepted)
    for leg in legs:
        if leg in done:
            continue
        if not told.has(type(started(leg)), leg=leg):
            emit(started(leg))
        done.append(leg)
        emit(successful(leg, tuple(legs) if len(done) == len(legs) else None))
