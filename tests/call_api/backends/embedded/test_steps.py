import asyncio
from collections.abc import Callable
from typing import cast

from call_api.backends.embedded.operation import Operation
from call_api.backends.embedded.steps import Steps
from call_api.backends.embedded.switchboard import Switchboard
from call_api.errors import CallFailed


class Board:
    """Starts operations and does nothing else."""

    is_closing = False

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group

    def start(self, operation: Operation) -> None:
        self._group.create_task(operation.drive(), name=operation.title)


class Story(Operation):
    """Waits until it is let go, then tells one step, while somebody does something."""

    def __init__(self, board: Switchboard, tell: Callable[[str], None]) -> None:
        super().__init__(board)
        self.tell = tell
        self.go_on = asyncio.Event()
        self.at_the_end: Callable[[], object] = lambda: None
        self.is_undone = False

    async def run(self) -> None:
        await self.go_on.wait()
        self.tell("ok")
        self.at_the_end()

    async def undo(self) -> None:
        self.is_undone = True


class Reader:
    """Reads the steps of a story in a task of its own."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        board = cast(Switchboard, Board(group))
        self.read: list[str] = []
        self.is_through = False
        self.error: CallFailed | None = None
        self._story: asyncio.Future[Story] = asyncio.get_running_loop().create_future()
        self._steps = Steps[str](board, lambda tell: self._make(board, tell))
        self.task = group.create_task(self._run(), name="reader")

    def _make(self, board: Switchboard, tell: Callable[[str], None]) -> Story:
        story = Story(board, tell)
        self._story.set_result(story)
        return story

    async def _run(self) -> None:
        try:
            async with self._steps as steps:
                async for step in steps:
                    self.read.append(step)
                self.is_through = True
        except CallFailed as exc:
            self.error = exc

    async def story(self) -> Story:
        """Wait until the story has begun and its reader waits for the first step."""
        story = await self._story
        await asyncio.sleep(0)
        return story


async def test_a_stream_tells_every_step_and_ends_with_its_operation() -> None:
    async with asyncio.timeout(5.0), asyncio.TaskGroup() as group:
        reader = Reader(group)
        (await reader.story()).go_on.set()

    assert (reader.read, reader.is_through) == (["ok"], True)


async def test_a_stream_that_is_left_early_has_its_operation_undone() -> None:
    async with asyncio.timeout(5.0), asyncio.TaskGroup() as group:
        reader = Reader(group)
        story = await reader.story()
        reader.task.cancel()

    assert (reader.read, story.is_undone, reader.task.cancelled()) == ([], True, True)


async def test_what_is_through_is_told_to_one_who_wants_to_leave_at_that_moment() -> None:
    async with asyncio.timeout(5.0), asyncio.TaskGroup() as group:
        reader = Reader(group)
        story = await reader.story()
        story.at_the_end = reader.task.cancel
        story.go_on.set()

    assert (reader.read, reader.is_through, story.is_undone) == (["ok"], True, False)


async def test_what_fails_at_the_moment_of_leaving_is_left() -> None:
    def fail() -> None:
        reader.task.cancel()
        raise CallFailed(486, "Busy Here")

    async with asyncio.timeout(5.0), asyncio.TaskGroup() as group:
        reader = Reader(group)
        story = await reader.story()
        story.at_the_end = fail
        story.go_on.set()

    assert (reader.task.cancelled(), story.is_undone) == (True, True)


async def test_a_failure_is_raised_when_the_steps_before_it_are_read() -> None:
    def fail() -> None:
        raise CallFailed(486, "Busy Here")

    async with asyncio.timeout(5.0), asyncio.TaskGroup() as group:
        reader = Reader(group)
        story = await reader.story()
        story.at_the_end = fail
        story.go_on.set()

    assert reader.error is not None
    assert (reader.read, reader.error.status, reader.is_through) == (["ok"], 486, False)
