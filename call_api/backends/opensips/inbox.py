"""What is told to one command: kept in order until the command takes it."""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TypeAlias

from call_api.backends.opensips.events import ProxyEvent
from call_api.backends.opensips.mi import Reply


@dataclass(frozen=True, slots=True)
class Trouble:
    """All calls of the proxy are lost."""

    reason: str


Told: TypeAlias = ProxyEvent | Reply | Trouble

MAX_KEPT = 1024
"""A call gives rise to a dozen events. Whoever raises more for it loses the newest."""


class Inbox:
    """A bounded queue for one reader, who waits no longer than it says.

    One timer serves all of a command's waiting: it is set anew only for an earlier time, and
    otherwise looks again when it goes off.
    """

    __slots__ = ("_items", "_loop", "_rings_at", "_timer", "_until", "_waiter")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._items: deque[Told] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = 0.0  # uvloop's handle of a timer that is due has no when()
        self._until = 0.0

    def put(self, item: Told) -> None:
        """Keep an item. Never waits, never raises."""
        if len(self._items) < MAX_KEPT:
            self._items.append(item)
            self._wake()

    def take(self) -> Told | None:
        """Return the oldest item, if there is one now."""
        return self._items.popleft() if self._items else None

    async def get(self, until: float) -> Told | None:
        """Return the oldest item, or None when there is none until then, on the loop's clock."""
        while not self._items:
            if self._loop.time() >= until:
                await asyncio.sleep(0)  # whoever asks in a loop keeps nobody else from working
                return None
            self._waiter = self._loop.create_future()
            self._until = until
            self._arm()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self._items.popleft()

    def close(self) -> None:
        """Let go of the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        if self._timer is not None:
            if self._rings_at <= self._until:
                return
            self._timer.cancel()
        self._rings_at = self._until
        self._timer = self._loop.call_at(self._until, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._waiter is None:
            return
        if self._loop.time() < self._until:
            self._arm()
        else:
            self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
