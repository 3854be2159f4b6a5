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

    Args:
        entries: In their order.

    Attributes:
        v1: Number of the last one in dialect v1.
        size_bytes: Length of their texts.
    """

    def __init__(self, entries: list[Entry]) -> None:
        self.entries = entries
        self.v1 = 0
        self.size_bytes = 0
        self._later: dict[Event, History] | None = None  # None: this one is not shared
        for entry in entries:
            self.v1 = entry.v1 or self.v1
            self.size_bytes += len(entry.event)

    @property
    def error(self) -> Raw | None:
        """What its `Error` told, as a JSON object; None if there is none."""
        for entry in self.entries:
            if entry.is_error:
                return dialects.error_of(entry.event)
        return None

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
        for entry in self.entries[-1:]:
            entry.word()
        _shared.append(self)

    def _and(self, event: Event) -> "History":
        number = self.v1 + 1 if dialects.is_told_by_v1(event) else 0
        entry = Entry(seq=len(self.entries) + 1, v1=number, event=dialects.canonical(event))
        return History([*self.entries, entry])


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
