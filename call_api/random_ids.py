"""Names that nobody can guess, for commands and for calls."""

import os
from collections.abc import Callable
from typing import Final

from call_api.model import CallId, CmdId

_BYTES: Final = 16
_AT_A_TIME: Final = 256


class RandomIds:
    """Makes ids from the system's random numbers, which it gets a pool at a time.

    Args:
        urandom: Returns so many random bytes.
    """

    def __init__(self, urandom: Callable[[int], bytes] = os.urandom) -> None:
        self._urandom = urandom
        self._pool = ""  # in hexadecimal
        self._used = 0

    def callid(self) -> CallId:
        """Return 128 random bits, in hexadecimal."""
        return CallId(self._bits())

    def cmd_id(self) -> CmdId:
        """Return a UUID of version 4 (RFC 9562, section 5.4)."""
        bits = self._bits()
        variant = _VARIANTS[bits[16]]
        return CmdId(f"{bits[:8]}-{bits[8:12]}-4{bits[13:16]}-{variant}{bits[17:20]}-{bits[20:]}")

    def _bits(self) -> str:
        start = self._used
        if start == len(self._pool):
            self._pool, start = self._urandom(_AT_A_TIME * _BYTES).hex(), 0
        self._used = start + 2 * _BYTES
        return self._pool[start : self._used]


_VARIANTS: Final = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
