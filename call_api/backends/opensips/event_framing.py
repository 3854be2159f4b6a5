"""Cuts a stream of JSON objects, one right after the other, into single ones."""

import re
from collections.abc import Callable
from typing import Final

MAX_EVENT: Final = 256 * 1024
"""Bytes of one event; no real one comes near it."""

_INTERESTING: Final = re.compile(rb'["{}]')
_END_OF_STRING: Final = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*"', re.DOTALL)
_BLANK: Final = b" \t\r\n"


class EventFraming:
    """Finds where each object ends, by its braces, and gives it on.

    Args:
        receive: Is given the text of each object, whole.
    """

    def __init__(self, receive: Callable[[bytes], None]) -> None:
        self._receive = receive
        self._data = b""
        self._at = 0  # how far it has been looked at
        self._depth = 0

    def feed(self, data: bytes) -> bool:
        """Take in some bytes; return whether they still are objects, and not too long ones."""
        self._data += data
        while True:
            if self._depth == 0:
                self._data = self._data.lstrip(_BLANK)
                self._at = 0
                if self._data and self._data[0] != ord("{"):
                    return False
            end = self._find_end()
            if end is None:
                return len(self._data) <= MAX_EVENT
            event, self._data = self._data[:end], self._data[end:]
            self._receive(event)

    def _find_end(self) -> int | None:
        """Return where the first object ends, or None if that is not here yet."""
        while found := _INTERESTING.search(self._data, self._at):
            if found[0] == b'"':
                string = _END_OF_STRING.match(self._data, found.end())
                if string is None:
                    self._at = found.start()
                    return None
                self._at = string.end()
                continue
            self._at = found.end()
            self._depth += 1 if found[0] == b"{" else -1
            if self._depth == 0:
                return self._at
        self._at = len(self._data)
        return None
