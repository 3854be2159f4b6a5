"""The journal of a daemon whose commands live and die with it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from call_api.backends.base import Stream
from call_api.command_log import CommandLog, Follower
from call_api.command_logs import CommandLogs
from call_api.entry import Entry
from call_api.errors import DuplicateCommand, TooManyRequests, UnknownCommand
from call_api.journal import Journal, Owned, Snapshot
from call_api.model import CmdId
from call_api.record import Record


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """How much is kept, and for how long.

    Attributes:
        keep_for: Seconds after their end for which ended commands are kept.
        keep_most: How many of them.
        keep_bytes: How much memory they may fill, roughly.
        run_most: How many commands may run.
    """

    keep_for: float = 300.0
    keep_most: int = 10_000
    keep_bytes: int = 64 * 1024 * 1024
    run_most: int = 10_000


BOUNDS: Final = Bounds()
"""By default."""


class MemoryJournal(Journal):
    """Keeps commands in memory: they live as long as the daemon.

    Ended commands are forgotten in the order in which they ended. Running ones never are: beyond
    ``run_most`` of them `claim` refuses.

    Args:
        clock: Returns seconds, monotonic.
        call_soon: Calls its argument in the loop's next turn.
        wall: Returns seconds since 1970.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        call_soon: Callable[[Callable[[], None]], object],
        wall: Callable[[], float] | None = None,
        bounds: Bounds = BOUNDS,
    ) -> None:
        self._clock = clock
        self._wall = _wall if wall is None else wall
        self._call_soon = call_soon
        self._keep_for = bounds.keep_for
        self._keep_most = bounds.keep_most
        self._keep_bytes = bounds.keep_bytes
        self._run_most = bounds.run_most
        self._logs = CommandLogs()
        # Those that have ended, in the order of their end: from each its ``later`` leads on.
        self._oldest: CommandLog | None = None
        self._newest: CommandLog | None = None
        self._ended = 0
        self._ended_bytes = 0
        self._untold: list[CommandLog] = []  # those whose listeners have something to hear

    def is_ready(self) -> str | None:
        """Return None, or why no other command can be claimed now, in one line."""
        return "too many commands run" if self.is_full else None

    @property
    def is_full(self) -> bool:
        """Whether as many commands run as may."""
        return self.running >= self._run_most

    @property
    def running(self) -> int:
        """The number of commands that run."""
        return len(self._logs) - self._ended

    async def claim(self, record: Record) -> Owned | Snapshot:
        """Make a command ours to run, or return the same one that exists.

        Raises:
            DuplicateCommand: The cmd_id is that of another command of the same token.
            TooManyRequests: ``run_most`` commands run.
        """
        return self._claim(record)

    def claim_now(self, record: Record) -> Owned | Snapshot | None:
        """Do as `claim` does: it never waits."""
        return self._claim(record)

    def known(self, record: Record) -> Snapshot | None:
        """Return the same command if it exists; None: it is new, and may run.

        Raises:
            DuplicateCommand: The cmd_id is that of another command of the same token.
            TooManyRequests: ``run_most`` commands run.
        """
        kept = self._logs.find(record.cmd_id, record.token)
        if kept is not None and kept.has_ended:
            self._forget(self._clock())  # it may be too old
            kept = self._logs.find(record.cmd_id, record.token)
        if kept is not None:
            if not kept.record.is_retried_by(record):
                raise DuplicateCommand(record.cmd_id)
            return kept.snapshot()
        if self.is_full:
            raise TooManyRequests(retry_after=1.0)
        return None

    async def read(
        self, cmd_id: CmdId, after: int = 0, *, token: str | None = None
    ) -> tuple[Snapshot, list[Entry]]:
        """Return a command and what it told after ``after``.

        Raises:
            UnknownCommand: None that is still kept has this id.
        """
        log = self._log(cmd_id, token)
        return log.snapshot(), log.history.entries[after:]

    def follow(
        self, cmd_id: CmdId, after: int, follower: Follower, *, token: str | None = None
    ) -> None:
        """Tell ``follower`` every entry after ``after``, kept or to come: each once, in order.

        Raises:
            UnknownCommand: None that is still kept has this id.
        """
        log = self._logs.find(cmd_id, token)
        if log is None:
            raise UnknownCommand(cmd_id)
        follower.begin(log, after)
        if log.history.seq:
            self.is_untold(log)

    async def commands(self, token: str | None) -> list[Snapshot]:
        """Return the commands of one owner (None: all) that are kept, in order of their start."""
        self._forget(self._clock())
        return [log.snapshot() for log in self._logs if token is None or log.record.token == token]

    async def cancel(
        self, cmd_id: CmdId, *, token: str | None = None
    ) -> Literal["cancelling", "ended"]:
        """Ask the runner of a command to cancel it.

        Raises:
            UnknownCommand: None that is still kept has this id.
        """
        log = self._log(cmd_id, token)
        if log.has_ended:
            return "ended"
        log.cancel()
        return "cancelling"

    async def settled(self) -> None:
        """Return at once: what is appended is kept."""

    def orphans(self) -> Stream[Owned]:
        """Claim nothing: with the daemon, its memory and its commands are gone."""
        return Orphans(())

    def wall(self) -> float:
        """Return the time, in seconds since 1970."""
        return self._wall()

    def is_untold(self, log: CommandLog) -> None:
        """Remember to call the listeners of ``log``."""
        if log.is_untold:
            return
        log.is_untold = True
        if not self._untold:
            self._call_soon(self._tell)
        self._untold.append(log)

    def has_ended(self, log: CommandLog) -> None:
        """Begin the time for which an ended command is kept."""
        log.kept_since = self._clock()
        self._keep(log)
        self._forget(log.kept_since)

    def _claim(self, record: Record) -> Owned | Snapshot:
        known = self.known(record)
        if known is not None:
            return known
        log = CommandLog(record, self)
        self._logs.add(log)
        return log

    def _tell(self) -> None:
        untold, self._untold = self._untold, []
        for log in untold:
            log.is_untold = False
            log.tell()

    def _log(self, cmd_id: CmdId, token: str | None) -> CommandLog:
        self._forget(self._clock())
        log = self._logs.find(cmd_id, token)
        if log is None:
            raise UnknownCommand(cmd_id)
        return log

    def _keep(self, log: CommandLog) -> None:
        """Add the one that ended last."""
        if self._newest is None:
            self._oldest = log
        else:
            self._newest.later = log
        self._newest = log
        self._ended += 1
        self._ended_bytes += log.size_bytes

    def _forget(self, now: float) -> None:
        too_old = now - self._keep_for
        log = self._oldest
        while log is not None and (
            log.kept_since <= too_old
            or self._ended > self._keep_most
            or self._ended_bytes > self._keep_bytes
        ):
            self._oldest, log.later = log.later, None
            self._ended -= 1
            self._ended_bytes -= log.size_bytes
            self._drop(log)
            log = self._oldest
        if log is None:
            self._newest = None

    def _drop(self, log: CommandLog) -> None:
        self._logs.remove(log)


def _wall() -> float:
    return datetime.now(UTC).timestamp()


class Orphans:
    """A stream of commands that are there already."""

    def __init__(self, found: Iterable[Owned]) -> None:
        self._found = iter(found)

    async def __aenter__(self) -> "Orphans":
        """Begin."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """End."""

    def __aiter__(self) -> "Orphans":
        """Go on where it was left."""
        return self

    async def __anext__(self) -> Owned:
        """Return the next one."""
        for owned in self._found:
            return owned
        raise StopAsyncIteration
