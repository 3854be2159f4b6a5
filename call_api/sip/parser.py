"""The bytes of one SIP message to the message.

Reads what RFC 3261, section 25 allows; RFC 4475 is the touchstone. Header values keep the
bytes they came with: what is no UTF-8 becomes surrogates and is written back as it was.
"""

import re
from collections.abc import Callable

from call_api.sip.grammar import parse_number, split_list
from call_api.sip.header_names import KNOWN, canonical_name
from call_api.sip.headers import BadHeader, CSeq, Headers, NameAddr, Via
from call_api.sip.message import Request, Response
from call_api.sip.uri import BadUri, Uri

MAX_BODY_BYTES = 64 * 1024
"""Longest body of a message; a datagram cannot hold more."""

_NAME = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]++")
_FOLD = re.compile(r"\r\n[ \t]++")
_REQUEST_LINE = re.compile(r"([A-Za-z0-9\-.!%*_+`'~]++) ([!-~]++) SIP/([0-9]++\.[0-9]++)", re.I)
_STATUS_LINE = re.compile(r"SIP/2\.0 ([1-6][0-9]{2})(?: ([^\r\n]*+))?", re.I)
_CALLID = re.compile(r"[!-~]++")
_ONCE = ("From", "To", "Call-ID", "CSeq", "Max-Forwards", "Content-Length")
_COPIED = ("From", "To", "Call-ID", "CSeq")
_ADDRESSES = ("Contact", "Route", "Record-Route")


class BadMessage(Exception):
    """The bytes are no message that can be handled.

    Attributes:
        problem: What is wrong, in words.
        status: What to answer with: 400, 505 or 513.
        request: As much of the request as an answer needs: `Request.response` works on it, the
            rest may be missing or make no sense. None when there is nothing to answer: a
            response, an ACK, or what has no Via or CSeq that its sender would know it by.
    """

    def __init__(self, problem: str, *, status: int = 400, request: Request | None = None) -> None:
        self.problem = problem
        self.status = status
        self.request = request
        super().__init__(problem)


def parse_message(data: bytes) -> Request | Response:
    """Return the message that a datagram, or one frame of a stream, holds.

    Of what is returned, `Message` can read From, To, CSeq, Call-ID, the first Via, and all of
    Contact, Route and Record-Route without an error. Bytes after the body are dropped
    (RFC 3261, section 18.3).

    Raises:
        BadMessage: It holds none.
    """
    head, blank_line, body = data.lstrip(b"\r\n").partition(b"\r\n\r\n")
    start, _, rest = head.decode("utf-8", "surrogateescape").partition("\r\n")
    try:
        if not blank_line:
            raise _Unfit("no empty line ends the headers")
        message = _parse_start(start, Headers.from_wire(_parse_lines(rest)))
        _check(message)
        message.body = _cut_body(message, body)
    except _Unfit as exc:
        request = answerable(head)
        raise BadMessage(exc.problem, status=exc.status, request=request) from exc.__cause__
    return message


def answerable(head: bytes) -> Request | None:
    """Return what an answer copies from a request that is otherwise unfit, if that is enough.

    Args:
        head: Start line and headers.
    """
    start, _, rest = head.decode("utf-8", "surrogateescape").partition("\r\n")
    words = start.split(" ")
    if start[:4].upper() == "SIP/" or words[0] == "ACK" or not _NAME.fullmatch(words[0]):
        return None
    copied = Headers()
    for line in _FOLD.sub(" ", rest).split("\r\n"):
        name, _, value = line.partition(":")
        known = canonical_name(name.rstrip(" \t"))
        if known == "Via" or (known in _COPIED and known not in copied):
            if "\r" in value or "\n" in value:
                return None
            copied.add(known, value.strip(" \t"))
    return Request(words[0], "", copied) if "Via" in copied and "CSeq" in copied else None


