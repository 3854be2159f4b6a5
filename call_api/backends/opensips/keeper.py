"""What runs beside the commands: looking after proxies, and cleaning up after commands."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Final, Self

logger = logging.getLogger(__name__)

_FINISH_WITHIN: Final = 5.0
"""Seconds at the end for what is still being cleaned up: some requests to a proxy."""


class Keeper:
    """Owns every task of the back end that is no command. Entered: ready; left: all are over."""

    def __init__(self) -> None:
        self._group = asyncio.TaskGroup()
        self._endless: set[asyncio.Task[None]] = set()
        self._finishing: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Get ready."""
        await self._group.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop everything. `finish_all` first is kinder."""
        for task in (*self._endless, *self._finishing):
            task.cancel()
        await self._group.__aexit__(None, None, None)

    async def finish_all(self) -> None:
        """Give what cleans up some time to end."""
        if self._finishing:
            await asyncio.wait(self._finishing, timeout=_FINISH_WITHIN)

    @property
    def finishing(self) -> int:
        """The number of commands that are being cleaned up after."""
        return len(self._finishing)

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run something until the back end is closed."""
        return self._start(work, name, self._endless)

    def finish(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run something to its end, even if nobody waits for it any more.

        It must take a bounded time. To wait for it and yet be cancelled without it: `shield`.
        """
        return self._start(work, name, self._finishing)

    def _start(
        self, work: Coroutine[Any, Any, None], name: str, kept: set[asyncio.Task[None]]
    ) -> asyncio.Task[None]:
        task = self._group.create_task(_guarded(work, name), name=name)
        kept.add(task)
        task.add_done_callback(kept.discard)
        task.add_done_callback(lambda _: work.close())  # it may never have begun
        return task


async def _guarded(work: Coroutine[Any, Any, None], name: str) -> None:
    """One failure here must not take everything else down."""
    try:
        await work
    except Exception:
        logger.exception("%s failed", name)
