"""One command that runs: from the moment it is ours to its one and only end."""

import asyncio
import logging
from typing import Final, Protocol

from call_api.backends.base import ACTING, Backend
from call_api.coarse_timers import CoarseTimers, Handle
from call_api.commands.base import Emit
from call_api.eager_task import EagerTask
from call_api.errors import CallApiError, CommandCancelled, CommandTimeout, InternalError
from call_api.events import Ended, Error, Event
from call_api.journal import Fenced, Journal, Owned
from call_api.log_lines import Life
from call_api.model import CallId

logger = logging.getLogger(__name__)
_life = Life(logger)

SHUTTING_DOWN: Final = "the daemon is shutting down"

_ENDED: Final = Ended()

_INSIST_EVERY: Final = 1.0
"""Seconds until a command that swallowed its cancellation is cancelled again."""


class Story(Protocol):
    """What is run for a command: the command itself, or what finds out what became of it."""

    async def run(self, backend: Backend, emit: Emit) -> None:
        """Do it, telling each step.

        Raises:
            CallApiError: It could not be done.
        """


class Commands:
    """The commands that there are, and what they have in common.

    Attributes:
        running: Those that run or end.
        claiming: Those that wait for the journal.
        is_closing: Whether nothing new may run.
        one_is_over: Is set when one is, for who waits for that.
    """

    def __init__(
        self, journal: Journal, loop: asyncio.AbstractEventLoop, cleanup_within: float
    ) -> None:
        self.journal = journal
        self.loop = loop
        self.timers = CoarseTimers(loop)
        self.cleanup_within = cleanup_within
        self.running: set[Running] = set()
        self.claiming: set[Running] = set()
        self.is_closing = False
        self.one_is_over: asyncio.Future[None] | None = None

    def is_over(self, one: "Running") -> None:
        """Let go of a command."""
        self.running.discard(one)
        self.claiming.discard(one)
        if self.one_is_over is not None and not self.one_is_over.done():
            self.one_is_over.set_result(None)


class Running(EagerTask):
    """One command that runs; and the task that it runs in.

    Args:
        commands: All of them.
        cmd_id: Which one it is.
        story: What is run.

    Attributes:
        problem: Why it failed, from its end until who asked for it has heard.
    """

    __slots__ = (
        "_backend",
        "_callid",
        "_commands",
        "_has_ended",
        "_is_owned",
        "_owned",
        "_stopping",
        "_story",
        "_subject",
        "_timeout",
        "_timer",
        "problem",
    )

    _owned: Owned  # from the moment on that it is ours
    _timer: Handle

    def __init__(self, commands: Commands, cmd_id: str, story: Story, backend: Backend) -> None:
        super().__init__(commands.loop, cmd_id)
        self._commands = commands
        self._subject = f"[{cmd_id}]"
        self._story = story
        self._backend = backend
        self._is_owned = False
        self._timeout = 0.0
        self._stopping: CallApiError | None = None  # why it was cancelled
        self._callid: CallId | None = None
        self._has_ended = False
        self.problem: CallApiError | None = None

    def own(self, owned: Owned, timeout: float) -> None:
        """Take note that the command is ours to run, and for how long."""
        self._owned = owned
        self._is_owned = True
        self._timeout = timeout
        self._timer = self._commands.timers.call_later(timeout, self._reach_ceiling)
        self._commands.running.add(self)
        ACTING.set(owned)

    def finish(self, error: BaseException | None) -> None:
        """Tell that it is over, and how; but not if it never was ours."""
        if self._is_owned:
            if error is None:
                self.end(None)
            elif isinstance(error, asyncio.CancelledError):
                self.end(self._cancelled(error))
            elif isinstance(error, Fenced):
                self._has_ended = True  # somebody else tells how
                self.problem = CommandCancelled("another daemon has taken it over")
                logger.warning("another daemon has taken the command over")
            elif isinstance(error, Exception):  # every command ends, also one with a bug
                self.end(self._failure(error))
            self._timer.cancel()
        self._commands.is_over(self)

    def shut_down(self) -> None:
        """Stop the command because the daemon goes."""
        self.stop(CommandCancelled(SHUTTING_DOWN))

    def stop(self, reason: CallApiError) -> None:
        """Cancel the command, unless that was done before. What it was doing is cleaned up."""
        if self._stopping is not None or self._has_ended:
            return
        self._stopping = reason
        self._timer.cancel()
        self._timer = self._loop.call_later(self._commands.cleanup_within, self.give_up)
        self.cancel()

    def give_up(self) -> None:
        """End a stopped command that is still not done, whatever it goes on doing."""
        if not self._has_ended:
            logger.error("ended without having cleaned up", extra=self._about())
            self.end(self._stopping)
        self._timer.cancel()
        self._timer = self._loop.call_later(_INSIST_EVERY, self.give_up)
        self.cancel()

    def end(self, problem: CallApiError | None) -> None:
        """Tell that the command is over. From then on it cannot tell anything."""
        if self._has_ended:
            return
        self._has_ended = True
        self.problem = problem
        self._timer.cancel()
        if problem is None:
            ended = _ENDED if self._callid is None else Ended(callid=self._callid)
            self._owned.append(ended, last=True)
            if _life.is_told():
                _life.tell(self._subject, "ended")
        else:
            self._append(problem)
            self._owned.append(_ENDED, last=True)
            if _life.is_told():
                _life.tell(self._subject, f"failed: {problem}")

    def _append(self, problem: CallApiError) -> None:
        """Tell why the command failed. A problem that JSON cannot say must not keep it running."""
        try:
            self._owned.append(Error.of(problem))
        except Exception:
            logger.exception("%r cannot be told", problem, extra=self._about())
            self._owned.append(Error.of(InternalError()))

    def _emit(self, event: Event) -> None:
        if self._has_ended:
            logger.debug("too late to tell %r", event)
            return
        if "callid" in event.__struct_fields__:  # getattr() with a default takes ten times as long
            self._callid = event.callid  # type: ignore[attr-defined]  # it has this field
        self._owned.append(event)

    def _cancelled(self, error: BaseException) -> CallApiError:
        """Return what the client is told about a cancellation."""
        if self._stopping is not None:
            return self._stopping
        if self.cancelling():
            return CommandCancelled(SHUTTING_DOWN)
        logger.error("something that it waited for was cancelled", exc_info=error)
        return InternalError()

    def _failure(self, error: Exception) -> CallApiError:
        """Return what the client is told about an exception."""
        if self._stopping is not None:
            logger.warning("cleaning up failed", exc_info=error)
            return self._stopping
        if isinstance(error, CallApiError):
            return error
        logger.error("failed unexpectedly", exc_info=error)
        return InternalError()

    def _reach_ceiling(self) -> None:
        self.stop(CommandTimeout(self._timeout))

    def _about(self) -> dict[str, str]:
        """Whom a log line is about that may be written outside the command's task."""
        return {"subject": self._subject}
