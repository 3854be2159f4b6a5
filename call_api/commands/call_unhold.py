"""CallUnhold: the parties of a call hear each other again."""

from typing import ClassVar, Final

from call_api.backends.base import Backend
from call_api.commands.base import Command, Emit
from call_api.commands.hold_steps import HoldWords, tell_legs, tell_missing_legs
from call_api.commands.told import Told
from call_api.events import CallUnholding, CallUnholdStart, CallUnholdSuccessful, Event
from call_api.model import LEGS, CallId, LegName


class CallUnhold(Command, frozen=True, kw_only=True):
    """End the hold of one leg of a call, or of both."""

    events: ClassVar[tuple[type[Event], ...]] = (
        CallUnholding,
        CallUnholdStart,
        CallUnholdSuccessful,
    )

    aliases: ClassVar[tuple[str, ...]] = ("CallUnHold",)

    callid: CallId
    leg: LegName | None = None

    async def run(self, backend: Backend, emit: Emit) -> None:
        """Do it, telling each step.

        Raises:
            CallApiError: It could not be done.
        """
        legs = LEGS if self.leg is None else (self.leg,)
        async with backend.unhold(self.callid, legs) as steps:
            await tell_legs(steps, legs, emit, _WORDS)

    async def take_over(self, backend: Backend, told: Told, emit: Emit) -> None:
        """Find out whether the legs are back; tell the steps that are missing.

        Raises:
            OwnerLost: They are not, or nobody can tell.
            CallApiError: That cannot be found out.
        """
        legs = LEGS if self.leg is None else (self.leg,)
        remains = await backend.remains(self.callid)
        is_done = remains.call == "up" and not set(legs) & set(remains.held)
        tell_missing_legs(remains, legs, told, emit, _WORDS, is_done=is_done)


_WORDS: Final = HoldWords(
    CallUnholding(),
    lambda leg: CallUnholdStart(leg=leg),
    lambda leg, legs: CallUnholdSuccessful(leg=leg, legs=legs),
)
