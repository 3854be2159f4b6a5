"""REFER from a phone: it transfers its call by itself (RFC 3515; with Replaces, RFC 3891)."""

import re
from dataclasses import dataclass

from call_api.backends.base import TransferStep
from call_api.backends.embedded.attended import Join
from call_api.backends.embedded.bridge import OTHER
from call_api.backends.embedded.incoming_request import IncomingRequest
from call_api.backends.embedded.leg import Leg
from call_api.backends.embedded.operation import Operation, PhoneCall
from call_api.backends.embedded.phone_answer import as_answer
from call_api.backends.embedded.switchboard import Switchboard
from call_api.backends.embedded.take_over import Replaces
from call_api.backends.embedded.transfer import Transfer
from call_api.errors import CallApiError, CallBusy, CallFailed
from call_api.model import LegName, SipUri
from call_api.sip.headers import BadHeader, NameAddr
from call_api.sip.message import REASONS, Request, Response
from call_api.sip.uri import Uri

_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")

NOTIFY_FOR = 180
"""Seconds for which a phone is promised notices; a transfer is over long before."""


@dataclass(frozen=True, slots=True)
class ReferTo:
    """Whom a phone refers its peer to.

    Attributes:
        uri: Without headers.
        replaces: The dialog there that the peer is to take over; None: it is to call.
    """

    uri: Uri
    replaces: Replaces | None

    @staticmethod
    def parse(request: Request) -> "ReferTo | None":
        """Return what the header says; None when it is missing, makes no sense or is no call."""
        texts = request.headers.all("Refer-To")
        if len(texts) != 1:
            return None
        try:
            uri = NameAddr.parse(texts[0]).uri
        except BadHeader:
            return None
        method = uri.params.get("method")
        if not uri.is_sip or (method is not None and method.upper() != "INVITE"):
            return None
        asked = [_unescaped(value) for name, value in uri.headers if name.lower() == "replaces"]
        replaces = Replaces.parse(asked[0]) if asked else None
        if asked and replaces is None:
            return None
        params = {name: value for name, value in uri.params.items() if name != "method"}
        return ReferTo(Uri(uri.scheme, uri.user, uri.host, uri.port, None, params), replaces)


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)


def take_refer(board: Switchboard, leg: Leg, incoming: IncomingRequest) -> None:
    """Do what a phone asks for with a REFER, and let it know how it goes."""
    refer_to = ReferTo.parse(incoming.request)
    call = board.calls.call_of(leg)
    name = None if call is None else call.name_of(leg)
    if refer_to is None or call is None or name is None:
        incoming.respond(400 if refer_to is None else 491)
        return
    assert leg.dialog is not None  # a request came in it
    notices, contact = Notices(leg), [("Contact", leg.dialog.contact)]
    try:
        operation = _operation(board, call, name, refer_to, notices)
    except CallBusy:
        incoming.respond(491)
        return
    except CallApiError as exc:
        # Accepted all the same: phones show the reason of a NOTIFY, not that of a refusal.
        incoming.respond(202, headers=contact)
        notices.end(exc)
        return
    incoming.respond(202, headers=contact)
    notices.tell(100)
    operation.on_done = lambda: notices.end(operation.error)
    board.start(operation)


def _operation(
    board: Switchboard, call: PhoneCall, name: LegName, refer_to: ReferTo, notices: "Notices"
) -> Operation:
    """Return the transfer that moves the phone's peer.

    Raises:
        CallApiError: It cannot be begun.
    """
    if refer_to.replaces is None:
        to = SipUri(str(refer_to.uri))
        return Transfer(board, call, OTHER[name], to, notices.step)
    second = refer_to.replaces.find(board.calls)
    call_b = None if second is None else board.calls.call_of(second)
    name_b = None if second is None or call_b is None else call_b.name_of(second)
    if call_b is None or name_b is None:
        raise CallFailed(481, REASONS[481])
    return Join(board, call, OTHER[name], call_b, OTHER[name_b], None, notices.step)


class Notices:
    """The NOTIFYs of one REFER (RFC 3515, section 2.4.4); none after the phone has hung up.

    The Event has no ``id``, because phones forget theirs between REFER and NOTIFY.
    """

    def __init__(self, leg: Leg) -> None:
        self._leg = leg
        self._is_over = False

    def step(self, step: TransferStep) -> None:
        """Tell a step of the transfer."""
        if step.state == "pending":
            status, _, reason = step.status.partition(" ")
            self.tell(int(status), reason)
        elif step.state == "ok":
            self._tell(200, "OK", is_last=True)

    def end(self, error: BaseException | None) -> None:
        """Tell the end, if it has not been told."""
        status, reason = as_answer(error)
        self._tell(status, reason, is_last=True)

    def tell(self, status: int, reason: str = "") -> None:
        """Tell progress."""
        self._tell(status, reason, is_last=False)

    def _tell(self, status: int, reason: str, *, is_last: bool) -> None:
        if self._is_over or not self._leg.is_up:
            return
        self._is_over = is_last
        state = "terminated;reason=noresource" if is_last else f"active;expires={NOTIFY_FOR}"
        headers = [
            ("Event", "refer"),
            ("Subscription-State", state),
            ("Content-Type", "message/sipfrag;version=2.0"),
        ]
        body = f"SIP/2.0 {status} {reason or REASONS.get(status, '')}\r\n".encode()
        self._leg.request("NOTIFY", _ignore, headers=headers, body=body)


def _ignore(response: Response) -> None:
    """Take the answer to a NOTIFY: whether the phone wants it or not changes nothing."""
