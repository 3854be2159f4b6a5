"""Runs commands: exactly one end each, whatever happens in between."""

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Final, Protocol, Self, cast

from call_api.backends.base import Backend
from call_api.commands.base import Command
from call_api.errors import (
    CallApiError,
    CommandCancelled,
    DuplicateCommand,
    InternalError,
    UnknownCommand,
)
from call_api.journal import Journal, Owned, Snapshot
from call_api.logs import SUBJECT
from call_api.model import CallId
from call_api.record import Record
from call_api.running import SHUTTING_DOWN, Commands, Running, Story

logger = logging.getLogger(__name__)


class Asked(Protocol):
    """Who asked for a command. It is told one of the first three, once. None may raise."""

    def started(self, owned: Owned) -> None:
        """The command is new and about to run."""

    def exists(self, snapshot: Snapshot) -> None:
        """It exists, and may be followed."""

    def refused(self, error: CallApiError) -> None:
        """It does not run."""

    def ended(self, problem: CallApiError | None) -> None:
        """What was started is over, and has told its last; None: all went well."""


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
        self._loop = asyncio.get_running_loop()
        self._commands = Commands(journal, self._loop, cleanup_within)
        self._group = asyncio.TaskGroup()  # for what is no command
        self._spawned: set[asyncio.Task[None]] = set()
        self._is_left = False  # for everything

    async def __aenter__(self) -> Self:
        """Get ready to run commands."""
        await self._group.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Cancel what still runs and wait until it has cleaned up. `drain` first is kinder."""
        self._commands.is_closing = self._is_left = True
        self._shut_down()
        for task in tuple(self._spawned):
            task.cancel()
        await self._group.__aexit__(None, None, None)
        while self._commands.running or self._commands.claiming:
            await self._one_is_over()

    @property
    def running(self) -> int:
        """The number of commands that run."""
        return len(self._commands.running)

    def submit(
        self,
        record: Record,
        command: Command,
        asked: Asked,
        *,
        backend: Backend | None = None,
        refused: CallApiError | None = None,
    ) -> None:
        """Start a command, unless it exists. Up to its first wait it has run when this returns.

        Args:
            asked: Is told what becomes of it.
            backend: What it is run on; by default what all are.
            refused: Why it may not be started; one that exists is followed all the same.
        """
        if self._is_left:
            asked.refused(CommandCancelled(SHUTTING_DOWN))
            return
        if self._commands.is_closing:
            refused = CommandCancelled(SHUTTING_DOWN)
        backend = backend or self._backend
        Submitted(self._commands, record, command, backend, asked, refused).start()

    def adopt(self, owned: Owned, story: Story, callid: CallId | None) -> None:
        """End a command of a daemon that died, or leave it to the next one if this one goes first.

        Args:
            story: What finds out how. It takes a bounded time, and never raises but what is told.
            callid: What its call was called last, if that was told.
        """
        Adopted(self._commands, owned, story, self._backend, callid).start()

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
        self._commands.is_closing = True
        until = self._loop.time() + within
        to_clean_up = min(_CLEANUP_AT_SHUTDOWN, within / 2)
        await self._ended_within(within - to_clean_up)
        self._shut_down()
        await self._ended_within(to_clean_up)
        for running in tuple(self._commands.running):
            running.give_up()
        with suppress(TimeoutError):
            async with asyncio.timeout_at(max(until, self._loop.time() + _KEPT_WITHIN)):
                while self._commands.claiming:
                    await self._journal.settled()
                    await asyncio.sleep(0)
                await self._journal.settled()
        await asyncio.sleep(0)  # in this turn those who listen hear of it

    def _shut_down(self) -> None:
        for running in tuple(self._commands.running):
            running.shut_down()

    async def _ended_within(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._commands.running:
                    await self._one_is_over()

    async def _one_is_over(self) -> None:
        self._commands.one_is_over = self._loop.create_future()
        await self._commands.one_is_over


class Submitted(Running):
    """A command that a client has asked for.

    Args:
        refused: Why it may not be started; one that exists is followed all the same.
    """

    __slots__ = ("_asked", "_record", "_refused")

    def __init__(
        self,
        commands: Commands,
        record: Record,
        story: Story,
        backend: Backend,
        asked: Asked,
        refused: CallApiError | None,
    ) -> None:
        super().__init__(commands, record.cmd_id, story, backend)
        self._record = record
        self._asked = asked
        self._refused = refused

    def begin(self) -> Coroutine[Any, Any, None] | None:
        """Claim the command, at once if that can be."""
        SUBJECT.set(self._subject)
        if self._refused is None:
            claimed = self._commands.journal.claim_now(self._record)
            if claimed is not None:
                is_ours = self._take(claimed)
                return self._story.run(self._backend, self._emit) if is_ours else None
        self._commands.claiming.add(self)
        return self._claim_and_run()

    def finish(self, error: BaseException | None) -> None:
        """Tell who asked for it that it is over, too; or that it was refused."""
        super().finish(error)
        if self._is_owned:
            problem, self.problem = self.problem, None  # its traceback knows us: together garbage
            self._asked.ended(problem)
        elif isinstance(error, CallApiError):
            self._asked.refused(error)
        elif isinstance(error, Exception):  # a journal that fails must not cost the answer
            logger.error("could not be claimed", exc_info=error)
            self._asked.refused(InternalError())

    async def _claim_and_run(self) -> None:
        claimed = await self._claimed()
        self._commands.claiming.discard(self)
        if self._take(claimed):
            await self._owned.may_act()
            await self._story.run(self._backend, self._emit)

    async def _claimed(self) -> Owned | Snapshot:
        record, journal = self._record, self._commands.journal
        if self._refused is None:
            return await journal.claim(record)
        try:  # what is refused must not be claimed, even if it is forgotten in this moment
            snapshot, _ = await journal.read(record.cmd_id, token=record.token)
        except UnknownCommand:
            raise self._refused from None
        if not snapshot.record.is_retried_by(record):
            raise DuplicateCommand(record.cmd_id)
        return snapshot

    def _take(self, claimed: Owned | Snapshot) -> bool:
        """Answer; return whether the command is ours to run."""
        if type(claimed) is Snapshot:  # isinstance() takes longer for such a type
            self._asked.exists(claimed)
            return False
        owned = cast("Owned", claimed)
        self.own(owned, self._record.timeout)
        owned.on_cancel = self._cancel
        self._asked.started(owned)
        if self._commands.is_closing or owned.is_cancelling:
            self.end(CommandCancelled(SHUTTING_DOWN if self._commands.is_closing else ""))
            return False
        return True

    def _cancel(self) -> None:
        self.stop(CommandCancelled())


class Adopted(Running):
    """A command of a daemon that died.

    What is run looks what became of it, in a bounded time: whoever cancels it hears the truth,
    and if this daemon goes, too, it is left to the next one.

    Args:
        callid: What the call was called last, if that was told.
    """

    __slots__ = ("_left_over",)

    def __init__(
        self,
        commands: Commands,
        owned: Owned,
        story: Story,
        backend: Backend,
        callid: CallId | None,
    ) -> None:
        super().__init__(commands, owned.record.cmd_id, story, backend)
        self._left_over = owned
        self._callid = callid

    def begin(self) -> Coroutine[Any, Any, None]:
        """Take it over."""
        SUBJECT.set(self._subject)
        self.own(self._left_over, _ADOPTED_WITHIN)
        return self._look()

    def shut_down(self) -> None:
        """Leave it to the next daemon."""
        if self._has_ended:
            super().shut_down()
            return
        logger.info("left to the next daemon", extra=self._about())
        self._has_ended = True  # for this daemon
        self.give_up()

    async def _look(self) -> None:
        await self._owned.may_act()
        await self._story.run(self._backend, self._emit)


_ADOPTED_WITHIN: Final = 86400.0
"""Seconds: those who find out how commands ended wait for each other, and see to the time."""

_KEPT_WITHIN: Final = 2.0
"""Seconds, at least, for a slow disk before the daemon goes."""

_CLEANUP_AT_SHUTDOWN: Final = 2.0
"""Seconds for CANCEL and BYE before the daemon goes."""
