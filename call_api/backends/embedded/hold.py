"""CallHold and CallUnhold: which of the two parties of a call are on hold."""

from collections.abc import Callable, Sequence

from call_api.backends.base import HoldStep
from call_api.backends.embedded import reinvite
from call_api.backends.embedded.bridge import OTHER
from call_api.backends.embedded.joining import Before, blaming, join
from call_api.backends.embedded.operation import Operation, PhoneCall, may_act
from call_api.backends.embedded.session import directions
from call_api.backends.embedded.switchboard import Switchboard
from call_api.model import LEGS, LegName
from call_api.sip.sdp import Direction

Tell = Callable[[HoldStep], None]


class Hold(Operation):
    """Changes who is on hold. Each phone that is asked for is spoken to, whatever it was before.

    Args:
        legs: The parties to put on hold, or to let go.
        is_on: Which of the two.

    Raises:
        CallBusy: The call is being changed already, or still rings.
    """

    def __init__(
        self,
        board: Switchboard,
        call: PhoneCall,
        legs: Sequence[LegName],
        *,
        is_on: bool,
        tell: Tell,
    ) -> None:
        super().__init__(board)
        self.title = "CallHold" if is_on else "CallUnhold"
        board.calls.take(self, call)
        self.calls = (call,)
        self._call = call
        self._legs = [name for name in LEGS if name in legs]
        self._held = call.held.union(legs) if is_on else call.held.difference(legs)
        self._tell = tell
        self._before: Before | None = None

    async def run(self) -> None:
        """Do it, telling each step."""
        self._before = await Before.of(*self._call.legs.values())
        if self._held:
            await self._direct()
        else:
            await self._let_talk()
        self._call.held = self._held

    async def undo(self) -> None:
        """Let both parties do what they did before."""
        await super().undo()
        if self._before is not None:
            await self._before.put_back()

    async def _direct(self) -> None:
        """Tell each party where its media flows; those that were not asked for come first."""
        ways = directions(self._held)
        for name in LEGS:
            if name not in self._legs:
                await self._tell_way(name, ways[name])
        for name in self._legs:
            self._tell(HoldStep(leg=name, state="start"))
            await self._tell_way(name, ways[name], is_asked=True)
            self._tell(HoldStep(leg=name, state="ok"))

    async def _tell_way(self, name: LegName, way: Direction, *, is_asked: bool = False) -> None:
        leg, said = self._call.legs[name], self._call.legs[OTHER[name]].session.said
        assert said is not None  # a call that is answered has been described
        sdp = said.with_direction(way)
        if is_asked or leg.session.told != sdp:
            await may_act()
            with blaming(name):
                await reinvite.offer(leg, sdp)

    async def _let_talk(self) -> None:
        for name in self._legs:
            self._tell(HoldStep(leg=name, state="start"))
        await may_act()
        await join(self._call.legs["caller"], self._call.legs["callee"], names=True)
        for name in self._legs:
            self._tell(HoldStep(leg=name, state="ok"))
