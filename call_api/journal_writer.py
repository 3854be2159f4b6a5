"""Writes the journal: one thread with SQLite in it, one transaction a turn of the loop."""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

from call_api.errors import JournalFailed
from call_api.journal_store import Batch

logger = logging.getLogger(__name__)


class Store(Protocol):
    """Where it is written to; used by one thread."""

    def write(self, batch: Batch) -> None:
        """Add all of it, or nothing.

        Raises:
            sqlite3.Error: It is not kept.
        """

    def close(self) -> None:
        """Let go of the file."""


@dataclass(slots=True)
class _Turn:
    """What one transaction writes, and who is to hear of it.

    Attributes:
        on_kept: Called, in their order, when it is on the file.
        waiting: Those who wait for it, and would rather hear of a failure than wait longer.
    """

    batch: Batch = field(default_factory=Batch)
    on_kept: list[Callable[[], None]] = field(default_factory=list)
    waiting: list["asyncio.Future[None]"] = field(default_factory=list)


class JournalWriter:
    """Hands each turn's batch to the thread; while that one is busy, the next batch grows.

    A batch that fails is refused to those who wait for it. Its claims are taken out, the rest is
    tried again until it is kept: nobody hears what commands have told before that.

    Args:
        store: Open, and used by the thread alone.
        thread: Has one worker.
        try_again_every: Seconds until what could not be written is tried again.
        stuck_after: Seconds after which a transaction that is not done counts as a failure.

    Attributes:
        failure: Why nothing can be kept now; None when it can.
    """

    def __init__(
        self,
        store: Store,
        thread: ThreadPoolExecutor,
        *,
        try_again_every: float = 1.0,
        stuck_after: float = 5.0,
    ) -> None:
        self.failure: str | None = None
        self._store = store
        self._thread = thread
        self._try_again_every = try_again_every
        self._stuck_after = stuck_after
        self._loop = asyncio.get_running_loop()
        self._next = _Turn()
        self._writing: _Turn | None = None
        self._began = 0.0
        self._timer: asyncio.Handle | None = None  # until `_next` is written
        self._is_closed = False

    def is_ready(self) -> str | None:
        """Return None, or why nothing can be kept now, in one line."""
        if self.failure is not None:
            return f"the journal cannot be written: {self.failure}"
        if self._writing is not None and self._loop.time() - self._began > self._stuck_after:
            return f"the journal has not been written for {self._stuck_after:g} s"
        return None

    def batch(self, on_kept: Callable[[], None] | None = None) -> Batch:
        """Return what is written next, to be added to at once.

        Args:
            on_kept: Called when it is kept.
        """
        if self._is_closed:
            return Batch()
        if on_kept is not None:
            self._next.on_kept.append(on_kept)
        if self._timer is None and self._writing is None:
            self._timer = self._loop.call_soon(self._write)
        return self._next.batch

    async def written(self) -> None:
        """Return when all that was added so far is kept.

        Raises:
            JournalFailed: It is not kept now. Later it will be, but for claims.
        """
        if self.failure is not None or self._is_closed:
            raise JournalFailed(self.failure or "the daemon is shutting down")
        turn = self._writing if self._next.batch.is_empty else self._next
        if turn is not None:
            waiter = self._loop.create_future()
            turn.waiting.append(waiter)
            await waiter

    async def close(self) -> None:
        """Write what is left, and let go of the file. Does nothing a second time."""
        if self._is_closed:
            return
        with contextlib.suppress(JournalFailed):
            await self.written()
        if self.failure is not None:
            with contextlib.suppress(JournalFailed):
                await self._last_try()
                await self.written()
        if self._timer is not None:
            self._timer.cancel()
        self._is_closed = True
        if lost := len(self._next.batch.entries):
            logger.error("%d events could not be kept: %s", lost, self.failure)
        await self._loop.run_in_executor(self._thread, self._store.close)

    async def _last_try(self) -> None:
        """Try again at once, unless that is being done.

        Raises:
            JournalFailed: In vain.
        """
        if self._timer is not None:
            self._timer.cancel()
            self._write()
        assert self._writing is not None
        waiter = self._loop.create_future()
        self._writing.waiting.append(waiter)
        await waiter

    def _write(self) -> None:
        self._timer = None
        self._began = self._loop.time()
        self._writing, self._next = self._next, _Turn()
        writing = self._loop.run_in_executor(self._thread, self._store.write, self._writing.batch)
        writing.add_done_callback(self._done)

    def _done(self, writing: asyncio.Future[None]) -> None:
        turn, self._writing = self._writing, None
        assert turn is not None
        failed = writing.exception()
        if failed is not None:
            self._failed(turn, failed)
            return
        if self.failure is not None:
            self.failure = None
            logger.warning("the journal can be written again")
        for on_kept in turn.on_kept:
            on_kept()
        for waiter in turn.waiting:
            if not waiter.done():
                waiter.set_result(None)
        if self._timer is None and not self._next.batch.is_empty:
            self._write()

    def _failed(self, turn: _Turn, failed: BaseException) -> None:
        reason = str(failed) or type(failed).__name__
        if self.failure != reason:
            unexpected = None if isinstance(failed, sqlite3.Error) else failed
            logger.error("the journal cannot be written: %s", reason, exc_info=unexpected)
        self.failure = reason
        later, self._next = self._next, turn
        for waiter in (*turn.waiting, *later.waiting):
            if not waiter.done():
                waiter.set_exception(JournalFailed(reason))
        turn.batch.add(later.batch)
        turn.batch.claims.clear()
        turn.on_kept += later.on_kept
        turn.waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(self._try_again_every, self._write)
