"""What every command has told so far: a retry starts nothing twice, and nobody misses a step.

Clients are fed by `Journal.follow` alone, the first one included: none ever sees what is not kept.
`call_api.memory_journal` keeps it in memory.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import Raw

from call_api.backends.base import Stream
from call_api.entry import Entry
from call_api.events import Event
from call_api.model import CallId, CmdId
from call_api.record import Record

if TYPE_CHECKING:
    from call_api.command_log import CommandLog, Follower

CommandState: TypeAlias = Literal["running", "ended"]
Outcome: TypeAlias = Literal["ok", "error"]


class Fenced(Exception):
    """The command is not ours to run any more: another daemon has taken it over."""


class Snapshot:
    """How far a command has come. It does not change.

    Attributes:
        seq: Number of its last event in dialect v2; 0: none yet.
        v1: The same in dialect v1.
        outcome: None while it runs.
        error: What its `Error` told, as a JSON object; None unless the outcome is an error.
        ended: Seconds since 1970; None while it runs.
    """

    def __init__(
        self,
        *,
        record: Record,
        state: CommandState,
        seq: int,
        v1: int,
        outcome: Outcome | None,
        error: Raw | None,
        ended: float | None,
    ) -> None:
        self.record = record
        self.state: CommandState = state
        self.seq = seq
        self.v1 = v1
        self.outcome: Outcome | None = outcome
        self.error = error
        self.ended = ended


class Owned(ABC):
    """The right to act for one command.

    Attributes:
        record: The command.
        on_cancel: Called, at most once, when somebody wants the command cancelled.
        is_cancelling: Whether somebody wanted that already.
    """

    def __init__(self, record: Record) -> None:
        self.record = record
        self.on_cancel: Callable[[], None] | None = None
        self.is_cancelling = False

    @property
    @abstractmethod
    def entries(self) -> list[Entry]:
        """Everything told so far."""

    @property
    def callid(self) -> CallId:
        """The Call-ID that a call made for this command takes on its first leg."""
        return self.record.callid

    @abstractmethod
    def append(self, event: Event, *, last: bool = False) -> None:
        """Tell an event. Never waits; listeners hear of it in the loop's next turn."""

    @abstractmethod
    async def stored(self) -> None:
        """Return when everything appended so far is kept.

        Raises:
            JournalFailed: It is not kept now. Later it will be, before anybody hears of it.
        """

    @abstractmethod
    async def may_act(self) -> None:
        """Return if the command is still ours to run.

        Raises:
            Fenced: It is not; nothing may be sent for it any more.
        """


class Keeping(ABC):
    """What a command wants of the journal that it is in."""

    @abstractmethod
    def wall(self) -> float:
        """Return the time, in seconds since 1970."""

    @abstractmethod
    def is_untold(self, log: "CommandLog") -> None:
        """Remember to call the listeners of ``log``."""

    @abstractmethod
    def has_ended(self, log: "CommandLog") -> None:
        """Begin the time for which an ended command is kept."""


class Journal(Keeping):
    """Keeps commands and what they told, for as long as a retry may come.

    A command is known by its token and its cmd_id together: two tokens that choose the same
    cmd_id have two commands, and neither learns of the other's. ``token`` says whose is meant;
    None: anybody's, and of several with the same cmd_id the one that started last.
    """

    @abstractmethod
    def is_ready(self) -> str | None:
        """Return None, or why no command can be claimed now, in one line."""

    @abstractmethod
    def claim_now(self, record: Record) -> Owned | Snapshot | None:
        """Do as `claim` does, at once; None: it has to wait, so `claim` it."""

    @abstractmethod
    async def claim(self, record: Record) -> Owned | Snapshot:
        """Make a command ours to run, or return the one that exists, which is the same.

        Raises:
            DuplicateCommand: The cmd_id is that of another command of the same token.
            TooManyRequests: More commands run than the journal can hold.
            JournalFailed: It cannot be kept.
        """

    @abstractmethod
    async def read(
        self, cmd_id: CmdId, after: int = 0, *, token: str | None = None
    ) -> tuple[Snapshot, list[Entry]]:
        """Return a command and what it told after ``after`` (a seq of dialect v2).

        Raises:
            UnknownCommand: None that is still kept has this id.
        """

    @abstractmethod
    def follow(
        self, cmd_id: CmdId, after: int, follower: "Follower", *, token: str | None = None
    ) -> None:
        """Tell ``follower`` every entry after ``after``, kept or to come: each once, in order.

        The first comes in the loop's next turn, the last one is `Ended`.

        Args:
            after: A seq of dialect v2.

        Raises:
            UnknownCommand: None that is still kept has this id.
        """

    @abstractmethod
    async def commands(self, token: str | None) -> list[Snapshot]:
        """Return the commands of one owner (None: all) that are kept, in order of their start."""

    @abstractmethod
    async def cancel(
        self, cmd_id: CmdId, *, token: str | None = None
    ) -> Literal["cancelling", "ended"]:
        """Ask whoever runs a command to cancel it.

        Raises:
            UnknownCommand: None that is still kept has this id.
        """

    @abstractmethod
    async def settled(self) -> None:
        """Return when everything that was appended to any command is kept, or cannot be."""

    @abstractmethod
    def orphans(self) -> Stream[Owned]:
        """Claim the commands whose owner has died, as they are found."""
