"""Dialogs (RFC 3261, section 12), and the requests that start them (section 8.1.1)."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias

from call_api.sip.grammar import BadHeader
from call_api.sip.headers import Headers, NameAddr
from call_api.sip.message import Request, Response
from call_api.sip.uri import Uri

MAX_HOPS = 70
"""What a request of our own may pass through (RFC 3261, section 8.1.1.6)."""

SDP = "application/sdp"

_TARGET_REFRESH = frozenset(("INVITE", "UPDATE", "SUBSCRIBE", "NOTIFY", "REFER"))
_CREDENTIALS = frozenset(("Authorization", "Proxy-Authorization"))

HeaderLines: TypeAlias = Iterable[tuple[str, str]]
"""Names and values of headers, in order."""


def new_tag() -> str:
    """Return a tag that nobody guesses (RFC 3261, section 19.3)."""
    return secrets.token_hex(8)


def new_callid() -> str:
    """Return a Call-ID that nobody else uses and nobody guesses (RFC 3261, section 8.1.1.4)."""
    return secrets.token_hex(16)


def new_request(
    method: str,
    target: str,
    *,
    from_: str,
    to: str,
    callid: str,
    cseq: int = 1,
    headers: HeaderLines = (),
    body: bytes = b"",
) -> Request:
    """Return a request outside any dialog, complete but for its Via (RFC 3261, section 8.1.1).

    Args:
        method: In upper case.
        target: The Request-URI.
        from_: Value of From, with its tag.
        to: Value of To, without tag.
        headers: Further header lines. An INVITE needs a Contact; a body that is no SDP needs
            its Content-Type.
    """
    lines = [
        ("Max-Forwards", str(MAX_HOPS)),
        ("From", from_),
        ("To", to),
        ("Call-ID", callid),
        ("CSeq", f"{cseq} {method}"),
        *headers,
    ]
    return Request(method, target, _with_type(lines, body), body)


@dataclass(slots=True, kw_only=True)
class Dialog:
    """The lasting part of what two user agents say to each other.

    Made by `from_response` or `from_request`; a dialog that a provisional response made is
    early until a 2xx is given to `refresh`. Who keeps dialogs finds them by Call-ID and
    ``local_tag``; the peer's tag is in ``remote_tag``.

    Attributes:
        callid: The Call-ID.
        local_tag: Our tag.
        remote_tag: The peer's tag; empty for a peer that sends none (RFC 3261, section 12.1.1).
        local: What we say in From: our address with our tag.
        remote: What we say in To: the peer's address with its tag.
        remote_target: The URI that our requests go to: the peer's last Contact.
        route_set: Values of Route, in the order in which our requests carry them.
        contact: Value of our own Contact.
        local_cseq: Number of our last request; 0 before the first.
        remote_cseq: Number of the peer's last request; None before the first.
        is_early: No 2xx has come, or has been sent, yet.
    """

    callid: str
    local: str
    remote: str
    remote_target: str
    contact: str
    local_tag: str = ""
    remote_tag: str = ""
    route_set: tuple[str, ...] = ()
    local_cseq: int = 0
    remote_cseq: int | None = None
    is_early: bool = False

    @classmethod
    def from_response(cls, request: Request, response: Response) -> "Dialog":
        """Return the dialog that a response to our INVITE makes (RFC 3261, section 12.1.2).

        Args:
            request: The INVITE as it was sent.
            response: A 2xx, or a 1xx with a tag, which makes an early dialog. Without a Contact
                that can be read, the INVITE's Request-URI stays the target.
        """
        return cls(
            callid=request.callid,
            local=str(request.from_),
            remote=str(response.to),
            local_tag=request.from_tag or "",
            remote_tag=response.to_tag or "",
            remote_target=contact_target(response) or request.uri,
            contact=request.headers.get("Contact") or "",
            route_set=tuple(reversed(response.headers.all("Record-Route"))),
            local_cseq=request.cseq.number,
            is_early=response.status < 200,
        )

    @classmethod
    def from_request(cls, request: Request, local_tag: str, contact: str) -> "Dialog":
        """Return the dialog that our answer to an INVITE makes (RFC 3261, section 12.1.1).

        It is early until `confirm`.

        Args:
            request: The INVITE as it came.
            local_tag: The ``to_tag`` of our answers.
            contact: Value of Contact in our answers.

        Raises:
            BadHeader: The INVITE has no Contact with a SIP URI; it deserves a 400. A phone that
                is older than RFC 3261, which sends no tag either, may do without.
        """
        target = contact_target(request)
        if target is None and request.from_tag is None and "Contact" not in request.headers:
            target = str(request.from_.uri)
        if target is None:
            raise BadHeader("has no Contact with a SIP URI")
        return cls(
            callid=request.callid,
            local=str(request.to.with_tag(local_tag)),
            remote=str(request.from_),
            local_tag=local_tag,
            remote_tag=request.from_tag or "",
            remote_target=target,
            contact=contact,
            route_set=tuple(request.headers.all("Record-Route")),
            remote_cseq=request.cseq.number,
            is_early=True,
        )

    @property
    def local_uri(self) -> Uri:
        """Our own address, without name and tag."""
        return NameAddr.parse(self.local).uri

    @property
    def remote_uri(self) -> Uri:
        """The peer's address, without name and tag."""
        return NameAddr.parse(self.remote).uri

    def confirm(self) -> None:
        """Note that we answered with a 2xx: the dialog is early no more."""
        self.is_early = False

    def accepts(self, request: Request) -> bool:
        """Note the number of a request that came; False if it comes too late.

        One with a lower number than the last deserves a 500 (RFC 3261, section 12.2.2). ACK and
        CANCEL have the number of their INVITE and are always right.
        """
        if request.method in ("ACK", "CANCEL"):
            return True
        number = request.cseq.number
        if self.remote_cseq is not None and number < self.remote_cseq:
            return False
        self.remote_cseq = number
        return True

    def refresh(self, message: Request | Response) -> None:
        """Take over the Contact of a target refresh (RFC 3261, sections 12.2.1.2 and 12.2.2).

        Args:
            message: An INVITE or UPDATE that came and was accepted, or a 2xx to one of ours. A
                2xx confirms an early dialog, and its Record-Route is what counts from then on
                (section 13.2.2.4).
        """
        if target := contact_target(message):
            self.remote_target = target
        if isinstance(message, Response) and self.is_early:
            self.route_set = tuple(reversed(message.headers.all("Record-Route")))
            self.is_early = False

    def request(self, method: str, *, headers: HeaderLines = (), body: bytes = b"") -> Request:
        """Return our next request in the dialog, complete but for its Via (section 12.2.1.1).

        It takes the next CSeq number, so a request that was made has to be sent.

        Args:
            method: In upper case; neither ACK nor CANCEL.
            headers: Further header lines. A body that is no SDP needs its Content-Type.
        """
        self.local_cseq += 1
        contact = [("Contact", self.contact)] if method in _TARGET_REFRESH else []
        return self._request(method, self.local_cseq, [*contact, *headers], body)

    def ack(self, cseq: int, *, body: bytes = b"", credentials: Request | None = None) -> Request:
        """Return the ACK of a 2xx to our INVITE, complete but for its Via (section 13.2.2.4).

        Args:
            cseq: Number of the INVITE.
            body: The answer, when the offer came in the 2xx.
            credentials: The INVITE, if it was sent with any.
        """
        lines = credentials.headers.items() if credentials is not None else []
        copied = [(name, value) for name, value in lines if name in _CREDENTIALS]
        return self._request("ACK", cseq, copied, body)

    def _request(
        self, method: str, cseq: int, headers: list[tuple[str, str]], body: bytes
    ) -> Request:
        target, routes = _routed(self.remote_target, self.route_set)
        lines = [
            ("Max-Forwards", str(MAX_HOPS)),
            ("From", self.local),
            ("To", self.remote),
            ("Call-ID", self.callid),
            ("CSeq", f"{cseq} {method}"),
            *(("Route", route) for route in routes),
            *headers,
        ]
        return Request(method, target, _with_type(lines, body), body)


def contact_target(message: Request | Response) -> str | None:
    """Return the URI of the first Contact, or None if there is none that SIP can reach."""
    try:
        contact = message.contact
    except BadHeader:
        return None
    return str(contact.uri) if contact is not None and contact.uri.is_sip else None


def _routed(target: str, routes: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Return Request-URI and Route, rewritten where the first router is a strict one.

    A strict router is one of RFC 2543: its URI lacks ``lr``, and it wants to be the
    Request-URI, the target then being the last Route (RFC 3261, section 12.2.1.1).
    """
    if not routes:
        return target, ()
    first = NameAddr.parse(routes[0]).uri
    if not first.is_sip or "lr" in first.params:
        return target, routes
    params = {name: value for name, value in first.params.items() if name != "method"}
    uri = replace(first, params=params, headers=())
    return str(uri), (*routes[1:], f"<{target}>")


def _with_type(lines: list[tuple[str, str]], body: bytes) -> Headers:
    headers = Headers(lines)
    if body and "Content-Type" not in headers:
        headers.add("Content-Type", SDP)
    return headers
