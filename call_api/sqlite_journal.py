"""The journal of a daemon whose commands survive it: in memory, and in a SQLite file.

Memory is what is read. What is new goes to the file first, and comes into memory when it is there:
so whatever anybody is told, or is listed, or may listen to, is kept.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from call_api.backends.base import Stream
from call_api.command_log import CommandLog
from call_api.errors import JournalFailed
from call_api.events import Event
from call_api.history import NOTHING, History
from call_api.journal import Owned, Snapshot
from call_api.journal_store import End, Kept
from call_api.journal_writer import JournalWriter
from call_api.memory_journal import BOUNDS, Bounds, MemoryJournal, Orphans
from call_api.model import CmdId
from call_api.record import Record


class SqliteJournal(MemoryJournal):
    """Keeps commands in a file, within the same bounds as `MemoryJournal`.

    Ended commands are as old after a restart as the machine's clock says, which no change of its
    time touches; after a restart of the machine itself, as old as the time says, but never less
    than new.

    Args:
        writer: Of the file.
        kept: What was in it.
        wall: Returns seconds since 1970.
    """

    def __init__(
        self,
        writer: JournalWriter,
        kept: list[Kept],
        *,
        clock: Callable[[], float],
        call_soon: Callable[[Callable[[], None]], object],
        wall: Callable[[], float] = time.time,
        bounds: Bounds = BOUNDS,
    ) -> None:
        super().__init__(clock=clock, call_soon=call_soon, wall=wall, bounds=bounds)
        self._writer = writer
        self._claiming: dict[tuple[str, CmdId], asyncio.Future[None]] = {}  # by token and id
        self._orphans: list[Owned] = []
        self._last_number = max((one.number for one in kept), default=0)
        self._load(kept)

    def is_ready(self) -> str | None:
        """Return None, or why no other command can be claimed now, in one line."""
        return self._writer.is_ready() or super().is_ready()

    @property
    def is_full(self) -> bool:
        """Whether as many commands run as may, those included that are being claimed."""
        return self.running + len(self._claiming) >= self._run_most

    def claim_now(self, record: Record) -> Owned | Snapshot | None:  # noqa: ARG002
        """Return None: nothing is ours before it is kept."""
        return None

    async def claim(self, record: Record) -> Owned | Snapshot:
        """Make a command ours to run once that is kept, or return the same one that exists.

        Raises:
            DuplicateCommand: The cmd_id is that of another command of the same token.
            TooManyRequests: ``run_most`` commands run.
            JournalFailed: It cannot be kept.
        """
        key = (record.token, record.cmd_id)
        while (other := self._claiming.get(key)) is not None:
            await asyncio.wait([other])
        known = self.known(record)
        if known is not None:
            return known
        self._last_number += 1
        log = _KeptLog(record, self, self._writer, self._last_number)
        claiming = asyncio.get_running_loop().create_future()
        self._claiming[key] = claiming
        try:
            if self._writer.failure is None:
                self._writer.batch().claims.append((log.number, record))
            await self._writer.written()
            self._logs.add(log)
        finally:
            del self._claiming[key]
            claiming.set_result(None)
        return log

    async def settled(self) -> None:
        """Return when all that was appended is kept, or cannot be now."""
        with suppress(JournalFailed):
            await self._writer.written()

    def orphans(self) -> Stream[Owned]:
        """Claim the commands that ran when the daemon before this one died, once."""
        found, self._orphans = self._orphans, []
        return Orphans(found)

    def end_now(self) -> End:
        """Return when a command ends that ends now."""
        return End(self._wall(), self._clock())

    def _load(self, kept: list[Kept]) -> None:
        now, wall = self._clock(), self._wall()
        ended: list[_KeptLog] = []
        for one in kept:
            log = _KeptLog(one.record, self, self._writer, one.number)
            log.restore(one)
            self._logs.add(log)
            if one.end is None:
                self._orphans.append(log)
                continue
            age = wall - one.end.wall if one.end.clock is None else now - one.end.clock
            log.kept_since = now - max(age, 0.0)
            ended.append(log)
        for log in sorted(ended, key=lambda log: log.kept_since):
            self._keep(log)
        self._forget(now)

    def _drop(self, log: CommandLog) -> None:
        super()._drop(log)
        assert isinstance(log, _KeptLog)
        self._writer.batch().forgotten.append(log.number)


class _KeptLog(CommandLog):
    """One command: what it has told shows when it is kept.

    Attributes:
        number: Its name in the file.
    """

    __slots__ = ("_end_now", "_told", "_unkept", "_writer", "number")

    def __init__(
        self, record: Record, journal: SqliteJournal, writer: JournalWriter, number: int
    ) -> None:
        super().__init__(record, journal)
        self.number = number
        self._writer = writer
        self._end_now = journal.end_now
        self._told = NOTHING  # kept or not
        self._unkept = 0

    def restore(self, kept: Kept) -> None:
        """Take in what was in the file."""
        self.history = self._told = History(kept.entries)
        if kept.end is not None:
            self.ended = kept.end.wall
            self.has_ended = True

    def append(self, event: Event, *, last: bool = False) -> None:
        """Tell an event, as soon as it is kept."""
        told = self._told = self._told.then(event)
        end = self._end_now() if last else None
        self._unkept += 1
        batch = self._writer.batch(partial(self._is_kept, told, end))
        batch.entries.append((self.number, told.entry(told.seq)))
        if end is not None:
            batch.ends.append((self.number, end))
            self.on_cancel = None

    async def stored(self) -> None:
        """Return when everything appended so far is kept.

        Raises:
            JournalFailed: It is not kept now.
        """
        if self._unkept:
            await self._writer.written()

    async def may_act(self) -> None:
        """Return when what was done is kept, so that who takes over need not guess.

        A journal that fails keeps nobody from hanging up: then this returns, too.
        """
        with suppress(JournalFailed):
            await self.stored()

    def _is_kept(self, told: History, end: End | None) -> None:
        self._unkept -= 1
        self.take(told, None if end is None else end.wall)
