"""One event of one command, numbered; and those of them that thousands of commands share."""

from collections.abc import Sequence
from typing import Final

from call_api import dialects
from call_api.events import (
    CallHolding,
    CallHoldStart,
    CallHoldSuccessful,
    CallUnholding,
    CallUnholdStart,
    CallUnholdSuccessful,
    Ended,
    Event,
)
from call_api.model import LEGS, LegName


class Entry:
    """One event of one command, as it is kept. It does not change.

    Args:
        seq: Its number in dialect v2, from 1.
        v1: Its number in dialect v1, from 1; 0: v1 does not tell it.
        event: Its canonical JSON text (`call_api.dialects`).

    Attributes:
        is_last: Whether it is `Ended`.
        is_error: Whether it is `Error`.
    """

    def __init__(self, *, seq: int, v1: int, event: bytes) -> None:
        self.seq = seq
        self.v1 = v1
        self.event = event
        self.is_last = dialects.is_last(event)
        self.is_error = dialects.is_error(event)
        self._in_v2: bytes | None = None
        self._in_v1: tuple[bytes, bytes] | None = None

    def __repr__(self) -> str:
        return f"Entry(seq={self.seq}, v1={self.v1}, event={self.event!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Entry):
            return NotImplemented
        return (self.seq, self.v1, self.event) == (other.seq, other.v1, other.event)

    def __hash__(self) -> int:
        return hash((self.seq, self.v1, self.event))

    def word(self) -> None:
        """Keep how the dialects say it: for one that many commands share."""
        self._in_v2 = dialects.in_v2(self.seq, self.event)
        self._in_v1 = dialects.in_v1(self.v1, self.event) if self.v1 else None

    def in_v2(self, start: bytes) -> bytes:
        """Return the notification, of what `dialects.start_in_v2` made for the command."""
        rest = self._in_v2
        return start + (dialects.in_v2(self.seq, self.event) if rest is None else rest)

    def in_v1(self, cmd_id: bytes) -> bytes:
        """Return the notification, of the JSON text of the command's id."""
        parts = self._in_v1
        start, rest = dialects.in_v1(self.v1, self.event) if parts is None else parts
        return start + cmd_id + rest


def numbered(event: Event, seq: int, v1: int) -> Entry:
    """Return how an event is kept.

    Args:
        seq: Number of the one before, in dialect v2.
        v1: The same in dialect v1.
    """
    alike = _shared.get(event) if seq < _EARLY and type(event) in _COMMON else None
    if alike is None:
        return _made(event, seq, v1)
    key = seq * _EARLY + v1
    entry = alike.get(key)
    if entry is None:
        entry = alike[key] = _made(event, seq, v1)
        entry.word()
    return entry


def _made(event: Event, seq: int, v1: int) -> Entry:
    number = v1 + 1 if dialects.is_told_by_v1(event) else 0
    return Entry(seq=seq + 1, v1=number, event=dialects.canonical(event))


_ORDERS: Final[Sequence[tuple[LegName, ...] | None]] = (None, LEGS, LEGS[::-1], LEGS[:1], LEGS[1:])

_shared: Final[dict[Event, dict[int, Entry]]] = {
    event: {}
    for event in (
        CallHolding(),
        CallUnholding(),
        *(CallHoldStart(leg=leg) for leg in LEGS),
        *(CallUnholdStart(leg=leg) for leg in LEGS),
        *(CallHoldSuccessful(leg=leg, legs=legs) for leg in LEGS for legs in _ORDERS),
        *(CallUnholdSuccessful(leg=leg, legs=legs) for leg in LEGS for legs in _ORDERS),
        Ended(),
    )
}
"""Events that thousands of commands tell -> the entries of each, by both numbers."""

_COMMON: Final = frozenset(type(event) for event in _shared)

_EARLY: Final = 16
"""Numbers below which entries are shared, as nearly all of these events have them: a bound."""
