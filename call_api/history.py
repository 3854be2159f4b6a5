"""What a command has told so far: one object for all commands that have told the same."""

from collections.abc import Sequence
from typing import Final

from msgspec import Raw

from call_api import dialects
from call_api.entry import Entry
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


class History:
    """What a command has told so far. It does not change: `then` returns what it is next.

    A phone may make a command tell thousands of events, so all that one command has been through
    are in one list, of which each of its histories is the beginning.

    Args:
        entries: In their order; to be added to by nobody else.
        before: What it was before the last of them; None: nothing is known of that.

    Attributes:
        seq: Number of the last one in dialect v2.
        v1: Number of the last one in dialect v1.
        size_bytes: Length of their texts.
    """

    def __init__(self, entries: list[Entry], before: "History | None" = None) -> None:
        self._entries = entries  # from ``seq`` on they are those of a later one
        self._later: dict[Event, History] | None = None  # None: this one is not shared
        self.seq = len(entries)
        self.v1: int = 0 if before is None else before.v1
        self.size_bytes: int = 0 if before is None else before.size_bytes
        for entry in entries if before is None else entries[-1:]:
            self.v1 = entry.v1 or self.v1
            self.size_bytes += len(entry.event)

    @property
    def entries(self) -> list[Entry]:
        """All of them."""
        return self._entries[: self.seq]

    @property
    def error(self) -> Raw | None:
        """What its `Error` told, as a JSON object; None if there is none. Only `Ended` follows."""
        for entry in self._entries[max(self.seq - 2, 0) : self.seq]:
            if entry.is_error:
                return dialects.error_of(entry.event)
        return None

    def entry(self, seq: int) -> Entry:
        """Return the one of a number, from 1 to ``seq``."""
        return self._entries[seq - 1]

    def then(self, event: Event) -> "History":
        """Return what it is when this is told, too."""
        if self._later is None or type(event) not in _KINDS:
            return self._and(event)
        known = self._later.get(event)
        if known is None:
            known = self._and(event)
            if event in _COMMON and len(_shared) < _MOST:
                known.share()
                self._later[event] = known
        return known

    def share(self) -> None:
        """Be the history of all commands that tell the same."""
        self._later = {}
        for entry in self._entries[-1:]:
            entry.word()
        _shared.append(self)

    def _and(self, event: Event) -> "History":
        number = self.v1 + 1 if dialects.is_told_by_v1(event) else 0
        entry = Entry(seq=self.seq + 1, v1=number, event=dialects.canonical(event))
        is_newest = self._later is None and len(self._entries) == self.seq
        entries = self._entries if is_newest else self.entries  # those of another one stay its own
        entries.append(entry)
        return History(entries, self)


_ORDERS: Final[Sequence[tuple[LegName, ...] | None]] = (None, LEGS, LEGS[::-1], LEGS[:1], LEGS[1:])

_COMMON: Final[frozenset[Event]] = frozenset(
    (
        CallHolding(),
        CallUnholding(),
        *(CallHoldStart(leg=leg) for leg in LEGS),
        *(CallUnholdStart(leg=leg) for leg in LEGS),
        *(CallHoldSuccessful(leg=leg, legs=legs) for leg in LEGS for legs in _ORDERS),
        *(CallUnholdSuccessful(leg=leg, legs=legs) for leg in LEGS for legs in _ORDERS),
        Ended(),
    )
)
"""What thousands of commands tell."""

_KINDS: Final = frozenset(type(event) for event in _COMMON)

_MOST: Final = 1000
"""Histories that are shared, for ever; there are some dozens in fact."""

_shared: Final[list[History]] = []

NOTHING: Final = History([])
NOTHING.share()
