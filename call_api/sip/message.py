"""SIP requests and responses: what they hold, and their bytes (RFC 3261, section 7)."""

from collections.abc import Iterable

from call_api.sip.headers import BadHeader, CSeq, Headers, NameAddr, Via

REASONS: dict[int, str] = {
    100: "Trying",
    180: "Ringing",
    181: "Call Is Being Forwarded",
    182: "Queued",
    183: "Session Progress",
    200: "OK",
    202: "Accepted",
    300: "Multiple Choices",
    301: "Moved Permanently",
    302: "Moved Temporarily",
    305: "Use Proxy",
    380: "Alternative Service",
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    410: "Gone",
    413: "Request Entity Too Large",
    414: "Request-URI Too Long",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    420: "Bad Extension",
    421: "Extension Required",
    422: "Session Interval Too Small",
    423: "Interval Too Brief",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    483: "Too Many Hops",
    484: "Address Incomplete",
    485: "Ambiguous",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    489: "Bad Event",
    491: "Request Pending",
    493: "Undecipherable",
    500: "Server Internal Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Server Time-out",
    505: "Version Not Supported",
    513: "Message Too Large",
    600: "Busy Everywhere",
    603: "Decline",
    604: "Does Not Exist Anywhere",
    606: "Not Acceptable",
}
"""Reason phrases (RFC 3261, section 21, and the RFCs that added to it)."""

_COPIED = frozenset({"Via", "From", "To", "Call-ID", "CSeq"})
_COPIED_TO_100 = _COPIED | {"Timestamp"}
_COPIED_TO_DIALOG = _COPIED | {"Record-Route"}


class Message:
    """What requests and responses share.

    Structured values are read from the headers when they are asked for. Those of a message
    that the parser returned can all be read. Of one made by hand, reading a header that is
    missing or broken raises `BadHeader`.
    """

    __slots__ = ("body", "headers")

    def __init__(self, headers: Headers | Iterable[tuple[str, str]], body: bytes) -> None:
        self.headers = headers if isinstance(headers, Headers) else Headers(headers)
        self.body = body

    @property
    def callid(self) -> str:
        """The Call-ID."""
        return self._required("Call-ID")

    @property
    def cseq(self) -> CSeq:
        """The CSeq."""
        return CSeq.parse(self._required("CSeq"))

    @property
    def from_(self) -> NameAddr:
        """The From."""
        return NameAddr.parse(self._required("From"))

    @property
    def to(self) -> NameAddr:
        """The To."""
        return NameAddr.parse(self._required("To"))

    @property
    def from_tag(self) -> str | None:
        """The tag of From; phones older than RFC 3261 send none."""
        return self.from_.tag

    @property
    def to_tag(self) -> str | None:
        """The tag of To; None outside of dialogs."""
        return self.to.tag

    @property
    def top_via(self) -> Via:
        """The first Via: the hop that the message came from or goes to."""
        return Via.parse(self._required("Via"))

    @property
    def contact(self) -> NameAddr | None:
        """The first Contact; None if there is none or it is ``*``."""
        return next(iter(self.addresses("Contact")), None)

    def addresses(self, name: str) -> list[NameAddr]:
        """Return all values of Contact, Route or Record-Route; the ``*`` of Contact is none."""
        texts = self.headers.all(name)
        return [NameAddr.parse(text) for text in texts if text != "*" or name != "Contact"]

    def _encode(self, start: str) -> bytes:
        if "\r" in start or "\n" in start:
            raise ValueError(f"the start line holds a line break: {start!r}")
        lines = [f"{name}: {value}\r\n" for name, value in self.headers if name != "Content-Length"]
        head = f"{start}\r\n{''.join(lines)}Content-Length: {len(self.body)}\r\n\r\n"
        return head.encode("utf-8", "surrogateescape") + self.body

    def _required(self, name: str) -> str:
        value = self.headers.get(name)
        if value is None:
            raise BadHeader(f"has no {name}")
        return value


class Request(Message):
    """A SIP request.

    Attributes:
        uri: The Request-URI as text; its scheme may be one that `call_api.sip.uri` knows
            nothing of.
    """

    __slots__ = ("method", "uri")

    def __init__(
        self,
        method: str,
        uri: str,
        headers: Headers | Iterable[tuple[str, str]] = (),
        body: bytes = b"",
    ) -> None:
        super().__init__(headers, body)
        self.method = method
        self.uri = uri

    def encode(self) -> bytes:
        """Return the bytes to send, with a Content-Length that fits the body.

        Raises:
            ValueError: Method or URI hold a blank or a line break, which would change what the
                start line says, or a value is no text.
        """
        if " " in self.uri or " " in self.method:
            raise ValueError(f"a blank in the method or URI: {self.method!r} {self.uri!r}")
        return self._encode(f"{self.method} {self.uri} SIP/2.0")

    def response(
        self,
        status: int,
        reason: str = "",
        *,
        to_tag: str | None = None,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
    ) -> "Response":
        """Return a response to this request (RFC 3261, section 8.2.6).

        Via, From, To, Call-ID and CSeq are copied as they came; Record-Route too where the
        response makes a dialog (section 12.1.1), and Timestamp into a 100.

        Args:
            reason: By default the usual phrase of the status.
            to_tag: Put into a To that has none yet. Every response but a 100 needs one.
            headers: Added after the copied ones.
        """
        copied = _COPIED
        if status == 100:
            copied = _COPIED_TO_100
        elif self.method == "INVITE" and status <= 299:
            copied = _COPIED_TO_DIALOG
        lines: list[tuple[str, str]] = []
        for line in self.headers:
            name, value = line
            if name == "To" and to_tag is not None and not self._has_to_tag():
                lines.append((name, f"{value};tag={to_tag}"))
            elif name in copied:
                lines.append(line)
        answered = Headers.from_wire(lines)
        for name, value in headers:
            answered.add(name, value)
        return Response(status, reason, answered, body)

    def _has_to_tag(self) -> bool:
        try:
            return self.to_tag is not None
        except BadHeader:  # to be answered with a 400, in which it stands as it came
            return False

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.uri!r}>"


class Response(Message):
    """A SIP response.

    Attributes:
        status: 100 to 699.
        reason: Possibly empty; in a response to be sent, the usual phrase stands in for that.
    """

    __slots__ = ("reason", "status")

    def __init__(
        self,
        status: int,
        reason: str = "",
        headers: Headers | Iterable[tuple[str, str]] = (),
        body: bytes = b"",
    ) -> None:
        super().__init__(headers, body)
        self.status = status
        self.reason = reason or REASONS.get(status, "")

    @property
    def is_final(self) -> bool:
        """Whether no further response to the same request follows it."""
        return self.status >= 200

    @property
    def is_success(self) -> bool:
        """Whether it is a 2xx."""
        return 200 <= self.status <= 299

    def encode(self) -> bytes:
        """Return the bytes to send, with a Content-Length that fits the body.

        Raises:
            ValueError: The reason holds a line break, or a value is no text.
        """
        return self._encode(f"SIP/2.0 {self.status} {self.reason}")

    def __repr__(self) -> str:
        return f"<Response {self.status} {self.reason!r}>"