class _Unfit(Exception):
    """What `BadMessage` says, before it is known whether there is anyone to answer."""

    def __init__(self, problem: str, status: int = 400) -> None:
        self.problem = problem
        self.status = status
        super().__init__(problem)


def _parse_lines(text: str) -> list[tuple[str, str]]:
    if "\r\n " in text or "\r\n\t" in text:
        text = _FOLD.sub(" ", text)
    breaks = text.count("\r\n")
    if text.count("\n") != breaks or text.count("\r") != breaks:
        raise _Unfit("half a line break in the headers")
    lines: list[tuple[str, str]] = []
    for line in text.split("\r\n"):
        name, colon, value = line.partition(":")
        known = KNOWN.get(name)
        if known is None or not colon:
            name = name.rstrip(" \t")
            if not colon or not _NAME.fullmatch(name):
                raise _Unfit("a line that is no header")
            known = canonical_name(name)
        lines.append((known, value.strip(" \t")))
    return lines


def _parse_start(start: str, headers: Headers) -> Request | Response:
    if start[:4].upper() == "SIP/":
        found = _STATUS_LINE.fullmatch(start)
        if not found:
            raise _Unfit("the status line has the wrong form")
        response = Response(int(found[1]), "", headers)
        # Kept as received, even if empty.
        response.reason = _printable(found[2] or "")
        return response
    found = _REQUEST_LINE.fullmatch(start)
    if not found:
        raise _Unfit("the request line has the wrong form")
    method, uri, version = found.groups()
    if version != "2.0":
        raise _Unfit(f"SIP version {version}", 505)
    try:
        if Uri.parse(uri).headers:
            raise _Unfit("the Request-URI has a header part")
    except BadUri as exc:
        raise _Unfit(f"the Request-URI {exc.problem}") from exc
    return Request(method, uri, headers)


def _check(message: Request | Response) -> None:
    """Read once what every receiver of the message reads (RFC 3261, section 8.1.1)."""
    headers = message.headers
    first = dict(reversed(headers.items()))
    if len(first) != len(headers) and (twice := [n for n in _ONCE if len(headers.all(n)) > 1]):
        raise _Unfit(f"more than one {twice[0]}")
    name = ""
    try:
        for name, parse in _MANDATORY.items():
            if name not in first:
                raise BadHeader("is missing")
            parse(first[name])
        for name in _ADDRESSES:
            if name in first:
                message.addresses(name)
    except BadHeader as exc:
        raise _Unfit(f"{name} {exc.problem}") from exc
    if isinstance(message, Request):
        _check_request(message, first.get("Max-Forwards", "70"))


def _check_request(request: Request, max_forwards: str) -> None:
    if request.cseq.method != request.method:
        raise _Unfit("CSeq names another method")
    if parse_number(max_forwards, 255) is None:
        raise _Unfit("Max-Forwards is no number up to 255")


def _check_callid(text: str) -> None:
    if not _CALLID.fullmatch(text):
        raise BadHeader("is not of printable ASCII")


def _check_top_via(text: str) -> None:
    Via.parse(next(iter(split_list(text)), "") if "," in text else text)


_MANDATORY: dict[str, Callable[[str], object]] = {
    "Via": _check_top_via,
    "From": NameAddr.parse,
    "To": NameAddr.parse,
    "Call-ID": _check_callid,
    "CSeq": CSeq.parse,
}


def _cut_body(message: Request | Response, body: bytes) -> bytes:
    text = message.headers.get("Content-Length")
    if text is None:
        return body  # all of the datagram (RFC 3261, section 18.3)
    length = parse_number(text, MAX_BODY_BYTES)
    if length is None:
        raise _Unfit("Content-Length is no number of bytes")
    if length > len(body):
        raise _Unfit("the body is shorter than Content-Length says")
    return body[:length] if length < len(body) else body


def _printable(reason: str) -> str:
    """Return ``reason`` without surrogates: it is told to clients, who expect Unicode."""
    if reason.isascii():
        return reason
    return reason.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
