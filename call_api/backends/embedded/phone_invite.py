"""INVITEs of phones, the first of a call and those within: which operation each one starts."""

import math
import secrets

from call_api.backends.embedded.dial import Dial
from call_api.backends.embedded.gate import Gate
from call_api.backends.embedded.incoming_request import IncomingRequest
from call_api.backends.embedded.leg import Leg
from call_api.backends.embedded.operation import Operation, PhoneCall
from call_api.backends.embedded.pass_on import PassOn, answer_alone
from call_api.backends.embedded.phone_answer import as_answer
from call_api.backends.embedded.switchboard import Switchboard
from call_api.backends.embedded.take_over import Replaces, TakeOver
from call_api.errors import CallApiError, CallBusy, CallFailed, TooManyRequests
from call_api.sip.dialog import MAX_HOPS, SDP
from call_api.sip.flow import contact_uri
from call_api.sip.headers import BadHeader, NameAddr
from call_api.sip.message import Request
from call_api.sip.sdp import BadSdp, Sdp
from call_api.sip.session_timer import MIN_SECONDS, IntervalTooSmall, SessionTimer
from call_api.sip.uri import Uri

MAX_CALLID = 256
"""Longest Call-ID that commands can name."""

_MIN_SE = ("Min-SE", str(MIN_SECONDS))
_SDP_RANGES = frozenset((SDP, "application/*", "*/*"))


class PhoneInvites:
    """Starts what phones ask for with INVITE."""

    def __init__(self, board: Switchboard, gate: Gate) -> None:
        self._board = board
        self._gate = gate

    def begin(self, incoming: IncomingRequest) -> None:
        """Take an INVITE outside any dialog."""
        request = incoming.request
        who = request.from_
        if not self._gate.admits(incoming, who.uri):
            return
        if len(request.callid) > MAX_CALLID:
            incoming.respond(400, "Call-ID Too Long")
        elif not self._board.calls.is_free(request.callid):
            incoming.respond(482)
        elif not is_readable(request):
            incoming.respond(415, headers=[("Accept", SDP)])
        elif not is_answerable(request):
            incoming.respond(406)
        elif not has_fit_timer(request):
            incoming.respond(422, headers=[_MIN_SE])
        else:
            self._begin(incoming, NameAddr(plain(who.uri), who.display))

    def _begin(self, incoming: IncomingRequest, who: NameAddr) -> None:
        request, board = incoming.request, self._board
        leg = board.new_leg(incoming.flow, str(who.uri), request.callid, incoming.to_tag)
        try:
            offer = leg.session.hear(request.body, is_offer=True) if request.body else None
            leg.take_invite(incoming, f"<{contact_uri(incoming.flow)}>")
            operation = self._operation(leg, who, request, offer)
        except BadHeader as exc:
            incoming.respond(400, exc.problem)
        except BadSdp:
            incoming.respond(488)
        except CallBusy:
            leg.refuse_invite(491)
        except TooManyRequests as exc:
            leg.refuse_invite(503, headers=[("Retry-After", str(math.ceil(exc.retry_after)))])
        except CallApiError as exc:
            leg.refuse_invite(*as_answer(exc))
        else:
            board.start(operation)

    def _operation(self, leg: Leg, who: NameAddr, request: Request, offer: Sdp | None) -> Operation:
        """Return what the INVITE is for.

        Raises:
            CallApiError: It is not to be.
        """
        text = request.headers.get("Replaces")
        if text is not None:
            return self._take_over(leg, text, offer)
        callee = Uri.parse(request.uri)
        phones = self._board.decide(str(who.uri), callee)
        hops = int(request.headers.get("Max-Forwards") or MAX_HOPS)  # the parser checked it
        return Dial(self._board, leg, who, plain(callee), phones, offer, hops - 1)

    def _take_over(self, leg: Leg, text: str, offer: Sdp | None) -> Operation:
        """Return the operation for an INVITE with Replaces (RFC 3891, section 3).

        Raises:
            CallApiError: It is not to be.
        """
        replaces = Replaces.parse(text)
        if replaces is None:
            raise CallFailed(400, "Bad Replaces")
        replaced = replaces.find(self._board.calls)
        call = None if replaced is None else self._board.calls.call_of(replaced)
        if replaced is None or call is None:
            raise CallFailed(481)
        if replaces.is_early_only and replaced.is_up:
            raise CallFailed(486)
        return TakeOver(self._board, call, leg, replaced, offer)

    def change(self, leg: Leg, incoming: IncomingRequest) -> None:
        """Take a re-INVITE."""
        request = incoming.request
        call = self._board.calls.call_of(leg)
        peer = None if call is None else call.peer_of(leg)
        if leg.open_invite is not None:
            incoming.respond(500, headers=[("Retry-After", str(secrets.randbelow(11)))])
        elif not is_readable(request):
            incoming.respond(415, headers=[("Accept", SDP)])
        elif not has_fit_timer(request):
            incoming.respond(422, headers=[_MIN_SE])
        elif is_refresh(leg, request):
            _refresh(leg, incoming)
        elif is_glare(leg, call, peer):
            incoming.respond(491)
        else:
            self._change(leg, incoming, call, peer)

    def _change(
        self, leg: Leg, incoming: IncomingRequest, call: PhoneCall | None, peer: Leg | None
    ) -> None:
        body = incoming.request.body
        before = leg.session.said, leg.session.holds
        try:
            offer = leg.session.hear(body, is_offer=True) if body else None
        except BadSdp:
            incoming.respond(488)
            return
        leg.turn.try_take()
        leg.open(incoming)
        if call is None or peer is None or call.held:
            answer_alone(leg, call, is_offered=offer is not None)
            if call is not None:
                self._board.changes.compare_holds(call)
            return
        peer.turn.try_take()
        self._board.start(PassOn(self._board, leg, peer, offer, before))


