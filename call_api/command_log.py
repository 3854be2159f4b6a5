"""One command as the journal has it: what it has told, and who listens."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, Protocol

import msgspec
from msgspec import Raw

from call_api import dialects
from call_api.events import Error, Event
from call_api.journal import Entry, Outcome, Record, Snapshot
from call_api.model import CallId

logger = logging.getLogger(__name__)

_COMMAND_BYTES: Final = 2048
"""What one kept command costs besides the texts in it, roughly."""


class Keeping(Protocol):
    """The journal that a command is in."""

    def is_untold(self, log: "CommandLog") -> None:
        """Remember to call the listeners of ``log``."""

    def has_ended(self, log: "CommandLog") -> None:
        """Begin the time for which an ended command is kept."""


class CommandLog:
    """One command in memory, and the right to run it.

    Attributes:
        entries: What it has told.
        ended: UTC; None while it runs.
        is_untold: Whether the journal is going to call its listeners.
    """

    __slots__ = (
        "_error",
        "_journal",
        "_told_bytes",
        "_v1",
        "ended",
        "entries",
        "followers",
        "is_cancelling",
        "is_untold",
        "on_cancel",
        "record",
    )

    def __init__(self, record: Record, journal: Keeping) -> None:
        self.record = record
        self.entries: list[Entry] = []
        self.followers: list[Follower] = []
        self.on_cancel: Callable[[], None] | None = None
        self.is_cancelling = False
        self.is_untold = False
        self.ended: datetime | None = None
        self._error: Raw | None = None
        self._v1 = 0
        self._told_bytes = 0
        self._journal = journal

    @property
    def callid(self) -> CallId:
        """The Call-ID that a call made for this command takes on its first leg."""
        return self.record.callid

    @property
    def size_bytes(self) -> int:
        """What it costs to keep it, roughly."""
        return _COMMAND_BYTES + len(memoryview(self.record.params)) + self._told_bytes

    def append(self, event: Event, *, last: bool = False) -> None:
        """Tell an event."""
        entry = numbered(event, len(self.entries), self._v1)
        if last or type(event) is Error:
            self.take(entry, told_error(event), datetime.now(UTC) if last else None)
        else:
            self._add(entry)

    def take(self, entry: Entry, error: Raw | None, ended: datetime | None) -> None:
        """Add what is kept by now; its listeners are going to hear of it.

        Args:
            error: What it tells, if it is an `Error`.
            ended: When, if it is the last one.
        """
        if error is not None:
            self._error = error
        if ended is not None:
            self.ended = ended
            self.on_cancel = None
        self._add(entry)
        if ended is not None:
            self._journal.has_ended(self)

    def _add(self, entry: Entry) -> None:
        self.entries.append(entry)
        self._told_bytes += len(entry.event)
        if entry.v1:
            self._v1 = entry.v1
        if self.followers and not self.is_untold:
            self._journal.is_untold(self)

    async def stored(self) -> None:
        """Return at once: what is appended is kept."""

    async def may_act(self) -> None:
        """Return at once: nobody else can have it."""

    def cancel(self) -> None:
        """Ask who runs it to cancel it."""
        was_asked, self.is_cancelling = self.is_cancelling, True
        if self.on_cancel is not None and not was_asked:
            self.on_cancel()

    def snapshot(self) -> Snapshot:
        """Return how far it has come."""
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
        """Hand the listeners what they have not heard."""
        followers = self.followers
        if len(followers) == 1:
            followers[0].catch_up()
            return
        for follower in tuple(followers):
            follower.catch_up()


def numbered(event: Event, seq: int, v1: int) -> Entry:
    """Return how an event is kept.

    Args:
        seq: Number of the one before, in dialect v2.
        v1: The same in dialect v1.
    """
    number = v1 + 1 if dialects.is_told_by_v1(event) else 0
    return Entry(seq=seq + 1, v1=number, event=dialects.canonical(event))


def told_error(event: Event) -> Raw | None:
    """Return what `Snapshot.error` says from this event on; None: nothing new."""
    return Raw(msgspec.json.encode(event.error)) if isinstance(event, Error) else None


class Follower:
    """Hands the entries of one log to one listener."""

    __slots__ = ("_log", "_next", "_tell")

    def __init__(self, log: CommandLog, after: int, tell: Callable[[Entry], None]) -> None:
        self._log = log
        self._next = after
        self._tell: Callable[[Entry], None] | None = tell

    def close(self) -> None:
        """Stop listening, at once and for good."""
        self._tell = None
        if self in self._log.followers:
            self._log.followers.remove(self)

    def catch_up(self) -> None:
        """Hand over what has not been."""
        entries = self._log.entries
        while self._tell is not None and self._next < len(entries):
            self._next += 1
            try:
                self._tell(entries[self._next - 1])
            except Exception:  # the other listeners must not suffer
                subject = f"[{self._log.record.cmd_id}]"
                logger.exception("a listener failed", extra={"subject": subject})
                self.close()
        if self._log.ended is not None and self._tell is not None:
            self.close()
