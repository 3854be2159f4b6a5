"""A clock that stands still until a test moves it: time without waiting."""

import heapq
import itertools
from collections.abc import Callable


class Call:
    """One call that was asked for."""

    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback = callback
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True


class ManualClock:
    """Has the `time` and the `call_at` of an event loop; `advance` makes the time pass."""

    def __init__(self, now: float = 1000.0) -> None:
        self._now = now
        self._calls: list[tuple[float, int, Call]] = []
        self._order = itertools.count()

    def time(self) -> float:
        return self._now

    def call_at(self, when: float, callback: Callable[[], object], /) -> Call:
        call = Call(callback)
        heapq.heappush(self._calls, (when, next(self._order), call))
        return call

    def call_later(self, delay: float, callback: Callable[[], object], /) -> Call:
        return self.call_at(self._now + delay, callback)

    def sleep(self, seconds: float) -> None:
        """Let time pass inside a call, as one that takes long does: nothing else is called."""
        self._now += seconds

    def advance(self, seconds: float) -> None:
        """Let time pass, and make each call at its time."""
        end = self._now + seconds
        while self._calls and self._calls[0][0] <= end:
            when, _, call = heapq.heappop(self._calls)
            self._now = max(self._now, when)
            if not call.is_cancelled:
                call.callback()
        self._now = max(self._now, end)

    @property
    def pending(self) -> int:
        """How many calls are still to be made."""
        return sum(not call.is_cancelled for _, _, call in self._calls)
