"""One command that runs: from the moment it is ours to its one and only end."""

import asyncio
import logging
from typing import Final, Protocol

from call_api.backends.base import ACTING, Backend
from call_api.coarse_timers import CoarseTimers, Handle
from call_api.commands.base import Emit
from call_api.errors import CallApiError, CommandCancelled, CommandTimeout, InternalError
from call_api.events import Ended, Error, Event
from call_api.journal import Fenced, Owned
from call_api.logs import Life
from call_api.model import CallId

logger = logging.getLogger(__name__)
_life = Life(logger)

SHUTTING_DOWN: Final = "the daemon is shutting down"

_ADOPTED_WITHIN: Final = 86400.0
"""Seconds: those who find out how commands ended wait for each other, and see to the time."""

_INSIST_EVERY: Final = 1.0
"""Seconds until a command that swallowed its cancellation is cancelled again."""


class Story(Protocol):
    """What is run for a command: the command itself, or what finds out what became of it."""

    async def run(self, backend: Backend, emit: Emit) -> None:
        """Do it, telling each step.

        Raises:
            CallApiError: It could not be done.
        """


class Running:
    """One command that runs. To be made, and run, by a task of its own.

    Args:
        owned: The right to act for it.
        timers: Those of the loop.
        cleanup_within: Seconds it has, once it is cancelled, until it is ended all the same.
        is_adopted: Whether the daemon that ran it died. What is run now looks what became of it,
            in a bounded time: whoever cancels it hears the truth, and if this daemon goes, too,
            it is left to the next one.
        callid: What the call was called last, if that was told already.

    Attributes:
        problem: Why it failed, once it has ended.
    """

    __slots__ = (
        "_callid",
        "_cancels",
        "_cleanup_within",
        "_has_ended",
        "_is_adopted",
        "_loop",
        "_owned",
        "_stopping",
        "_task",
        "_timeout",
        "_timer",
        "problem",
    )

    def __init__(
        self,
        owned: Owned,
        cleanup_within: float,
        timers: CoarseTimers,
        *,
        is_adopted: bool = False,
        callid: CallId | None = None,
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._is_adopted = is_adopted
        self._timeout = _ADOPTED_WITHIN if is_adopted else owned.record.timeout
        self._task = task
        self._loop = task.get_loop()
        self._owned = owned
        self._cleanup_within = cleanup_within
        self._timer: Handle = timers.call_later(self._timeout, self._reach_ceiling)
        self._stopping: CallApiError | None = None  # why it was cancelled
        self._cancels = 0  # how often
        self._callid = callid
        self._has_ended = False
        self.problem: CallApiError | None = None
        owned.on_cancel = None if is_adopted else self._cancel

    async def run(self, story: Story, backend: Backend) -> None:
        """Run the command to its end, whatever that is.

        Raises:
            CancelledError: The task was cancelled, and not by this object.
        """
        ACTING.set(self._owned)
        try:
            await self._owned.may_act()
            await story.run(backend, self._emit)
        except asyncio.CancelledError:
            self.end(self._cancelled())
            while self._cancels:
                self._cancels -= 1
                self._task.uncancel()
            if self._task.cancelling():
                raise
        except Fenced:
            self._has_ended = True  # somebody else tells how
            self.problem = CommandCancelled("another daemon has taken it over")
            logger.warning("another daemon has taken the command over")
        except Exception as error:  # noqa: BLE001  # every command ends, also one with a bug
            self.end(self._failure(error))
        else:
            self.end(None)
        finally:
            self._timer.cancel()

    def shut_down(self) -> None:
        """Stop the command because the daemon goes."""
        if not self._is_adopted or self._has_ended:
            self.stop(CommandCancelled(SHUTTING_DOWN))
            return
        logger.info("left to the next daemon", extra=self._about())
        self._has_ended = True  # for this daemon
        self.give_up()

    def stop(self, reason: CallApiError) -> None:
        """Cancel the command, unless that was done before. What it was doing is cleaned up."""
        if self._stopping is not None or self._has_ended:
            return
        self._stopping = reason
        self._timer.cancel()
        self._timer = self._loop.call_later(self._cleanup_within, self.give_up)
        self._cancels += 1
        self._task.cancel()

    def give_up(self) -> None:
        """End a stopped command that is still not done, whatever it goes on doing."""
        if not self._has_ended:
            logger.error("ended without having cleaned up", extra=self._about())
            self.end(self._stopping)
        self._timer.cancel()
        self._timer = self._loop.call_later(_INSIST_EVERY, self.give_up)
        self._cancels += 1
        self._task.cancel()

    def end(self, problem: CallApiError | None) -> None:
        """Tell that the command is over. From then on it cannot tell anything."""
        if self._has_ended:
            return
        self._has_ended = True
        self.problem = problem
        self._timer.cancel()
        if problem is None:
            self._owned.append(Ended(callid=self._callid), last=True)
            _life.tell(f"[{self._owned.record.cmd_id}]", "ended")
        else:
            self._append(problem)
            self._owned.append(Ended(), last=True)
            _life.tell(f"[{self._owned.record.cmd_id}]", f"failed: {problem}")

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
        self._callid = getattr(event, "callid", self._callid)
        self._owned.append(event)

    def _cancelled(self) -> CallApiError:
        """Return what the client is told about a cancellation."""
        if self._stopping is not None:
            return self._stopping
        if self._task.cancelling():
            return CommandCancelled(SHUTTING_DOWN)
        logger.error("something that it waited for was cancelled", exc_info=True)
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

    def _cancel(self) -> None:
        self.stop(CommandCancelled())

    def _reach_ceiling(self) -> None:
        self.stop(CommandTimeout(self._timeout))

    def _about(self) -> dict[str, str]:
        """Whom a log line is about that may be written outside the command's task."""
        return {"subject": f"[{self._owned.record.cmd_id}]"}
