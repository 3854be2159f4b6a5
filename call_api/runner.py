"""Runs commands: exactly one end each, whatever happens in between."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Final, Self, TypeAlias

from call_api.backends.base import Backend
from call_api.coarse_timers import CoarseTimers
from call_api.commands.base import Command
from call_api.eager_task import EagerTask
from call_api.errors import (
    CallApiError,
    CommandCancelled,
    InternalError,
    UnknownCommand,
)
from call_api.journal import Journal, Owned, Record, Snapshot
from call_api.logs import SUBJECT
from call_api.model import CallId
from call_api.running import SHUTTING_DOWN, Running, Story

logger = logging.getLogger(__name__)

Answered: TypeAlias = Callable[[Owned | Snapshot | CallApiError], None]
"""Is told, exactly once, what became of a command that was submitted: it is new and about to
run, it exists and may be followed, or it was refused. Must not raise."""

Ended: TypeAlias = Callable[[CallApiError | None], None]
"""Is told, exactly once, that a command which was new is over, and how: None means well. It comes
after the last that the command told. Must not raise."""


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
        self._loop = asyncio.get_running_loop()
        self._timers = CoarseTimers(self._loop)
        self._group = asyncio.TaskGroup()  # for what is no command
        self._tasks: set[EagerTask] = set()  # one for each command that is claimed, runs or ends
        self._running: set[Running] = set()
        self._spawned: set[asyncio.Task[None]] = set()
        self._is_closing = False  # for new commands
        self._is_left = False  # for everything
        self._all_ended: asyncio.Future[None] | None = None
        self._all_over: asyncio.Future[None] | None = None

    async def __aenter__(self) -> Self:
        """Get ready to run commands."""
        await self._group.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Cancel what still runs and wait until it has cleaned up. `drain` first is kinder."""
        self._is_closing = self._is_left = True
        for running in tuple(self._running):
            running.shut_down()
        for task in tuple(self._spawned):
            task.cancel()
        await self._group.__aexit__(None, None, None)
        if self._tasks:
            self._all_over = self._loop.create_future()
            await self._all_over

    @property
    def running(self) -> int:
        """The number of commands that run."""
        return len(self._running)

    def submit(
        self,
        record: Record,
        command: Command,
        answered: Answered,
        *,
        backend: Backend | None = None,
        ended: Ended | None = None,
        refused: CallApiError | None = None,
    ) -> None:
        """Start a command, unless it exists. Up to its first wait it has run when this returns.

        Args:
            backend: What it is run on; by default what all are.
            refused: Why it may not be started; one that exists is followed all the same.
        """
        if self._is_left:
            answered(CommandCancelled(SHUTTING_DOWN))
            return
        backend = backend or self._backend
        submitted = self._submitted(record, command, answered, backend, ended, refused)
        self._begin(submitted, record.cmd_id)

    def adopt(self, owned: Owned, story: Story, callid: CallId | None) -> None:
        """End a command of a daemon that died, or leave it to the next one if this one goes first.

        Args:
            story: What finds out how. It takes a bounded time, and never raises but what is told.
            callid: What its call was called last, if that was told.
        """
        self._begin(self._adopted(owned, story, callid), owned.record.cmd_id)

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Do something else on behalf of a client. It must not raise; leaving cancels it.

        Raises:
            CommandCancelled: Nothing more is done here.
        """
        if self._is_left:
            work.close()
            raise CommandCancelled(SHUTTING_DOWN)
        task = self._group.create_task(work, name=name)
        self._spawned.add(task)
        task.add_done_callback(self._spawned.discard)

    async def drain(self, within: float) -> None:
        """Refuse new commands, and end all that run.

        They may end by themselves first; near the end of the time they are cancelled. A new
        command is refused with `CommandCancelled`; a retry of one that is kept is not refused.

        Args:
            within: Seconds until the last of them has ended, cleaned up or not, and that is kept.
        """
        self._is_closing = True
        until = self._loop.time() + within
        to_clean_up = min(_CLEANUP_AT_SHUTDOWN, within / 2)
        await self._ended_within(within - to_clean_up)
        for running in tuple(self._running):
            running.shut_down()
        await self._ended_within(to_clean_up)
        for running in tuple(self._running):
            running.give_up()
        with suppress(TimeoutError):
            async with asyncio.timeout_at(max(until, self._loop.time() + _KEPT_WITHIN)):
                while len(self._tasks) > len(self._running):  # some are being claimed
                    await self._journal.settled()
                    await asyncio.sleep(0)
                await self._journal.settled()
        await asyncio.sleep(0)  # in this turn those who listen hear of it

    def _is_over(self, task: EagerTask) -> None:
        self._tasks.discard(task)
        if not self._tasks and self._all_over is not None and not self._all_over.done():
            self._all_over.set_result(None)

    def _begin(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = EagerTask(work, self._loop, name, self._is_over)
        self._tasks.add(task)
        task.start()

    async def _ended_within(self, seconds: float) -> None:
        if not self._running:
            return
        self._all_ended = self._loop.create_future()
        await asyncio.wait([self._all_ended], timeout=seconds)
        self._all_ended = None

    async def _submitted(
        self,
        record: Record,
        command: Command,
        answered: Answered,
        backend: Backend,
        ended: Ended | None,
        refused: CallApiError | None,
    ) -> None:
        SUBJECT.set(f"[{record.cmd_id}]")
        try:
            claimed = await self._claim(record, refused)
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
        running = Running(claimed, self._cleanup_within, self._timers)
        self._running.add(running)
        try:
            answered(claimed)
            if self._is_closing or claimed.is_cancelling:
                running.end(CommandCancelled(SHUTTING_DOWN if self._is_closing else ""))
            else:
                await running.run(command, backend)
        finally:
            self._has_ended(running, ended)

    async def _adopted(self, owned: Owned, story: Story, callid: CallId | None) -> None:
        SUBJECT.set(f"[{owned.record.cmd_id}]")
        running = Running(owned, self._cleanup_within, self._timers, is_adopted=True, callid=callid)
        self._running.add(running)
        try:
            await running.run(story, self._backend)
        finally:
            self._has_ended(running, None)

    def _has_ended(self, running: Running, ended: Ended | None) -> None:
        self._running.discard(running)
        if ended is not None:
            ended(running.problem)
        if not self._running and self._all_ended is not None:
            self._all_ended.cancel()  # set_result would fail the second time

    async def _claim(self, record: Record, refused: CallApiError | None) -> Owned | Snapshot:
        refused = CommandCancelled(SHUTTING_DOWN) if self._is_closing else refused
        if refused is not None:
            try:
                await self._journal.read(record.cmd_id, token=record.token)
            except UnknownCommand:
                raise refused from None
        return await self._journal.claim(record)


_KEPT_WITHIN: Final = 2.0
"""Seconds, at least, for a slow disk before the daemon goes."""

_CLEANUP_AT_SHUTDOWN: Final = 2.0
"""Seconds for CANCEL and BYE before the daemon goes."""
