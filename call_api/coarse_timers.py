"""Timers that nearly always are cancelled: thousands of them for the price of a few."""

from collections.abc import Callable
from typing import Final, Protocol

_COARSE_FROM: Final = 60.0
"""Seconds; what is due earlier is due exactly."""


class Handle(Protocol):
    """A call that was asked for."""

    def cancel(self) -> None:
        """Call it off. Does no harm when it was made or called off already."""


class Loop(Protocol):
    """What is needed of an event loop; `asyncio.AbstractEventLoop` is one."""

    def time(self) -> float:
        """Return the time, in seconds since whenever."""

    def call_later(self, delay: float, callback: Callable[[], object], /) -> Handle:
        """Call back once, after so many seconds."""


class CoarseTimers:
    """Calls back later, like an event loop; those with time to spare in groups of a second.

    A timer of the loop costs a command more than everything else about its ceiling, which it
    hardly ever reaches.
    """

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._groups: dict[int, _Group] = {}  # by the second at whose end they are due

    def call_later(self, delay: float, callback: Callable[[], object]) -> Handle:
        """Call back after ``delay`` seconds, or, if that is a minute or more, up to one later."""
        if delay < _COARSE_FROM:
            return self._loop.call_later(delay, callback)
        now = self._loop.time()
        second = int(now + delay) + 1
        group = self._groups.get(second)
        if group is None:
            group = self._groups[second] = {}
            self._loop.call_later(second - now, lambda: self._ring(second))
        entry = _Entry(group, callback)
        group[entry] = None
        return entry

    def _ring(self, second: int) -> None:
        group = self._groups.pop(second)
        while group:
            entry, _ = group.popitem()
            entry.callback()


class _Entry:
    """One call that was asked for, and the group that it is in."""

    __slots__ = ("_group", "callback")

    def __init__(self, group: "_Group", callback: Callable[[], object]) -> None:
        self._group = group
        self.callback = callback

    def cancel(self) -> None:
        """Call it off, and let go of whom it was for: together they would be garbage."""
        self._group.pop(self, None)
        self.callback = _nobody


def _nobody() -> None:
    """Nobody is called."""


_Group = dict[_Entry, None]
