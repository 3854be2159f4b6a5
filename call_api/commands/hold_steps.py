"""What holds and their ends tell alike."""

from collections.abc import AsyncIterator, Callable, Sequence

from call_api.backends.base import HoldStep, Remains
from call_api.commands.base import Emit
from call_api.commands.told import Told, owner_lost
from call_api.events import Event
from call_api.model import LEGS, LegName


class HoldWords:
    """The events of a command that changes holds: there are few, so each is made once.

    Args:
        accepted: Is told first.
        started: Makes the event that a leg is asked.
        successful: Makes the event that a leg has agreed; its second argument is all of the
            command's legs when this was the last one.
    """

    def __init__(
        self,
        accepted: Event,
        started: Callable[[LegName], Event],
        successful: Callable[[LegName, tuple[LegName, ...] | None], Event],
    ) -> None:
        self.accepted = accepted
        self.started = {leg: started(leg) for leg in LEGS}
        self._alone = {leg: successful(leg, (leg,)) for leg in LEGS}
        self._first = {leg: successful(leg, None) for leg in LEGS}
        self._last = {leg: successful(leg, LEGS) for leg in LEGS}

    def successful(self, leg: LegName, legs: Sequence[LegName], *, is_last: bool) -> Event:
        """Return the event that one of these legs has agreed."""
        if len(legs) == 1:
            return self._alone[leg]
        return self._last[leg] if is_last else self._first[leg]


async def tell_legs(
    steps: AsyncIterator[HoldStep], legs: Sequence[LegName], emit: Emit, words: HoldWords
) -> None:
    """Tell the steps of each leg until all of them have agreed: each once, none left out.

    Raises:
        CallApiError: One of them has not agreed.
    """
    emit(words.accepted)
    asked: list[LegName] = []
    to_come = list(legs)
    async for step in steps:
        leg = step.leg
        if leg not in to_come:
            continue
        if leg not in asked:
            asked.append(leg)
            emit(words.started[leg])
        if step.state == "ok":
            to_come.remove(leg)
            emit(words.successful(leg, legs, is_last=not to_come))
        if step.is_last:
            break
    if to_come:
        raise RuntimeError(f"the back end reported no 'ok' of the {to_come[0]}")


def tell_missing_legs(
    remains: Remains,
    legs: Sequence[LegName],
    told: Told,
    emit: Emit,
    words: HoldWords,
    *,
    is_done: bool,
) -> None:
    """Tell what was not told when the daemon died, if all of the legs have agreed.

    Args:
        is_done: Whether they have, as far as the back end can tell.

    Raises:
        OwnerLost: They have not.
    """
    agreed = type(words.successful(legs[0], legs, is_last=False))
    done = [leg for leg in legs if told.has(agreed, leg=leg)]
    if not is_done and len(done) < len(legs):
        raise owner_lost(remains)
    if not told.has(type(words.accepted)):
        emit(words.accepted)
    for leg in legs:
        if leg in done:
            continue
        if not told.has(type(words.started[leg]), leg=leg):
            emit(words.started[leg])
        done.append(leg)
        emit(words.successful(leg, legs, is_last=len(done) == len(legs)))
