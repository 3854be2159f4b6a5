"""An operation: run, stopped, undone, whatever happens."""

import asyncio
import logging
from contextlib import suppress

import pytest

from call_api.backends.base import ACTING
from call_api.backends.embedded.operation import Operation, acting_callid, may_act
from call_api.errors import CallApiError, CallBusy, CallFailed
from call_api.model import CallId
from tests.fakes.sip_office import Office, sip_office
from tests.fakes.virtual_time import in_virtual_time

LOG = "call_api.backends.embedded.operation"
REFUSED = CallFailed(486, "Busy Here")


class Story(Operation):
    """Waits for a word, and writes down what happens."""

    title = "a story"

    def __init__(self, office: Office, end: BaseException | None = None) -> None:
        super().__init__(office.board)
        self.go_on = asyncio.Event()
        self.end = end
        self.told: list[str] = []
        self.undo_fails_with: Exception | None = None
        self.undo_waits: asyncio.Event | None = None

    async def run(self) -> None:
        self.told.append("run")
        await self.go_on.wait()
        if self.end is not None:
            raise self.end
        self.told.append("through")

    async def undo(self) -> None:
        await super().undo()
        self.told.append("undo")
        if self.undo_waits is not None:
            await self.undo_waits.wait()
        if self.undo_fails_with is not None:
            raise self.undo_fails_with


async def ended(story: Story) -> None:
    async with asyncio.timeout(10.0):
        while not story.is_done:  # noqa: ASYNC110  # in virtual time
            await asyncio.sleep(0.01)


@in_virtual_time
async def test_one_that_is_through_is_not_undone() -> None:
    async with sip_office() as office:
        story = Story(office)
        office.board.start(story)
        story.go_on.set()

        await ended(story)

        assert story.told == ["run", "through"]
        assert story.error is None
        story.stop(REFUSED)
        assert story.error is None


@pytest.mark.parametrize("error", [REFUSED, RuntimeError("a bug")])
@in_virtual_time
async def test_one_that_fails_is_undone_and_keeps_the_error(error: Exception) -> None:
    async with sip_office() as office:
        story = Story(office, error)
        heard: list[BaseException | None] = []
        story.on_done = lambda: heard.append(story.error)
        office.board.start(story)
        story.go_on.set()

        await ended(story)

        assert story.told == ["run", "undo"]
        assert heard == [error]


@pytest.mark.parametrize("error", [REFUSED, None])
@in_virtual_time
async def test_one_that_is_stopped_is_undone(error: CallApiError | None) -> None:
    async with sip_office() as office:
        story = Story(office)
        office.board.start(story)
        await asyncio.sleep(1.0)

        story.stop(error)
        story.stop(CallFailed(500))

        await ended(story)
        assert story.told == ["run", "undo"]
        assert story.error is error


@in_virtual_time
async def test_one_that_is_stopped_before_it_began_is_undone_all_the_same() -> None:
    async with sip_office() as office:
        story = Story(office)
        office.board.start(story)

        story.stop(REFUSED)

        await ended(story)
        assert story.told == ["undo"]
        assert story.error is REFUSED


@in_virtual_time
async def test_while_it_is_undone_nothing_stops_it_and_its_error_stays() -> None:
    async with sip_office() as office:
        story = Story(office, REFUSED)
        story.undo_waits = asyncio.Event()
        office.board.start(story)
        story.go_on.set()
        await asyncio.sleep(1.0)

        story.stop(CallFailed(500))
        story.undo_waits.set()

        await ended(story)
        assert story.error is REFUSED


@pytest.mark.parametrize(
    ("failure", "level"),
    [(CallFailed(408), logging.INFO), (RuntimeError("a bug"), logging.ERROR)],
)
@in_virtual_time
async def test_one_that_cannot_be_undone_ends_as_well(
    failure: Exception, level: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, LOG)
    async with sip_office() as office:
        story = Story(office, REFUSED)
        story.undo_fails_with = failure
        office.board.start(story)
        story.go_on.set()

        await ended(story)

    assert [r.levelno for r in caplog.records if r.name == LOG] == [level]
    assert story.error is REFUSED


@in_virtual_time
async def test_a_bug_that_nobody_waits_for_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with sip_office() as office:
        for error in (RuntimeError("a bug"), REFUSED):
            story = Story(office, error)
            office.board.start(story)
            story.go_on.set()
            await ended(story)

    (record,) = [r for r in caplog.records if r.name == LOG]
    assert record.getMessage() == "a story failed"
    assert record.exc_info is not None


@in_virtual_time
async def test_its_calls_are_free_again_only_when_it_is_undone() -> None:
    async with sip_office("alice", "bob", "carol") as office:
        alice, bob, _ = office.phones.values()
        call = office.board.calls.find(await office.start(alice, bob))
        story = Story(office, REFUSED)
        story.undo_waits = asyncio.Event()
        office.board.calls.take(story, call)
        story.calls = (call,)
        office.board.start(story)
        story.go_on.set()
        await asyncio.sleep(1.0)

        with pytest.raises(CallBusy):
            office.board.calls.take(object(), call)
        story.undo_waits.set()
        await ended(story)

        office.board.calls.take(object(), call)


@in_virtual_time
async def test_when_the_back_end_goes_down_it_ends_at_once() -> None:
    async with sip_office() as office:
        running, stopped = Story(office), Story(office)
        stopped.undo_waits = asyncio.Event()
        for story in (running, stopped):
            office.board.start(story)
        await asyncio.sleep(1.0)
        stopped.stop()

    assert running.told == ["run"]
    assert running.is_done
    assert stopped.is_done


@in_virtual_time
async def test_one_whose_task_is_cancelled_from_outside_ends() -> None:
    async with sip_office() as office:
        story = Story(office)
        task = asyncio.get_running_loop().create_task(story.drive())
        await asyncio.sleep(1.0)

        task.cancel()

        with suppress(asyncio.CancelledError):
            await task
        assert story.is_done
        assert story.told == ["run"]


class Right:
    """The right of a command that may be lost."""

    def __init__(self, *, is_lost: bool = False) -> None:
        self.callid = CallId("its-own")
        self.is_lost = is_lost

    async def may_act(self) -> None:
        if self.is_lost:
            raise CallFailed(500, "fenced")


async def test_who_acts_for_no_command_always_may() -> None:
    await may_act()

    assert acting_callid() == ""


@pytest.mark.parametrize("is_lost", [False, True])
async def test_who_acts_for_a_command_asks_it(is_lost: bool) -> None:
    token = ACTING.set(Right(is_lost=is_lost))
    try:
        assert acting_callid() == "its-own"
        if is_lost:
            with pytest.raises(CallFailed, match="fenced"):
                await may_act()
        else:
            await may_act()
    finally:
        ACTING.reset(token)
