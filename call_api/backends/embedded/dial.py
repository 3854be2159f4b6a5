"""A phone calls somebody: the callee's phones ring, and one of them is joined with it."""

from call_api.backends.embedded.leg import Leg
from call_api.backends.embedded.operation import Operation
from call_api.backends.embedded.phone_answer import answer_with, refuse
from call_api.backends.embedded.ringing import Progress, Ringing
from call_api.backends.embedded.routing import Ring
from call_api.backends.embedded.switchboard import Switchboard
from call_api.sip.headers import NameAddr
from call_api.sip.sdp import BadSdp, Sdp
from call_api.sip.uri import Uri


class Dial(Operation):
    """Makes a call of a phone's INVITE.

    Args:
        caller: The phone's leg, with its INVITE open.
        who: The caller as the callee is to see it.
        offer: What the phone has offered; None: it wants an offer.
        hops: How many its INVITE may pass through from here on.
    """

    title = "a phone's call"

    def __init__(
        self,
        board: Switchboard,
        caller: Leg,
        who: NameAddr,
        callee: Uri,
        phones: Ring,
        offer: Sdp | None,
        hops: int,
    ) -> None:
        super().__init__(board)
        self._caller = caller
        self._who = who
        self._phones = phones
        self._offer = offer
        self._hops = hops
        self._call = board.open(caller.callid, str(who.uri), str(callee), self)
        board.calls.seat(self._call, "caller", caller)

    async def run(self) -> None:
        """Ring, and answer the phone as its callee does."""
        call = self._call
        ringing = Ringing(
            self.board,
            call,
            who=self._who,
            to=call.uris["callee"],
            offer=self._offer,
            hops=self._hops,
        )
        ringing.add(self._phones.targets, self._phones.ring_for)
        callee = await ringing.winner(lambda progress: self._pass_on(progress, ringing))
        self.board.seat(call, "callee", callee)
        await answer_with(self._caller, callee, is_offered=self._offer is not None)
        self.board.answered(call)

    async def undo(self) -> None:
        """Refuse the phone's INVITE with what went wrong."""
        await super().undo()
        refuse(self._caller, self.error)

    def _pass_on(self, progress: Progress, ringing: Ringing) -> None:
        """Let the caller know, and hear the ringback that the callee's phone makes."""
        incoming = self._caller.open_invite
        if incoming is None:
            return
        body = b""
        if progress.body and self._offer is not None and ringing.count == 1:
            body = self._early(progress.body)
        assert self._caller.dialog is not None
        contact = ("Contact", self._caller.dialog.contact)
        incoming.respond(progress.status, progress.reason, headers=[contact], body=body)

    def _early(self, body: bytes) -> bytes:
        try:
            return self._caller.session.answer(Sdp.parse(body))
        except BadSdp:
            return b""
