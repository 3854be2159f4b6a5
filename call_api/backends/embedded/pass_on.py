"""A phone's own re-INVITE: its hold, a new address, other codecs."""

from contextlib import suppress

from call_api.backends.embedded import reinvite
from call_api.backends.embedded.joining import Before
from call_api.backends.embedded.leg import LOST, Leg
from call_api.backends.embedded.operation import Operation, PhoneCall
from call_api.backends.embedded.phone_answer import answer_with, refuse
from call_api.backends.embedded.session import directions
from call_api.backends.embedded.switchboard import Switchboard
from call_api.errors import CallFailed
from call_api.sip.message import Request
from call_api.sip.sdp import BadSdp, Sdp


class PassOn(Operation):
    """Passes what a phone wants on to its peer, and the peer's answer back.

    Args:
        leg: Has its re-INVITE open. Its turn and the peer's are taken.
        offer: What the phone offers; None: it wants an offer.
        before: Said and held by the phone before that.
    """

    title = "a phone's re-INVITE"

    def __init__(
        self,
        board: Switchboard,
        leg: Leg,
        peer: Leg,
        offer: Sdp | None,
        before: tuple[Sdp | None, bool],
    ) -> None:
        super().__init__(board)
        self._leg = leg
        self._peer = peer
        self._offer = offer
        self._said, self._held = before
        self._before = Before(peer)

    async def run(self) -> None:
        """Pass it on."""
        response = await reinvite.once(self._peer, self._offer)
        if not response.is_success:
            status = 480 if response.status in LOST else response.status
            raise CallFailed(status, response.reason)
        await answer_with(self._leg, self._peer, is_offered=self._offer is not None)
        call = self.board.calls.call_of(self._leg)
        if call is not None:
            self.board.changes.compare_holds(call)

    async def undo(self) -> None:
        """Tell the phone that all stays as it was, and the peer too."""
        await super().undo()
        self._peer.decline()
        self._leg.session.forget_offer(self._said, holds=self._held)
        refuse(self._leg, self.error)
        await self._before.put_back(over=(self._offer, None))


def answer_alone(leg: Leg, call: PhoneCall | None, *, is_offered: bool) -> None:
    """Answer a re-INVITE for a peer that is on hold, or is not there yet: nothing flows.

    What the phone said is remembered and counts as soon as the two talk again.

    Args:
        is_offered: Whether the re-INVITE held an offer.
    """
    name = call.name_of(leg) if call is not None else None
    peer = call.peer_of(leg) if call is not None else None
    if call is not None and name is not None and peer is not None and peer.session.said:
        way = directions(call.held)[name]
        sdp = peer.session.said.with_direction(way)
        if is_offered:
            leg.answer_invite(leg.session.answer(sdp))
        else:
            leg.answer_invite(leg.session.offer(sdp), lambda ack: _hear(leg, ack))
    elif is_offered:
        leg.answer_invite(leg.session.held_answer())
    else:
        leg.refuse_invite(491)


def _hear(leg: Leg, ack: Request) -> None:
    with suppress(BadSdp):  # then the last description counts on
        leg.session.hear(ack.body)
