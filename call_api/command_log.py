"""One command as the journal has it: what it has told, and who listens."""

import logging
from abc import ABC, abstractmethod
from typing import Final

from call_api.entry import Entry
from call_api.events import Event
from call_api.history import NOTHING, History
from call_api.journal import Keeping, Outcome, Owned, Snapshot
from call_api.record import Record

logger = logging.getLogger(__name__)

_COMMAND_BYTES: Final = 2048
"""What one kept command costs besides the texts in it, roughly."""


class CommandLog(Owned):
    """One command in memory, and the right to run it.

    Attributes:
        history: What it has told.
        ended: Seconds since 1970, once it ``has_ended``.
        is_untold: Whether the journal is going to call its listeners.
        kept_since: When it ended, on the journal's clock.
        later: The one that ended next.
        namesake: The one of another token that has the same ``cmd_id`` and began before.
    """

    def __init__(self, record: Record, journal: Keeping) -> None:
        super().__init__(record)
        self.followers: tuple[Follower, ...] = ()
        self.history = NOTHING
        self.is_untold = False
        self.has_ended = False
        self.ended = 0.0
        self.kept_since = 0.0
        self.later: CommandLog | None = None
        self.namesake: CommandLog | None = None
        self._journal = journal

    @property
    def entries(self) -> list[Entry]:
        """Everything told so far."""
        return self.history.entries

    @property
    def size_bytes(self) -> int:
        """What it costs to keep it, roughly."""
        return _COMMAND_BYTES + len(self.record.params) + self.history.size_bytes

    def append(self, event: Event, *, last: bool = False) -> None:
        """Tell an event."""
        self.take(self.history.then(event), self._journal.wall() if last else None)

    def take(self, history: History, ended: float | None) -> None:
        """Show what is kept by now; its listeners are going to hear of it.

        Args:
            ended: When, in seconds since 1970, if it is over.
        """
        self.history = history
        if ended is not None:
            self.ended = ended
            self.has_ended = True
            self.on_cancel = None
        if self.followers and not self.is_untold:
            self._journal.is_untold(self)
        if ended is not None:
            self._journal.has_ended(self)

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
        history, error = self.history, self.history.error
        outcome: Outcome | None = None
        if self.has_ended:
            outcome = "ok" if error is None else "error"
        return Snapshot(
            record=self.record,
            state="ended" if self.has_ended else "running",
            seq=history.seq,
            v1=history.v1,
            outcome=outcome,
            error=error,
            ended=self.ended if self.has_ended else None,
        )

    def tell(self) -> None:
        """Hand the listeners what they have not heard."""
        followers = self.followers
        if self.has_ended:  # who is held hears the rest once released; nobody need be told again
            self.followers = ()
        for follower in followers:
            follower.catch_up()


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
        log.followers += (self,)

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
        while self._heard < log.history.seq and self._log is not None:
            self._heard += 1
            try:
                self.take(log.history.entry(self._heard))
            except Exception:  # the other listeners must not suffer
                subject = f"[{log.record.cmd_id}]"
                logger.exception("a listener failed", extra={"subject": subject})
                self.close()
        if log.has_ended:
            self.close()
