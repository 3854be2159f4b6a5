"""The journal of a daemon whose commands live and die with it."""

import logging
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, Literal

import msgspec
from msgspec import Raw

from call_api import dialects
from call_api.backends.base import Stream
from call_api.errors import DuplicateCommand, TooManyRequests, UnknownCommand
from call_api.events import Error, Event
from call_api.journal import Entry, Following, Outcome, Owned, Record, Snapshot
from call_api.model import CallId, CmdId

logger = logging.getLogger(__name__)

_COMMAND_BYTES: Final = 2048
"""What one kept command costs besides the texts in it, roughly."""


class MemoryJournal:
    """Keeps commands in memory: they live as long as the daemon.

    Ended commands are forgotten, in the order in which they ended, ``keep_for`` seconds after
    their end, and earlier when there are more than ``keep_most`` of them or when they fill more
    than ``keep_bytes``. Running ones are never forgotten: beyond ``run_most`` of them `claim`
    refuses.

    Args:
        clock: Returns seconds, monotonic.
        call_soon: Calls its argument in the loop's next turn.
        keep_for: Seconds.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        call_soon: Callable[[Callable[[], None]], object],
        keep_for: float = 300.0,
        keep_most: int = 10_000,
        keep_bytes: int = 64 * 1024 * 1024,
        run_most: int = 10_000,
    ) -> None:
        self._clock = clock
        self._call_soon = call_soon
        self._keep_for = keep_for
        self._keep_most = keep_most
        self._keep_bytes = keep_bytes
        self._run_most = run_most
        self._logs: dict[CmdId, _Log] = {}  # in order of their start
        self._ended: deque[tuple[float, _Log]] = deque()  # in order of their end, and when
        self._ended_bytes = 0
        self._untold: deque[_Log] = deque()  # those whose listeners have something to hear

    def is_ready(self) -> bool:
        """Whether another command may run."""
        return len(self._logs) - len(self._ended) < self._run_most

    async def claim(self, record: Record) -> Owned | Snapshot:
        """Make a command ours to run, or return the same one that exists.

        Raises:
            DuplicateCommand: The cmd_id is that of another command.
            TooManyRequests: ``run_most`` commands run.
        """
        self._forget()
        kept = self._logs.get(record.cmd_id)
        if kept is not None:
            if kept.record.fingerprint != record.fingerprint:
                raise DuplicateCommand(record.cmd_id)
            return kept.snapshot()
        if not self.is_ready():
            raise TooManyRequests(retry_after=1.0)
        log = self._logs[record.cmd_id] = _Log(record, self)
        return log

    async def read(self, cmd_id: CmdId, after: int = 0) -> tuple[Snapshot, list[Entry]]:
        """Return a command and what it told after ``after``.

        Raises:
            UnknownCommand: None that is still kept has this id.
        """
        log = self._log(cmd_id)
        return log.snapshot(), log.entries[after:]

    def follow(self, cmd_id: CmdId, after: int, tell: Callable[[Entry], None]) -> Following:
        """Call ``tell`` for every entry after ``after``, kept or to come: each once, in order.

        Raises:
            UnknownCommand: None that is still kept has this id.
        """
        log = self._log(cmd_id)
        follower = _Follower(log, after, tell)
        log.followers.append(follower)
        self.is_untold(log)
        return follower

    async def commands(self, token: str | None) -> list[Snapshot]:
        """Return the commands of one owner (None: all) that are kept, in order of their start."""
        self._forget()
        return [
            log.snapshot()
            for log in self._logs.values()
            if token is None or log.record.token == token
        ]

    async def cancel(self, cmd_id: CmdId) -> Literal["cancelling", "ended"]:
        """Ask the runner of a command to cancel it.

        Raises:
            UnknownCommand: None that is still kept has this id.
        """
        log = self._log(cmd_id)
        if log.ended is not None:
            return "ended"
        log.cancel()
        return "cancelling"

    def orphans(self) -> Stream[Owned]:
        """Claim nothing: with the daemon, its memory and its commands are gone."""
        return _Nothing()

    def is_untold(self, log: "_Log") -> None:
        """Remember to call the listeners of ``log``."""
        if log.is_untold:
            return
        log.is_untold = True
        if not self._untold:
            self._call_soon(self._tell)
        self._untold.append(log)

    def has_ended(self, log: "_Log") -> None:
        """Begin the time for which an ended command is kept."""
        self._ended.append((self._clock(), log))
        self._ended_bytes += log.size_bytes
        self._forget()

    def _tell(self) -> None:
        untold, self._untold = self._untold, deque()
        for log in untold:
            log.is_untold = False
            log.tell()

    def _log(self, cmd_id: CmdId) -> "_Log":
        self._forget()
        try:
            return self._logs[cmd_id]
        except KeyError:
            raise UnknownCommand(cmd_id) from None

    def _forget(self) -> None:
        too_old = self._clock() - self._keep_for
        while self._ended and (
            self._ended[0][0] <= too_old
            or len(self._ended) > self._keep_most
            or self._ended_bytes > self._keep_bytes
        ):
            log = self._ended.popleft()[1]
            self._ended_bytes -= log.size_bytes
            del self._logs[log.record.cmd_id]


class _Log:
    """One command in memory."""

    __slots__ = (
        "_error",
        "_journal",
        "_v1",
        "ended",
        "entries",
        "followers",
        "is_cancelling",
        "is_untold",
        "on_cancel",
        "record",
    )

    def __init__(self, record: Record, journal: MemoryJournal) -> None:
        self.record = record
        self.entries: list[Entry] = []
        self.followers: list[_Follower] = []
        self.on_cancel: Callable[[], None] | None = None
        self.is_cancelling = False
        self.is_untold = False
        self.ended: datetime | None = None
        self._error: Raw | None = None
        self._v1 = 0
        self._journal = journal

    @property
    def callid(self) -> CallId:
        return self.record.callid

    @property
    def size_bytes(self) -> int:
        told = sum(len(entry.event) for entry in self.entries)
        return _COMMAND_BYTES + len(memoryview(self.record.params)) + told

    def append(self, event: Event, *, last: bool = False) -> None:
        text = dialects.canonical(event)  # first: what cannot be kept takes no number
        told_by_v1 = dialects.is_told_by_v1(event)
        self._v1 += told_by_v1
        if isinstance(event, Error):
            self._error = Raw(msgspec.json.encode(event.error))
        self.entries.append(
            Entry(seq=len(self.entries) + 1, v1=self._v1 if told_by_v1 else 0, event=text)
        )
        if last:
            self.ended = datetime.now(UTC)
            self.on_cancel = None
            self._journal.has_ended(self)
        if self.followers:
            self._journal.is_untold(self)

    async def stored(self) -> None:
        """Return at once: what is appended is kept."""

    async def may_act(self) -> None:
        """Return at once: nobody else can have it."""

    def cancel(self) -> None:
        was_asked, self.is_cancelling = self.is_cancelling, True
        if self.on_cancel is not None and not was_asked:
            self.on_cancel()

    def snapshot(self) -> Snapshot:
        if self.ended is None:
            outcome: Outcome | None = None
        else:
            outcome = "ok" if self._error is None else "error"
        return Snapshot(
            record=self.record,
            state="running" if self.ended is None else "ended",
            seq=len(self.entries),
            v1=self._v1,
            outcome=outcome,
            error=self._error,
            ended=self.ended,
        )

    def tell(self) -> None:
        for follower in tuple(self.followers):
            follower.catch_up()


class _Follower:
    """Hands the entries of one log to one listener."""

    __slots__ = ("_log", "_next", "_tell")

    def __init__(self, log: _Log, after: int, tell: Callable[[Entry], None]) -> None:
        self._log = log
        self._next = after
        self._tell: Callable[[Entry], None] | None = tell

    def close(self) -> None:
        self._tell = None
        if self in self._log.followers:
            self._log.followers.remove(self)

    def catch_up(self) -> None:
        entries = self._log.entries
        while self._tell is not None and self._next < len(entries):
            self._next += 1
            try:
                self._tell(entries[self._next - 1])
            except Exception:  # the other listeners must not suffer
                subject = f"[{self._log.record.cmd_id}]"
                logger.exception("a listener failed", extra={"subject": subject})
                self.close()
        if self._log.ended is not None:
            self.close()


class _Nothing:
    """A stream without anything in it."""

    async def __aenter__(self) -> "_Nothing":
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    def __aiter__(self) -> "_Nothing":
        return self

    async def __anext__(self) -> Owned:
        raise StopAsyncIteration
