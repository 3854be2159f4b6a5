"""Bytes to SIP messages: whole datagrams, and streams in chunks of any size.

Reads what RFC 3261, section 25 allows; RFC 4475 is the touchstone. Header values keep the
bytes they came with: what is no UTF-8 becomes surrogates and is written back as it was.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from call_api.sip.grammar import parse_number, split_list
from call_api.sip.header_names import KNOWN, canonical_name
from call_api.sip.headers import BadHeader, CSeq, Headers, NameAddr, Via
from call_api.sip.message import Request, Response
from call_api.sip.uri import BadUri, Uri

MAX_HEAD_BYTES = 32 * 1024
"""Longest start line and headers of a message on a stream."""

MAX_BODY_BYTES = 64 * 1024
"""Longest body of a message on a stream; a datagram cannot hold more."""

KEEP_ALIVE_ANSWER = b"\r\n"
"""What a server sends for each `KeepAlive` (RFC 5626, section 4.4.1)."""

_NAME = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]++")
_FOLD = re.compile(r"\r\n[ \t]++")
_REQUEST_LINE = re.compile(r"([A-Za-z0-9\-.!%*_+`'~]++) ([!-~]++) SIP/([0-9]++\.[0-9]++)", re.I)
_STATUS_LINE = re.compile(r"SIP/2\.0 ([1-6][0-9]{2})(?: (.*+))?+", re.I | re.DOTALL)
_CALLID = re.compile(r"[!-~]++")
_LENGTH = re.compile(rb"\r\n(?:content-length|l)[ \t]*+:((?:[^\r]|\r\n[ \t])*+)", re.I)
_ONCE = ("From", "To", "Call-ID", "CSeq", "Max-Forwards", "Content-Length")
_COPIED = ("From", "To", "Call-ID", "CSeq")
_ADDRESSES = ("Contact", "Route", "Record-Route")
_MAX_NUMBER = 2**31
_PING = b"\r\n\r\n"


class BadMessage(Exception):
    """The bytes are no message that can be handled.

    Attributes:
        problem: What is wrong, in words.
        status: What to answer with: 400, 505 or 513.
        request: As much of the request as an answer needs: `Request.response` and
            `Request.top_via` work on it, the rest may be missing. None when there is nothing
            to answer: a response, an ACK, or what does not say where it came from.
    """

    def __init__(self, problem: str, *, status: int = 400, request: Request | None = None) -> None:
        self.problem = problem
        self.status = status
        self.request = request
        super().__init__(problem)


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """A ping between two messages of a stream; `KEEP_ALIVE_ANSWER` answers it."""


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
        request = _answerable(start, rest)
        raise BadMessage(exc.problem, status=exc.status, request=request) from exc.__cause__
    return message


class StreamParser:
    """Finds the messages in a stream of bytes (RFC 3261, section 18.3).

    Once the boundaries are lost, which `is_broken` tells, nothing more can be read: the
    connection is to be closed.

    Args:
        max_head_bytes: Longest start line and headers.
        max_body_bytes: Longest body.
    """

    def __init__(
        self, *, max_head_bytes: int = MAX_HEAD_BYTES, max_body_bytes: int = MAX_BODY_BYTES
    ) -> None:
        self._max_head_bytes = max_head_bytes
        self._max_body_bytes = max_body_bytes
        self._buffer = bytearray()
        self._searched = 0  # bytes of the buffer in which no end of the headers was found
        self._frame_bytes = 0  # length of the message at the buffer's start; 0: unknown as yet
        self.is_broken = False

    def feed(self, data: bytes) -> list[Request | Response | KeepAlive | BadMessage]:
        """Return what ``data`` completes, in order; a `BadMessage` stands where it came."""
        messages: list[Request | Response | KeepAlive | BadMessage] = []
        for frame in self.frames(data):
            if isinstance(frame, bytes):
                try:
                    messages.append(parse_message(frame))
                except BadMessage as exc:
                    messages.append(exc)
            else:
                messages.append(frame)
        return messages

    def frames(self, data: bytes) -> list[bytes | KeepAlive | BadMessage]:
        """Return the messages that ``data`` completes, each as the bytes for `parse_message`.

        A `BadMessage` here is always the last: the stream is broken.
        """
        frames: list[bytes | KeepAlive | BadMessage] = []
        if self.is_broken:
            return frames
        self._buffer += data
        try:
            while (frame := self._next_frame()) is not None:
                frames.append(frame)
        except BadMessage as exc:
            frames.append(exc)
            self.is_broken = True
            self._buffer.clear()
        return frames

    def _next_frame(self) -> bytes | KeepAlive | None:
        buffer = self._buffer
        if not self._frame_bytes:
            if buffer.startswith(_PING):
                del buffer[: len(_PING)]
                return KeepAlive()
            self._measure()
        if not self._frame_bytes or len(buffer) < self._frame_bytes:
            return None
        frame = bytes(buffer[: self._frame_bytes])
        del buffer[: self._frame_bytes]
        self._frame_bytes = self._searched = 0
        return frame

    def _measure(self) -> None:
        """Set the length of the message at the buffer's start, if its headers are complete."""
        buffer = self._buffer
        # One line break alone is the answer to a ping, or stands before a message.
        if buffer.startswith(b"\r\n") and not _PING.startswith(buffer):
            del buffer[:2]
        end = buffer.find(_PING, self._searched)
        if end > self._max_head_bytes or (end < 0 and len(buffer) > self._max_head_bytes + 3):
            raise BadMessage("the headers are too long", status=513)
        if end < 0:
            self._searched = max(0, len(buffer) - 3)
            return
        head = bytes(buffer[:end])
        try:
            length = _stream_length(head)
            if length > self._max_body_bytes:
                raise _Unfit("the body is too long", 513)
        except _Unfit as exc:
            start, _, rest = head.decode("utf-8", "surrogateescape").partition("\r\n")
            request = _answerable(start, rest)
            raise BadMessage(exc.problem, status=exc.status, request=request) from None
        self._frame_bytes = end + len(_PING) + length


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
        # Kept as received, even if empty; a line break in it would have ended the line.
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


def _stream_length(head: bytes) -> int:
    """Return the one Content-Length in ``head``, which a stream must have."""
    values = _LENGTH.findall(head)
    if len(values) != 1:
        raise _Unfit(f"{len(values)} times Content-Length on a stream")
    length = parse_number(values[0].decode("latin-1").strip(" \t\r\n"), _MAX_NUMBER)
    if length is None:
        raise _Unfit("Content-Length is no number of bytes")
    return length


def _answerable(start: str, rest: str) -> Request | None:
    """Return what an answer copies from a request that is otherwise unfit, if all is there."""
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
    request = Request(words[0], "", copied)
    try:
        _ = request.top_via
    except BadHeader:
        return None
    return request if all(name in copied for name in _COPIED) else None


def _printable(reason: str) -> str:
    """Return ``reason`` without surrogates: it is told to clients, who expect Unicode."""
    if reason.isascii():
        return reason
    return reason.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
