"""One phone's dialog with us: what it asks for, what it is sent, and its end."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from typing import Protocol

from call_api.backends.embedded.agent import Agent
from call_api.backends.embedded.incoming_request import IncomingRequest
from call_api.backends.embedded.leg_state import LegInput, LegState, next_state
from call_api.backends.embedded.outgoing_request import OnResponse, OutgoingRequest
from call_api.backends.embedded.session import Session
from call_api.backends.embedded.turn import Turn
from call_api.sip.dialog import Dialog, HeaderLines
from call_api.sip.flow import Flow
from call_api.sip.message import Request, Response
from call_api.sip.sdp import BadSdp, Sdp
from call_api.sip.session_timer import OPTION, Refreshing, SessionTimer

CAPABILITIES: Sequence[tuple[str, str]] = (
    ("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, REFER, NOTIFY, INFO"),
    ("Supported", f"replaces, {OPTION}"),
)
"""What we say of ourselves in every INVITE, in its 2xx, and to OPTIONS."""


LOST = frozenset((408, 481))
"""Answers inside a dialog that mean its end (RFC 3261, section 12.2.1.2)."""


def nothing() -> None:
    """Stand in where nobody has to be told."""


class Home(Protocol):
    """Whoever keeps the legs."""

    def leg_gone(self, leg: "Leg") -> None:
        """Note that the phone has ended the leg, or was found gone. Told once."""

    def leg_dead(self, leg: "Leg") -> None:
        """Note that nothing more is expected of the phone. Told once."""

    def way_to(self, leg: "Leg") -> Flow:
        """Return another way to a phone whose connection is lost, or the same if there is none."""


class Leg:
    """A phone that rings, or that calls, or that talks.

    It is for one dialog and may go from call to call. Nothing here waits: what the phone does
    is told by callbacks. INVITEs of ours are in `first_invite` and in `reinvite`.

    Args:
        tag: Our tag in the dialog.
        uri: Whose phone it is.

    Attributes:
        flow: The way to the phone: that of its REGISTER or of its last request.
        state: How far it has come.
        turn: To be taken by whoever opens an INVITE in the dialog, whichever side it is.
        session: What the phone says of its media, and what it was told.
        dialog: None until there is one.
        is_ours: Whether we began the dialog, and chose its Call-ID.
        heard_at: When we last heard of the phone, or asked after it.
        refreshing: Who keeps the session alive, and when.
        outgoing: Our first INVITE, while it is not answered.
        open_invite: The phone's INVITE that we have not answered yet.
        on_broken: Set by whoever has a re-INVITE out; told when the leg ends meanwhile.
    """

    __slots__ = (
        "_after_ack",
        "_awaits_ack",
        "_home",
        "_offered_at",
        "agent",
        "callid",
        "dialog",
        "flow",
        "heard_at",
        "is_ours",
        "on_broken",
        "open_invite",
        "outgoing",
        "refreshing",
        "session",
        "state",
        "tag",
        "turn",
        "uri",
    )

    def __init__(
        self,
        agent: Agent,
        flow: Flow,
        *,
        callid: str,
        tag: str,
        uri: str,
        home: Home,
        now: float,
    ) -> None:
        self.agent = agent
        self.flow = flow
        self.callid = callid
        self.tag = tag
        self.uri = uri
        self.state = LegState.NEW
        self.turn = Turn()
        # Small phones keep session ids in 32 bits.
        self.session = Session(1 + secrets.randbits(30), flow.local[0])
        self.dialog: Dialog | None = None
        self.is_ours = True
        self.open_invite: IncomingRequest | None = None
        self.on_broken: Callable[[], None] = nothing
        self.heard_at = now
        self.refreshing = Refreshing()
        self._home = home
        self.outgoing: OutgoingRequest | None = None
        self._offered_at: int | None = None  # CSeq of our INVITE whose 2xx holds an open offer
        self._awaits_ack = False  # of our 2xx
        self._after_ack: Callable[[], None] = nothing

    @property
    def is_up(self) -> bool:
        """Whether the phone talks, or could."""
        return self.state is LegState.UP

    @property
    def is_dead(self) -> bool:
        """Whether nothing more is expected of the phone."""
        return self.state is LegState.DEAD

    @property
    def holds(self) -> bool:
        """Whether the phone keeps the other party on hold."""
        return self.session.holds

    # What a 2xx to an INVITE of ours brings.

    def take_answer(self, response: Response, cseq: int, *, offered: bool) -> bool:
        """Take the description in a 2xx; return whether it can be used.

        Args:
            cseq: Of our INVITE.
            offered: Whether that INVITE held an offer. Then the ACK is sent here and the turn
                given back; if not, `accept` or `decline` does both.
        """
        if offered:
            self._acknowledge(cseq)
        self.refreshing.agree(SessionTimer.granted(response), self.agent.now())
        try:
            self.session.hear(response.body, is_offer=not offered)
        except BadSdp:
            if not offered:
                self._acknowledge(cseq)
            return False
        if not offered:
            self._offered_at = cseq
        return True

    def accept(self, answer: Sdp) -> None:
        """Answer the phone's open offer; of a phone that is gone, nothing."""
        if self._offered_at is not None:
            self._acknowledge(self._offered_at, self.session.answer(answer))

    def decline(self) -> None:
        """Answer the phone's open offer, if there is one, so that nothing is sent."""
        if self._offered_at is not None:
            self._acknowledge(self._offered_at, self.session.held_answer())

    def _acknowledge(self, cseq: int, body: bytes = b"") -> None:
        assert self.dialog is not None
        self._offered_at = None
        self.agent.send_ack(self.dialog.ack(cseq, body=body), self.flow)
        self.turn.give()

    # The phone's INVITEs.

    def take_invite(self, incoming: IncomingRequest, contact: str) -> None:
        """Begin with the phone's first INVITE.

        Raises:
            BadHeader: It has no Contact that can be used.
        """
        self.dialog = Dialog.from_request(incoming.request, self.tag, contact)
        self.is_ours = False
        self.happens(LegInput.INVITES)
        self.turn.try_take()
        self.open(incoming)

    def open(self, incoming: IncomingRequest) -> None:
        """Note an INVITE of the phone's; the turn is taken."""
        self.open_invite = incoming
        incoming.on_cancel = self._cancelled

    def answer_invite(self, body: bytes, on_ack: Callable[[Request], None] | None = None) -> bool:
        """Answer the phone's open INVITE with 200; return False if it is taken back already.

        The turn is given back with the ACK, of which ``on_ack`` is told.
        """
        incoming, self.open_invite = self.open_invite, None
        if incoming is None:
            return False
        assert self.dialog is not None
        incoming.on_ack = lambda ack: self._acknowledged(on_ack, ack)
        incoming.on_no_ack = self._not_acknowledged
        self._awaits_ack = True
        self.dialog.refresh(incoming.request)
        timer = SessionTimer.asked(incoming.request)
        self.refreshing.agree(timer, self.agent.now())
        agreed = timer.answer() if timer else []
        headers = [("Contact", self.dialog.contact), *CAPABILITIES, *agreed]
        incoming.respond(200, headers=headers, body=body)
        if self.state is LegState.INCOMING:
            self.happens(LegInput.ACCEPTED)
            self.dialog.confirm()
        return True

    def refuse_invite(self, status: int, reason: str = "", headers: HeaderLines = ()) -> None:
        """Answer the phone's open INVITE, if there is one, with a failure."""
        incoming, self.open_invite = self.open_invite, None
        if incoming is None:
            return
        incoming.respond(status, reason, headers=headers)
        self.turn.give()
        if self.state is LegState.INCOMING:
            self.happens(LegInput.REFUSED)

    def _cancelled(self) -> None:
        self.open_invite = None
        self.turn.give()
        if self.state is LegState.INCOMING:
            self.happens(LegInput.CANCELS)
            self._home.leg_gone(self)

    def _acknowledged(self, on_ack: Callable[[Request], None] | None, ack: Request) -> None:
        self._awaits_ack = False
        if on_ack is not None:
            on_ack(ack)
        self.turn.give()
        self._after_ack()

    def _not_acknowledged(self) -> None:
        self._awaits_ack = False
        self.turn.give()
        self._after_ack()
        self.lose()

    # Other requests.

    def request(
        self,
        method: str,
        on_response: OnResponse,
        *,
        headers: HeaderLines = (),
        body: bytes = b"",
        ring_for: float | None = None,
    ) -> Request:
        """Send a request inside the dialog, and return it.

        Args:
            headers: A body that is no SDP needs its Content-Type.
        """
        assert self.dialog is not None
        if not self.flow.is_open:
            self.flow = self._home.way_to(self)
        request = self.dialog.request(method, headers=headers, body=body)
        self.agent.request(request, self.flow, on_response, ring_for=ring_for)
        return request

    def probe(self) -> None:
        """Ask the phone whether it is still there; one that is not loses its leg."""

        def take(response: Response) -> None:
            # A 503 of our own means that the connection is lost and the phone has made no other.
            if response.status in LOST or not self.flow.is_open:
                self.lose()

        self.request("OPTIONS", take)

    # The end.

    def hang_up(self, status: int = 487, reason: str = "") -> None:
        """End the leg, whatever it is in the middle of. Again: nothing.

        Args:
            status: What a phone is told whose first INVITE is not answered yet.
        """
        if self.state is LegState.INCOMING:
            self.refuse_invite(status, reason)
        elif self.state in (LegState.CALLING, LegState.EARLY):
            self.happens(LegInput.WE_CANCEL)
            if self.outgoing is not None:
                self.outgoing.cancel()
        elif self.is_up:
            self.refuse_invite(487)
            self.decline()
            self.happens(LegInput.WE_BYE)
            self.on_broken()
            if self._awaits_ack:  # a BYE may not overtake it (RFC 3261, section 15)
                self._after_ack = self._send_bye
            else:
                self._send_bye()

    def _send_bye(self) -> None:
        self._after_ack = nothing

        def take(response: Response) -> None:
            if response.is_final:
                self.happens(LegInput.BYE_DONE)

        self.request("BYE", take)

    def take_bye(self) -> None:
        """Note the phone's BYE, which has been answered."""
        was_wanted = self.state in (LegState.UP, LegState.INCOMING)
        if not was_wanted and self.state is not LegState.BYE:
            return
        incoming, self.open_invite = self.open_invite, None
        if incoming is not None:
            incoming.respond(487)
        self._after_ack = nothing
        self.happens(LegInput.BYES)
        self.on_broken()
        if was_wanted:
            self._home.leg_gone(self)

    def lose(self) -> None:
        """End the leg, because the phone is silent or does not know the dialog any more."""
        if self.is_up:
            self.hang_up()
            # Later, so that who waits for an answer hears first what that was.
            asyncio.get_running_loop().call_soon(self._home.leg_gone, self)

    def happens(self, what: LegInput) -> None:
        """Go to the next state; say so when it is the last.

        Raises:
            ValueError: That cannot happen now.
        """
        was_dead = self.is_dead
        self.state = next_state(self.state, what)
        if self.is_dead and not was_dead:
            self._home.leg_dead(self)
