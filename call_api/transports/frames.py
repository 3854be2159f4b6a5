"""The frames of RFC 6455 that are nearly all there are: a text in one piece."""

from typing import Final

try:
    from websockets.speedups import apply_mask
except ImportError:  # a platform without a compiled package
    from websockets.utils import apply_mask

_WHOLE_TEXT: Final = 0x81  # FIN and the opcode of a text
_FIN: Final = 0x80
_MASKED: Final = 0x80
_KEY: Final = 4
_DATA_OPCODES: Final = (0, 1, 2)

LONGER: Final = 126
"""Bytes from which on a head has more than two bytes."""
_EIGHT_BYTES: Final = 127


def text_head(size: int) -> bytes:
    """Return what a server puts before a text of ``size`` bytes."""
    if size < LONGER:
        return bytes((_WHOLE_TEXT, size))
    if size < 1 << 16:
        return b"\x81\x7e" + size.to_bytes(2)
    return b"\x81\x7f" + size.to_bytes(8)


COMMON: Final = 1024
"""Bytes up to which texts have their heads in `HEADS`."""

HEADS: Final = [text_head(size) for size in range(COMMON)]


class FrameCutter:
    """Cuts what a client sends into its texts and the rest, which is for a complete parser.

    A text that came whole, in one frame and by the rules is taken apart here, at a fraction of
    the library's cost. Everything else goes to the library byte for byte: control frames,
    fragments, frames that are not all there yet, or too long, and whatever breaks a rule. Both
    know where each frame ends, so the library never notices what it does not get.

    Args:
        longest: Bytes in a text, at most; no less than 125.
    """

    __slots__ = ("_head", "_in_message", "_longest", "_owed")

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._head = b""  # of a frame whose length is not known yet
        self._owed = 0  # bytes still to come of a frame that is for the library
        self._in_message = False  # the library has had fragments, and not the last one

    def cut(self, data: bytes) -> list[str | bytes]:
        """Return the texts in ``data``, and between them the bytes that are for the library."""
        pieces: list[str | bytes] = []
        at = 0
        if self._owed:
            at = min(self._owed, len(data))
            self._owed -= at
            pieces.append(data[:at])
        elif self._head:
            data = self._head + data
            self._head = b""
        end = len(data)
        while (at := at if self._in_message else _short_texts(data, at, pieces)) < end:
            start, stop = _payload(data, at)
            if not start:
                self._head = data[at:]
                break
            text = self._text(data, at, start, stop) if stop <= end else None
            if text is None:
                self._note(data[at])
                self._owed = max(stop - end, 0)
                pieces.append(data[at:stop])
            else:
                pieces.append(text)
            at = stop
        return pieces

    def _text(self, data: bytes, at: int, start: int, stop: int) -> str | None:
        """Return the text of a frame, or None if it has none or if there is anything about it."""
        if (
            data[at] != _WHOLE_TEXT
            or data[at + 1] < _MASKED
            or self._in_message
            or stop - start > self._longest
        ):
            return None
        try:
            return apply_mask(data[start:stop], data[start - _KEY : start]).decode()
        except UnicodeDecodeError:
            return None

    def _note(self, first: int) -> None:
        """Take note of the first byte of a frame that the library gets."""
        if first & 0x0F in _DATA_OPCODES:
            self._in_message = not first & _FIN


def _short_texts(data: bytes, at: int, pieces: list[str | bytes]) -> int:
    """Take the shortest texts out, as many as there are in a row; return where they end.

    This is the loop that every request goes through, so nothing in it is called that could be
    spelled out.
    """
    end = len(data)
    try:
        while (start := at + 6) <= end and data[at] == _WHOLE_TEXT:
            size = data[at + 1] - _MASKED
            stop = start + size
            if not 0 <= size < LONGER or stop > end:
                break
            pieces.append(apply_mask(data[start:stop], data[start - _KEY : start]).decode())
            at = stop
    except UnicodeDecodeError:
        pass
    return at


def _payload(data: bytes, at: int) -> tuple[int, int]:
    """Return where the payload of a frame begins and ends; 0: more has to come to tell."""
    if len(data) < at + 2:
        return 0, 0
    second = data[at + 1]
    size, start = second & 0x7F, at + 2
    if size == LONGER:
        start = at + 4
        size = int.from_bytes(data[at + 2 : start])
    elif size == _EIGHT_BYTES:
        start = at + 10
        size = int.from_bytes(data[at + 2 : start])
    if second & _MASKED:
        start += _KEY
    return (start, start + size) if start <= len(data) else (0, 0)
