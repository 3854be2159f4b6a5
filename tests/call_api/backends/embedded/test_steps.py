"""An operation as a stream."""

import asyncio
from collections.abc import Callable

import pytest

from call_api.backends.base import ACTING
from call_api.backends.embedded.operation import Operation
from call_api.backends.embedded.steps import LEAVE_WITHIN, MAX_STEPS, Steps
from call_api.errors import CallFailed, UnknownCall
from call_api.model import CallId
from tests.fakes.sip_office import Office, read, sip_office
from tests.fakes.virtual_time import in_virtual_time, until


class Count(Operation):
    """Tells numbers."""

    def __init__(self, office: Office, tell: Callable[[int], None]) -> None:
        super().__init__(office.board)
        self.tell = tell
        self.is_undone = False
        self.is_unread = False
        self.undo_for = 0.0
        self.pause = 0.0
        self.upto = 3
        self.error_at_end: Exception | None = None

    async def run(self) -> None:
        for number in range(1, self.upto + 1):
            self.tell(number)
            if self.pause:
                await asyncio.sleep(self.pause)
        if self.error_at_end is not None:
            raise self.error_at_end

    async def undo(self) -> None:
        await asyncio.sleep(self.undo_for)
        self.is_undone = True

    def unread(self) -> None:
        super().unread()
        self.is_unread = True


class Scene:
    """A stream, and the operation behind it."""

    def __init__(self, office: Office, **attributes: object) -> None:
        self.operation: Count

        def make(tell: Callable[[int], None]) -> Count:
            self.operation = Count(office, tell)
            for name, value in attributes.items():
                setattr(self.operation, name, value)
            return self.operation

        self.stream = Steps(office.board, make)


@pytest.mark.parametrize("pause", [0.0, 1.0])
@in_virtual_time
async def test_every_step_is_read_once_and_in_order(pause: float) -> None:
    async with sip_office() as office:
        scene = Scene(office, pause=pause)

        assert await read(scene.stream) == [1, 2, 3]
        assert not scene.operation.is_undone
        assert not scene.operation.is_unread


@in_virtual_time
async def test_the_error_comes_after_the_steps_before_it() -> None:
    async with sip_office() as office:
        scene = Scene(office, error_at_end=CallFailed(486))
        told: list[int] = []

        async def note() -> None:
            async with scene.stream as steps:
                async for step in steps:
                    told.append(step)

        with pytest.raises(CallFailed, match="486"):
            await note()

        assert told == [1, 2, 3]
        assert scene.operation.is_undone


@in_virtual_time
async def test_what_cannot_begin_raises_on_entering() -> None:
    async with sip_office() as office:

        def make(tell: Callable[[int], None]) -> Count:
            raise UnknownCall(CallId("x"))

        with pytest.raises(UnknownCall):
            async with Steps(office.board, make):
                raise AssertionError("it was entered")


@in_virtual_time
async def test_who_may_not_act_begins_nothing() -> None:
    class Fenced:
        callid = CallId("x")

        async def may_act(self) -> None:
            raise CallFailed(500, "fenced")

    async with sip_office() as office:
        token = ACTING.set(Fenced())
        try:
            with pytest.raises(CallFailed, match="fenced"):
                await read(Scene(office).stream)
        finally:
            ACTING.reset(token)


@in_virtual_time
async def test_left_early_the_operation_is_stopped_and_undone_before_leaving_returns() -> None:
    async with sip_office() as office:
        scene = Scene(office, pause=1.0, undo_for=0.5)

        async with scene.stream as steps:
            async for _ in steps:
                break

        assert scene.operation.is_undone
        assert scene.operation.is_done


@in_virtual_time
async def test_leaving_waits_only_so_long_for_what_has_to_be_put_back() -> None:
    async with sip_office() as office:
        scene = Scene(office, pause=1.0, undo_for=5.0)
        loop = asyncio.get_running_loop()
        async with scene.stream:
            began = loop.time()

        assert loop.time() - began == pytest.approx(LEAVE_WITHIN, abs=0.1)
        assert not scene.operation.is_done
        await until(lambda: scene.operation.is_undone)


@in_virtual_time
async def test_an_end_that_nobody_reads_is_told_to_the_operation() -> None:
    async with sip_office() as office:
        scene = Scene(office)

        async with scene.stream:
            await asyncio.sleep(1.0)

        assert scene.operation.is_unread
        assert not scene.operation.is_undone


@in_virtual_time
async def test_an_error_that_nobody_reads_is_no_unread_end() -> None:
    async with sip_office() as office:
        scene = Scene(office, error_at_end=CallFailed(486))

        async with scene.stream:
            await asyncio.sleep(1.0)

        assert not scene.operation.is_unread


@in_virtual_time
async def test_of_too_many_steps_the_oldest_are_dropped() -> None:
    async with sip_office() as office:
        scene = Scene(office, upto=MAX_STEPS + 2)

        async with scene.stream as steps:
            await asyncio.sleep(1.0)
            told = [step async for step in steps]

        assert told == list(range(3, MAX_STEPS + 3))


@in_virtual_time
async def test_a_reader_that_is_cancelled_ends_the_operation() -> None:
    async with sip_office() as office:
        scene = Scene(office, pause=1.0)
        reader = asyncio.get_running_loop().create_task(read(scene.stream))
        await asyncio.sleep(1.5)

        reader.cancel()

        await asyncio.wait([reader])
        assert reader.cancelled()
        assert scene.operation.is_undone
