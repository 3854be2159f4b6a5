"""A runner with commands whose bodies are functions of the test."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from call_api.backends.base import Backend
from call_api.commands.base import Command, Emit
from call_api.commands.told import Told
from call_api.entry import Entry
from call_api.errors import CallApiError
from call_api.events import CallHolding, CallHoldStart
from call_api.journal import Owned, Snapshot
from call_api.memory_journal import MemoryJournal
from call_api.model import CmdId
from call_api.runner import Runner
from tests.fakes.following import calling
from tests.fakes.records import PARAMS, record
from tests.fakes.scripted_backend import ScriptedBackend


class Body(Command, frozen=True, kw_only=True):
    """A command that does what the test wants."""

    act: Callable[[Emit], Awaitable[None]]

    async def run(self, backend: Backend, emit: Emit) -> None:
        await self.act(emit)

    async def take_over(self, backend: Backend, told: Told, emit: Emit) -> None:
        raise AssertionError("it does not outlive its daemon")


async def nothing(emit: Emit) -> None:
    """The body of a command that has nothing to tell."""


class Listener:
    """Who asked for a command: hands on what became of it, and that it is over."""

    def __init__(
        self,
        answered: Callable[[Owned | Snapshot | CallApiError], None],
        ended: Callable[[CallApiError | None], object],
    ) -> None:
        self.started: Callable[[Owned], None] = answered
        self.exists: Callable[[Snapshot], None] = answered
        self.refused: Callable[[CallApiError], None] = answered
        self._ended = ended

    def ended(self, problem: CallApiError | None) -> None:
        self._ended(problem)


class Desk:
    """A runner and its journal.

    Attributes:
        answers: What became of each command that was submitted.
    """

    def __init__(self, runner: Runner, journal: MemoryJournal) -> None:
        self.runner = runner
        self.journal = journal
        self.answers: list[Owned | Snapshot | CallApiError] = []
        self._answered = asyncio.Event()

    def submit(
        self,
        act: Callable[[Emit], Awaitable[None]] = nothing,
        cmd_id: str = "a",
        *,
        timeout: float = 5.0,
        params: str = PARAMS,
        ended: Callable[[CallApiError | None], object] = lambda problem: None,
    ) -> None:
        """Submit a command."""
        made = record(cmd_id, timeout=timeout, params=params)
        self.runner.submit(made, Body(act=act), Listener(self._answer, ended))

    async def story(self, cmd_id: str = "a") -> list[Any]:
        """Wait until a command has ended; return all that it told."""
        told: list[Any] = []
        ended = asyncio.Event()

        def tell(entry: Entry) -> None:
            told.append(json.loads(entry.event))
            if told[-1]["event"] == "Ended":
                ended.set()

        async with asyncio.timeout(5):
            await self._answered.wait()
            self.journal.follow(CmdId(cmd_id), 0, calling(tell))
            await ended.wait()
        return told

    async def names(self, cmd_id: str = "a") -> list[str]:
        """Wait until a command has ended; return the names of its events, and of its error."""
        return [
            one["error"]["name"] if one["event"] == "Error" else one["event"]
            for one in await self.story(cmd_id)
        ]

    def _answer(self, outcome: Owned | Snapshot | CallApiError) -> None:
        self.answers.append(outcome)
        self._answered.set()


class Blocked:
    """The body of a command that stops in the middle until it is told to go on."""

    def __init__(self) -> None:
        self.is_there = asyncio.Event()
        self.go_on = asyncio.Event()
        self._task: asyncio.Task[object] | None = None

    async def __call__(self, emit: Emit) -> None:
        """Do the one half, wait, do the other half."""
        self._task = asyncio.current_task()
        emit(CallHolding())
        self.is_there.set()
        await self.go_on.wait()
        emit(CallHoldStart(leg="caller"))

    def cancel(self) -> None:
        """Cancel the task that runs it, behind the back of whoever owns that."""
        assert self._task is not None
        self._task.cancel()

    async def reached(self) -> None:
        """Wait until it is in the middle."""
        async with asyncio.timeout(5):
            await self.is_there.wait()


async def turns(count: int) -> None:
    """Let the loop turn."""
    for _ in range(count):
        await asyncio.sleep(0)


@asynccontextmanager
async def running(
    *,
    journal: MemoryJournal | None = None,
    backend: Backend | None = None,
    cleanup_within: float = 5.0,
) -> AsyncIterator[Desk]:
    """A runner that runs."""
    loop = asyncio.get_running_loop()
    journal = journal or MemoryJournal(clock=loop.time, call_soon=loop.call_soon)
    backend = backend or ScriptedBackend()
    async with Runner(journal=journal, backend=backend, cleanup_within=cleanup_within) as runner:
        yield Desk(runner, journal)
