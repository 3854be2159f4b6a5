"""What phones send: each request to where it belongs."""

from call_api.backends.embedded.gate import Gate
from call_api.backends.embedded.incoming_request import IncomingRequest
from call_api.backends.embedded.leg import CAPABILITIES, Leg
from call_api.backends.embedded.phone_invite import PhoneInvites
from call_api.backends.embedded.refer import take_refer
from call_api.backends.embedded.sign_on import SignOn
from call_api.backends.embedded.switchboard import Switchboard
from call_api.sip.message import Request, Response
from call_api.sip.registrar import Registrar
from call_api.sip.uri import Uri

_ALLOW = CAPABILITIES[0]
_NEEDS_A_DIALOG = frozenset(("BYE", "INFO", "NOTIFY"))
_PASSED_ON = ("Content-Type", "Content-Disposition", "Info-Package")


class Inbound:
    """Answers the phones. Nothing here waits: what takes longer becomes an operation."""

    def __init__(self, board: Switchboard, registrar: Registrar, gate: Gate) -> None:
        self._board = board
        self._sign_on = SignOn(board, registrar, gate)
        self._invites = PhoneInvites(board, gate)

    def receive(self, incoming: IncomingRequest, now: float) -> None:
        """Take a request. It is answered, at once or by what it starts."""
        request = incoming.request
        if request.to_tag is not None and request.method != "REGISTER":
            self._in_dialog(incoming, now)
        elif (refusal := _wrong_scheme(request)) is not None:
            incoming.respond(refusal)
        elif request.method == "REGISTER":
            self._sign_on.take(incoming, now)
        elif request.method == "INVITE":
            self._invites.begin(incoming)
        elif request.method == "OPTIONS":
            _tell_capabilities(incoming)
        elif request.method == "REFER":  # only who is in a call can transfer it
            incoming.respond(403)
        elif request.method in _NEEDS_A_DIALOG:
            incoming.respond(481)
        else:
            incoming.respond(405, headers=[_ALLOW])

    def _in_dialog(self, incoming: IncomingRequest, now: float) -> None:
        request = incoming.request
        leg = self._board.calls.leg(request.callid, request.to_tag or "")
        if leg is None or leg.dialog is None or leg.dialog.remote_tag != (request.from_tag or ""):
            incoming.respond(481)
            return
        if not leg.dialog.accepts(request):
            incoming.respond(500)
            return
        leg.flow = incoming.flow
        leg.heard_at = now
        if request.method == "BYE":
            incoming.respond(200)
            leg.take_bye()
        elif not leg.is_up:
            incoming.respond(481)
        else:
            self._to_leg(leg, incoming)

    def _to_leg(self, leg: Leg, incoming: IncomingRequest) -> None:
        method = incoming.request.method
        if method == "INVITE":
            self._invites.change(leg, incoming)
        elif method == "REFER":
            take_refer(self._board, leg, incoming)
        elif method == "INFO":
            self._pass_on(leg, incoming)
        elif method == "OPTIONS":
            _tell_capabilities(incoming)
        elif method == "NOTIFY":
            incoming.respond(200)
        else:
            incoming.respond(405, headers=[_ALLOW])

    def _pass_on(self, leg: Leg, incoming: IncomingRequest) -> None:
        """Pass an INFO on: it may be a key that was pressed (RFC 6086)."""
        call = self._board.calls.call_of(leg)
        peer = None if call is None else call.peer_of(leg)
        if peer is None or not peer.is_up:
            incoming.respond(480)
            return
        headers = incoming.request.headers
        passed = [(name, value) for name in _PASSED_ON if (value := headers.get(name)) is not None]

        def take(response: Response) -> None:
            if response.is_final:
                incoming.respond(response.status, response.reason)

        peer.request("INFO", take, headers=passed, body=incoming.request.body)


def _wrong_scheme(request: Request) -> int | None:
    """Return how a request for what is no SIP URI is refused; None if it is one.

    There is no TLS, so ``sips`` is as strange as any other scheme (RFC 3261, section 8.2.2.1);
    but whoever registers may only be a SIP user (section 10.2).
    """
    if Uri.parse(request.uri).scheme != "sip":
        return 416
    if request.method == "REGISTER" and request.to.uri.scheme != "sip":
        return 416 if request.to.uri.is_sip else 400
    return None


def _tell_capabilities(incoming: IncomingRequest) -> None:
    incoming.respond(200, headers=[*CAPABILITIES, ("Accept", "application/sdp")])
