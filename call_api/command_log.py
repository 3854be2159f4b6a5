"""One command as the journal has it: what it has told, and who listens."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import msgspec
from msgspec import Raw

from call_api.entry import Entry, numbered
from call_api.events import Error, Event
from call_api.journal import Outcome, Record, Snapshot
from call_api.model import CallId

logger = logging.getLogger(__name__)

_COMMAND_BYTES: Final = 2048
"""What one kept command costs besides the texts in it, roughly."""


class Keeping(ABC):
    """The journal that a command is in."""

    @abstractmethod
    def is_untold(self, log: "CommandLog") -> None:
        """Remember to call the listeners of ``log``."""

    @abstractmethod
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
        self.followers: tuple[Follower, ...] = ()
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
        for follower in self.followers:
            follower.catch_up()


def told_error(event: Event) -> Raw | None:
    """Return what `Snapshot.error` says from this event on; None: nothing new."""
    return Raw(msgspec.json.encode(event.error)) if isinstance(event, Error) else None


class Follower(ABC):
    """Hears the entries of one command: each once, in order. `Journal.follow` makes it begin."""

    def __init__(self) -> None:
        self._log: CommandLog | None = None
        self._heard = 0
        self._is_held = False

    @abstractmethod
    def take(self, entry: Entry) -> None:
        """Hear an entry. Must not raise."""

    def begin(self, log: CommandLog, after: int) -> None:
        """Listen to a command."""
        self._log = log
        self._heard = after
        log.followers = (*log.followers, self)

    def close(self) -> None:
        """Stop listening, at once and for good. May be called by `take`."""
        log, self._log = self._log, None
        if log is not None:
            log.followers = tuple(one for one in log.followers if one is not self)

    def hold(self, *, heard: int | None = None) -> None:
        """Hear nothing until `release`; then go on after ``heard``, by default where it is."""
        self._is_held = True
        if heard is not None:
            self._heard = heard

    def release(self) -> None:
        """Hear what has been told meanwhile, and the rest as it comes."""
        self._is_held = False
        self.catch_up()

    def catch_up(self) -> None:
        """Hear what has not been heard."""
        log = self._log
        if log is None or self._is_held:
            return
        entries = log.entries
        while self._heard < len(entries) and self._log is not None:
            self._heard += 1
            try:
                self.take(entries[self._heard - 1])
            except Exception:  # the other listeners must not suffer
                subject = f"[{log.record.cmd_id}]"
                logger.exception("a listener failed", extra={"subject": subject})
                self.close()
        if log.ended is not None:
            self.close()
