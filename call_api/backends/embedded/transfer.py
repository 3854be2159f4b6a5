"""CallBlindTransfer: one party of a call goes to somebody else, the other one is released."""

from collections.abc import Callable

from call_api.backends.base import TransferStep
from call_api.backends.embedded.bridge import OTHER
from call_api.backends.embedded.joining import Before, follow, settle
from call_api.backends.embedded.operation import Operation, PhoneCall, may_act
from call_api.backends.embedded.ringing import Progress, Ringing
from call_api.backends.embedded.switchboard import Switchboard
from call_api.model import LegName, SipUri
from call_api.sip.dialog import HeaderLines
from call_api.sip.headers import NameAddr

Tell = Callable[[TransferStep], None]


class Transfer(Operation):
    """Rings the destination while the old call goes on, and changes over when it answers.

    Args:
        leg: The party that goes to the destination.

    Raises:
        CallBusy: The call is being changed already, or still rings.
        CallFailed: The destination cannot be reached.
    """

    title = "CallBlindTransfer"

    def __init__(
        self, board: Switchboard, call: PhoneCall, leg: LegName, to: SipUri, tell: Tell
    ) -> None:
        super().__init__(board)
        self._phones = board.phones(call.uris[leg], to)
        board.calls.take(self, call)
        self.calls = (call,)
        self._call = call
        self._leg: LegName = leg
        self._to = to
        self._tell = tell
        self._kept = call.legs[leg]
        self._before: Before | None = None

    async def run(self) -> None:
        """Do it, telling each step."""
        call, kept, name = self._call, self._kept, OTHER[self._leg]
        offer = kept.session.said
        assert offer is not None  # a call that is answered has been described
        offer = offer.with_direction("sendrecv")
        who = NameAddr.parse(f"<{call.uris[self._leg]}>")
        ringing = Ringing(self.board, call, who=who, to=self._to, offer=offer)
        ringing.add(self._phones.targets, self._phones.ring_for)
        self._tell(TransferStep(state="start", callid=call.callid, destination=self._to))
        self.lets_phones_speak = True
        reached = await ringing.winner(self._tell_progress)
        self.lets_phones_speak = False
        await may_act()
        self._before = await Before.of(kept)  # the parties may have done something while it rang
        await settle(kept, reached, offer, to_x=identity(self._to))
        left = self.board.reseat(call, name, reached, self._to)
        self._tell(TransferStep(state="ok", callid=call.callid, destination=self._to))
        if left is not None:
            left.hang_up()

    def leg_gone(self, call: PhoneCall, name: LegName) -> None:
        """Let the party go that is to be released anyway; without the other one it is over."""
        if name == self._leg:
            super().leg_gone(call, name)

    async def undo(self) -> None:
        """Let the old parties talk on as before."""
        await super().undo()
        if self._before is None:
            return
        await self._before.put_back()
        left = self._call.legs.get(OTHER[self._leg])
        if left is not None:
            await follow(self._kept, left)

    def _tell_progress(self, progress: Progress) -> None:
        self._tell(
            TransferStep(
                state="pending",
                callid=self._call.callid,
                destination=self._to,
                status=str(progress),
            )
        )


def identity(uri: str) -> HeaderLines:
    """Return what a phone is told of its new peer (RFC 3325, section 9.1)."""
    return [("P-Asserted-Identity", f"<{uri}>")]
