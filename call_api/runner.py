"""Runs commands: one task each, exactly one end each, whatever happens in between."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final, Self, TypeAlias

from call_api.backends.base import ACTING, Backend
from call_api.commands.base import Command
from call_api.errors import (
    CallApiError,
    CommandCancelled,
    CommandTimeout,
    InternalError,
    UnknownCommand,
)
from call_api.events import Ended, Error, Event
from call_api.journal import Fenced, Journal, Owned, Record, Snapshot
from call_api.logs import SUBJECT
from call_api.model import CallId

logger = logging.getLogger(__name__)

Answered: TypeAlias = Callable[[Owned | Snapshot | CallApiError], None]
"""Is told, exactly once, what became of a command that was submitted: it is new and about to
run, it exists and may be followed, or it was refused. Must not raise."""

SHUTTING_DOWN: Final = "the daemon is shutting down"


class Runner:
    """Runs the commands of all clients. Entered: ready; left: all of them have ended.

    Losing a client means nothing here. What was answered as started ends once, and in time: at
    its ceiling it is cancelled, and a command that then does not clean up is ended all the same.

    Args:
        cleanup_within: Seconds a cancelled command has for cancelling what rings and hanging up
            what was built. By default what SIP needs at most for one request, 64 times T1
            (RFC 3261, section 17.1.2.2), and some.
    """

    def __init__(self, *, journal: Journal, backend: Backend, cleanup_within: float = 35.0) -> None:
        self._journal = journal
        self._backend = backend
        self._cleanup_within = cleanup_within
        self._group = asyncio.TaskGroup()
        self._running: set[_Running] = set()
        self._spawned: set[asyncio.Task[None]] = set()
        self._is_closing = False
        self._all_ended: asyncio.Future[None] | None = None

    async def __aenter__(self) -> Self:
        """Get ready to run commands."""
        await self._group.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Cancel what still runs and wait until it has cleaned up. `drain` first is kinder."""
        self._is_closing = True
        for running in tuple(self._running):
            running.stop(CommandCancelled(SHUTTING_DOWN))
        for task in tuple(self._spawned):
            task.cancel()
        await self._group.__aexit__(None, None, None)

    @property
    def running(self) -> int:
        """The number of commands that run."""
        return len(self._running)

    def submit(self, record: Record, command: Command, answered: Answered) -> None:
        """Start a command, unless it exists."""
        self._group.create_task(
            self._submitted(record, command, answered), name=f"command {record.cmd_id}"
        )

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Do something else on behalf of a client. It must not raise; leaving cancels it."""
        task = self._group.create_task(work, name=name)
        self._spawned.add(task)
        task.add_done_callback(self._spawned.discard)

    async def drain(self, within: float) -> None:
        """Refuse new commands, and end all that run.

        They may end by themselves first; near the end of the time they are cancelled. A new
        command is refused with `CommandCancelled`; a retry of one that is kept is not refused.

        Args:
            within: Seconds until the last of them has ended, cleaned up or not.
        """
        self._is_closing = True
        to_clean_up = min(_CLEANUP_AT_SHUTDOWN, within / 2)
        await self._ended_within(within - to_clean_up)
        for running in tuple(self._running):
            running.stop(CommandCancelled(SHUTTING_DOWN))
        await self._ended_within(to_clean_up)
        for running in tuple(self._running):
            running.give_up()
        await asyncio.sleep(0)  # in this turn those who listen hear of it

    async def _ended_within(self, seconds: float) -> None:
        if not self._running:
            return
        self._all_ended = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(seconds):
                await self._all_ended
        except TimeoutError:
            return
        finally:
            self._all_ended = None

    async def _submitted(self, record: Record, command: Command, answered: Answered) -> None:
        SUBJECT.set(f"[{record.cmd_id}]")
        try:
            claimed = await self._claim(record)
        except CallApiError as error:
            answered(error)
            return
        except Exception:  # a journal that fails must not cost the answer
            logger.exception("could not be claimed")
            answered(InternalError())
            return
        if isinstance(claimed, Snapshot):
            answered(claimed)
            return
        running = _Running(claimed, self._cleanup_within)
        self._running.add(running)
        try:
            answered(claimed)
            if self._is_closing or claimed.is_cancelling:
                running.end(CommandCancelled(SHUTTING_DOWN if self._is_closing else ""))
            else:
                await running.run(command, self._backend)
        finally:
            self._running.discard(running)
            if self._all_ended is not None and not self._running:
                self._all_ended.set_result(None)

    async def _claim(self, record: Record) -> Owned | Snapshot:
        if self._is_closing:
            try:
                await self._journal.read(record.cmd_id)
            except UnknownCommand:
                raise CommandCancelled(SHUTTING_DOWN) from None
        return await self._journal.claim(record)


class _Running:
    """One command that runs: made and run by its own task."""

    __slots__ = (
        "_callid",
        "_cancels",
        "_cleanup_within",
        "_has_ended",
        "_loop",
        "_owned",
        "_stopping",
        "_task",
        "_timer",
    )

    def __init__(self, owned: Owned, cleanup_within: float) -> None:
        task = asyncio.current_task()
        assert task is not None
        timeout = owned.record.timeout
        self._task = task
        self._loop = task.get_loop()
        self._owned = owned
        self._cleanup_within = cleanup_within
        self._timer = self._loop.call_later(timeout, self._reach_ceiling)
        self._stopping: CallApiError | None = None  # why it was cancelled
        self._cancels = 0  # how often
        self._callid: CallId | None = None
        self._has_ended = False
        owned.on_cancel = self._cancel

    async def run(self, command: Command, backend: Backend) -> None:
        """Run the command to its end, whatever that is.

        Raises:
            CancelledError: The task was cancelled, and not by this object.
        """
        ACTING.set(self._owned)
        try:
            await self._owned.may_act()
            await command.run(backend, self._emit)
        except asyncio.CancelledError:
            self.end(self._stopping or CommandCancelled(SHUTTING_DOWN))
            while self._cancels:
                self._cancels -= 1
                self._task.uncancel()
            if self._task.cancelling():
                raise
        except Fenced:
            self._has_ended = True  # somebody else tells how
            logger.warning("another daemon has taken the command over")
        except Exception as error:  # noqa: BLE001  # every command ends, also one with a bug
            self.end(self._failure(error))
        else:
            self.end(None)
        finally:
            self._timer.cancel()

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
        self._timer.cancel()
        if problem is None:
            self._owned.append(Ended(callid=self._callid), last=True)
            logger.info("ended", extra=self._about())
        else:
            self._owned.append(Error.of(problem))
            self._owned.append(Ended(), last=True)
            logger.info("failed: %s", problem, extra=self._about())

    def _emit(self, event: Event) -> None:
        if self._has_ended:
            logger.debug("too late to tell %r", event)
            return
        self._callid = getattr(event, "callid", self._callid)
        self._owned.append(event)

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
        self.stop(CommandTimeout(self._owned.record.timeout))

    def _about(self) -> dict[str, str]:
        """Whom a log line is about that may be written outside the command's task."""
        return {"subject": f"[{self._owned.record.cmd_id}]"}


_CLEANUP_AT_SHUTDOWN: Final = 2.0
"""Seconds for CANCEL and BYE before the daemon goes."""

_INSIST_EVERY: Final = 1.0
"""Seconds until a command that swallowed its cancellation is cancelled again."""