def is_refresh(leg: Leg, request: Request) -> bool:
    """Return whether a re-INVITE is for the session timer alone (RFC 4028, section 7.4).

    Such a one is answered at once, and no reason to disturb the peer: both phones of a call
    refresh at the same time, and some hang up after a 491.
    """
    if "Session-Expires" not in request.headers or leg.turn.is_taken or leg.session.told is None:
        return False
    try:
        return Sdp.parse(request.body) == leg.session.said
    except BadSdp:
        return False


def _refresh(leg: Leg, incoming: IncomingRequest) -> None:
    assert leg.session.told is not None
    leg.turn.try_take()
    leg.open(incoming)
    leg.answer_invite(leg.session.answer(leg.session.told))


def is_glare(leg: Leg, call: PhoneCall | None, peer: Leg | None) -> bool:
    """Return whether a phone's re-INVITE meets one of ours (RFC 3261, section 14.2)."""
    owner = None if call is None else call.owner
    if isinstance(owner, Operation) and not owner.lets_phones_speak:
        return True
    return leg.turn.is_taken or (peer is not None and peer.turn.is_taken)


def is_readable(request: Request) -> bool:
    """Return whether a request's body, if it has one, is a session description."""
    if not request.body:
        return True
    kind = (request.headers.get("Content-Type") or "").partition(";")[0]
    return kind.strip().lower() == SDP


def is_answerable(request: Request) -> bool:
    """Return whether a session description may be the answer (RFC 3261, section 21.4.7)."""
    accepted = {text.partition(";")[0].strip().lower() for text in request.headers.all("Accept")}
    return "Accept" not in request.headers or not accepted.isdisjoint(_SDP_RANGES)


def has_fit_timer(request: Request) -> bool:
    """Return whether a request asks for no session timer, or for one that we agree to."""
    try:
        SessionTimer.asked(request)
    except IntervalTooSmall:
        return False
    return True


def plain(uri: Uri) -> Uri:
    """Return a party's URI without what only concerns one message."""
    return Uri(uri.scheme, uri.user, uri.host, uri.port, opaque=uri.opaque)
