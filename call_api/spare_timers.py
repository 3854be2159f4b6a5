"""Timers that nearly always are called off: exact, and thousands of them for the price of a few."""

import asyncio
from collections.abc import Callable
from typing import Final

_AHEAD: Final = 0.05
"""Seconds. Until it is due within this time, a timer is an entry in a table."""


class SpareTimers:
    """Calls back at a given time, like an event loop.

    A timer of the loop costs more than to wait for an answer that comes. Here those that are due
    in the same moment share one of the loop's, which goes off ahead of them: only those that have
    not been called off by then get one of their own.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._groups: dict[int, dict[SpareTimer, None]] = {}  # by the moment in which they are due

    def call_at(self, when: float, callback: Callable[[], object]) -> "SpareTimer":
        """Call back at ``when``, on the loop's clock."""
        moment = int(when / _AHEAD)
        group = self._groups.get(moment)
        if group is None:
            group = self._groups[moment] = {}
            self.loop.call_at(moment * _AHEAD, self._near, moment)
        timer = SpareTimer(group, when, callback)
        group[timer] = None
        return timer

    def _near(self, moment: int) -> None:
        for timer in self._groups.pop(moment):
            timer.be_exact(self.loop)


class SpareTimer:
    """One call that was asked for."""

    def __init__(
        self, group: dict["SpareTimer", None], when: float, callback: Callable[[], object]
    ) -> None:
        self._group = group
        self._when = when
        self._callback = callback
        self._handle: asyncio.TimerHandle | None = None

    def cancel(self) -> None:
        """Call it off. Does no harm when it was made or called off already."""
        self._group.pop(self, None)
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def be_exact(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wait for what is left of the time."""
        self._handle = loop.call_at(self._when, self._callback)
