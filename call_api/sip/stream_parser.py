"""A stream of bytes to SIP messages, in chunks of any size (RFC 3261, section 18.3)."""

import re
from dataclasses import dataclass

from call_api.sip.grammar import parse_number
from call_api.sip.message import Request, Response
from call_api.sip.parser import BadMessage, answerable, parse_message

MAX_HEAD_BYTES = 32 * 1024
"""Longest start line and headers of a message on a stream."""

MAX_MESSAGE_BYTES = 65535
"""Longest message on a stream: what a datagram can hold."""

KEEP_ALIVE_ANSWER = b"\r\n"
"""What a server sends for each `KeepAlive` (RFC 5626, section 4.4.1)."""

_LENGTH = re.compile(rb"\r\n(?:content-length|l)[ \t]*+:([^\r]*+(?:\r\n[ \t][^\r]*+)*)", re.I)
_MAX_NUMBER = 2**31
_PING = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """A ping between two messages of a stream; `KEEP_ALIVE_ANSWER` answers it."""


class StreamParser:
    """Finds the messages in a stream of bytes (RFC 3261, section 18.3).

    Once the boundaries are lost, which `is_broken` tells, nothing more can be read: the
    connection is to be closed.

    Args:
        max_bytes: Longest message; its start line and headers may have `MAX_HEAD_BYTES` of them.
    """

    def __init__(self, *, max_bytes: int = MAX_MESSAGE_BYTES) -> None:
        self._max_head_bytes = min(max_bytes, MAX_HEAD_BYTES)
        self._max_bytes = max_bytes
        self._buffer = bytearray()
        self._searched = 0  # bytes of the buffer in which no end of the headers was found
        self._frame_bytes = 0  # length of the message at the buffer's start; 0: unknown as yet
        self.is_broken = False

    @property
    def is_amid(self) -> bool:
        """Whether a message has begun and not ended; a line break alone begins none."""
        return bool(self._buffer) and not _PING.startswith(self._buffer)

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
        length = _content_length(head)
        if (frame_bytes := end + len(_PING) + length) > self._max_bytes:
            raise BadMessage("the message is too long", status=513, request=answerable(head))
        self._frame_bytes = frame_bytes


def _content_length(head: bytes) -> int:
    values = _LENGTH.findall(head)
    if len(values) != 1:
        problem = f"{len(values)} times Content-Length on a stream"
        raise BadMessage(problem, request=answerable(head))
    length = parse_number(values[0].decode("latin-1").strip(" \t\r\n"), _MAX_NUMBER)
    if length is None:
        raise BadMessage("Content-Length is no number of bytes", request=answerable(head))
    return length
