"""CallAttendedTransfer: one party of each of two calls is joined, the others are released."""

from call_api.backends.base import TransferStep
from call_api.backends.embedded.bridge import OTHER
from call_api.backends.embedded.joining import Before, follow, join
from call_api.backends.embedded.operation import Operation, PhoneCall
from call_api.backends.embedded.switchboard import Switchboard
from call_api.backends.embedded.transfer import Tell, identity
from call_api.errors import CallFailed
from call_api.model import LegName, SipUri


class Join(Operation):
    """Makes one call of two. It is the first one that lives on, with one leg of the second.

    Args:
        leg_a: The party of the first call that stays.
        leg_b: The party of the second call that it is joined with.
        to: Whom the first one is told that it talks to; None: the second one's own URI.

    Raises:
        CallBusy: A call is being changed already, or still rings.
        CallFailed: Both are the same call.
    """

    title = "CallAttendedTransfer"

    def __init__(
        self,
        board: Switchboard,
        call_a: PhoneCall,
        leg_a: LegName,
        call_b: PhoneCall,
        leg_b: LegName,
        to: SipUri | None,
        tell: Tell,
    ) -> None:
        super().__init__(board)
        if call_a is call_b:
            raise CallFailed(482, "Both Legs Are Of One Call")
        board.calls.take(self, call_a, call_b)
        self.calls = (call_a, call_b)
        self._a, self._leg_a = call_a, leg_a
        self._b, self._leg_b = call_b, leg_b
        self._x, self._y = call_a.legs[leg_a], call_b.legs[leg_b]
        self._before: Before | None = None
        self._to = to or SipUri(call_b.uris[leg_b])
        self._tell = tell

    async def run(self) -> None:
        """Do it, telling each step."""
        a, b, name = self._a, self._b, OTHER[self._leg_a]
        self._tell(TransferStep(state="start", callid=a.callid, destination=self._to))
        self._before = await Before.of(self._x, self._y)
        x_is = a.uris[self._leg_a]
        await join(self._x, self._y, to_x=identity(self._to), to_y=identity(x_is))
        left = self.board.reseat(a, name, self._y, self._to)
        self._tell(TransferStep(state="ok", callid=a.callid, destination=self._to))
        if left is not None:
            left.hang_up()
        self.calls = (a,)
        b.owner = None
        self.board.end(b)

    def leg_gone(self, call: PhoneCall, name: LegName) -> None:
        """Let those go that are to be released anyway; without the other two it is over."""
        if (call, name) in ((self._a, self._leg_a), (self._b, self._leg_b)):
            super().leg_gone(call, name)

    async def undo(self) -> None:
        """Let the old pairs talk on as before."""
        await super().undo()
        if self._before is None:
            return
        await self._before.put_back()
        for call, leg, name in (
            (self._a, self._x, self._leg_a),
            (self._b, self._y, self._leg_b),
        ):
            left = call.legs.get(OTHER[name])
            if left is not None:
                await follow(leg, left)
