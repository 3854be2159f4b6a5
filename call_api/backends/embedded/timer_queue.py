"""One timer for everything that waits: a heap over a single `call_at` of the event loop."""

import heapq
import itertools
import logging
from collections.abc import Callable
from typing import Protocol, TypeAlias

logger = logging.getLogger(__name__)

_COMPACT_FROM = 512  # stale entries; fewer are not worth the sweep


class Cancellable(Protocol):
    """A call that was asked for and can be called off."""

    def cancel(self) -> None:
        """Call it off."""


class Clock(Protocol):
    """What is needed of an event loop; `asyncio.AbstractEventLoop` is one."""

    def time(self) -> float:
        """Return the time, in seconds since whenever; it never goes back."""

    def call_at(self, when: float, callback: Callable[[], object], /) -> Cancellable:
        """Call back once, at ``when`` or soon after, and never before this returns."""


class Timed(Protocol):
    """Something that wants to be woken.

    Attributes:
        timer: Belongs to the queue. Starts as None.
    """

    timer: "TimerEntry | None"

    def next_timer(self) -> float | None:
        """Return when `handle_timer` is due; None: never, as things stand."""

    def handle_timer(self, now: float) -> None:
        """Do what is due at ``now``."""


TimerEntry: TypeAlias = tuple[float, int, Timed]


class TimerQueue:
    """Wakes any number of things, each when it wants to be.

    An entry that is overtaken by an earlier one of the same thing, or that nobody needs any
    more, stays in the heap until it is met or until such entries are the most.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heap: list[TimerEntry] = []
        self._order = itertools.count()  # so that the heap never compares two things
        self._stale = 0
        self._call: Cancellable | None = None
        self._call_at = 0.0
        self._is_closed = False

    def __len__(self) -> int:
        """How many entries there are, those included that nobody needs any more."""
        return len(self._heap)

    def update(self, item: Timed) -> None:
        """Look anew at when ``item`` wants to be woken. Cheap when that became later."""
        when = None if self._is_closed else item.next_timer()
        entry = item.timer
        if when is None:
            if entry is not None:
                item.timer = None
                self._forget_one()
        elif entry is None:
            self._push(item, when)
        elif when < entry[0]:
            self._push(item, when)
            self._forget_one()

    def close(self) -> None:
        """Wake nobody any more, whatever happens to those that were."""
        self._is_closed = True
        for _, _, item in self._heap:
            item.timer = None
        self._heap.clear()
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _push(self, item: Timed, when: float) -> None:
        item.timer = entry = (when, next(self._order), item)
        heapq.heappush(self._heap, entry)
        self._call_back_at(when)

    def _call_back_at(self, when: float) -> None:
        if self._call is not None:
            if self._call_at <= when:
                return
            self._call.cancel()
        self._call_at = when
        self._call = self._clock.call_at(when, self._wake)

    def _forget_one(self) -> None:
        self._stale += 1
        if self._stale > _COMPACT_FROM and self._stale > len(self._heap) // 2:
            self._heap = [entry for entry in self._heap if entry[2].timer is entry]
            heapq.heapify(self._heap)
            self._stale = 0

    def _wake(self) -> None:
        self._call = None
        now = self._clock.time()
        for item in self._due(now):
            when = item.next_timer()
            if when is not None and when <= now:
                try:
                    item.handle_timer(now)
                except Exception:
                    logger.exception("a timer failed")
            self.update(item)
        if self._heap:
            self._call_back_at(self._heap[0][0])

    def _due(self, now: float) -> list[Timed]:
        """Take the entries out that are due, so that none is met twice in one turn."""
        due: list[Timed] = []
        while self._heap and self._heap[0][0] <= now:
            entry = heapq.heappop(self._heap)
            item = entry[2]
            if item.timer is entry:
                item.timer = None
                due.append(item)
            else:
                self._stale -= 1
        return due
