import asyncio
from collections.abc import Coroutine
from contextvars import ContextVar
from typing import Any

import pytest

from call_api.eager_task import EagerTask
from tests.fakes.running import turns

WHO: ContextVar[str] = ContextVar("WHO", default="nobody")


class Work(EagerTask):
    """A task that runs ``coro``, and remembers how it ended."""

    def __init__(self, coro: Coroutine[Any, Any, None] | None) -> None:
        super().__init__(asyncio.get_running_loop(), "work")
        self.coro = coro
        self.ends: list[BaseException | None] = []

    def begin(self) -> Coroutine[Any, Any, None] | None:
        return self.coro

    def finish(self, error: BaseException | None) -> None:
        self.ends.append(error)


class Ran:
    """A task, and whether it has told that it is over."""

    def __init__(self, coro: Coroutine[Any, Any, None] | None) -> None:
        self.task = Work(coro)
        self.task.start()

    @property
    def is_over(self) -> bool:
        assert len(self.task.ends) == self.task.done()
        return self.task.done()


async def test_what_need_not_wait_is_over_when_start_returns() -> None:
    steps: list[int] = []

    async def work() -> None:
        steps.append(1)

    ran = Ran(work())

    assert steps == [1]
    assert ran.is_over
    assert not ran.task.cancel()


async def test_what_waits_goes_on_with_the_result_or_with_the_exception() -> None:
    loop = asyncio.get_running_loop()
    good, bad = loop.create_future(), loop.create_future()
    got: list[object] = []

    async def work() -> None:
        got.append(await good)
        try:
            await bad
        except ValueError as exc:
            got.append(exc)
        await asyncio.sleep(0)
        got.append("turn")

    ran = Ran(work())
    assert not ran.is_over
    good.set_result("good")
    await turns(1)
    bad.set_exception(error := ValueError())
    await turns(1)
    assert got == ["good", error]
    await turns(1)

    assert got == ["good", error, "turn"]
    assert ran.is_over


async def test_it_is_the_current_task_while_it_runs_and_the_outer_one_is_again_behind_it() -> None:
    seen: list[object] = []

    async def work() -> None:
        seen.append(asyncio.current_task())
        await asyncio.sleep(0)
        seen.append(asyncio.current_task())

    outer = asyncio.current_task()
    ran = Ran(work())
    assert asyncio.current_task() is outer
    await turns(1)

    assert seen == [ran.task, ran.task]
    assert ran.task.get_name() == "work"
    assert ran.task.get_loop() is asyncio.get_running_loop()
    assert "work" in repr(ran.task.get_coro())


async def test_it_has_a_context_of_its_own() -> None:
    seen: list[str] = []

    async def work() -> None:
        WHO.set("the task")
        await asyncio.sleep(0)
        seen.append(WHO.get())

    Ran(work())
    await turns(1)

    assert seen == ["the task"]
    assert WHO.get() == "nobody"


async def test_a_timeout_inside_works_and_takes_its_cancellation_back() -> None:
    got: list[str] = []

    async def work() -> None:
        try:
            async with asyncio.timeout(0.01):
                await asyncio.Event().wait()
        except TimeoutError:
            got.append("timeout")

    ran = Ran(work())
    async with asyncio.timeout(5):
        while not ran.is_over:
            await turns(1)

    assert got == ["timeout"]
    assert ran.task.cancelling() == 0


async def test_a_group_inside_works_and_fails_as_one() -> None:
    got: list[BaseException] = []

    async def fail() -> None:
        raise ZeroDivisionError

    async def work() -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(asyncio.Event().wait(), name="waits")
                group.create_task(fail(), name="fails")
        except ExceptionGroup as exc:
            got.extend(exc.exceptions)

    ran = Ran(work())
    await turns(5)

    assert [type(one) for one in got] == [ZeroDivisionError]
    assert ran.is_over


async def test_a_cancellation_reaches_what_it_waits_for_and_ends_it_quietly() -> None:
    waiting = asyncio.get_running_loop().create_future()

    async def work() -> None:
        await waiting

    ran = Ran(work())
    assert ran.task.cancel()
    await turns(1)

    assert waiting.cancelled()
    assert ran.is_over
    assert ran.task.cancelling() == 1


async def test_a_cancellation_that_comes_behind_the_result_is_raised_all_the_same() -> None:
    waiting = asyncio.get_running_loop().create_future()
    got: list[object] = []

    async def work() -> None:
        try:
            got.append(await waiting)
        except asyncio.CancelledError as exc:
            got.append(exc)

    ran = Ran(work())
    waiting.set_result("too late")
    ran.task.cancel()
    await turns(1)

    assert [type(one) for one in got] == [asyncio.CancelledError]


async def test_a_task_that_cancels_itself_hears_of_it_where_it_waits_next() -> None:
    got: list[type[BaseException]] = []

    async def work() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        for _ in range(2):
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError as exc:
                got.append(type(exc))
                task.uncancel()
                task.cancel()
        await asyncio.sleep(0)

    ran = Ran(work())
    await turns(3)

    assert got == [asyncio.CancelledError] * 2
    assert ran.is_over


async def test_what_it_raises_is_told_to_who_made_it() -> None:
    async def work() -> None:
        raise ZeroDivisionError

    ran = Ran(work())

    assert ran.is_over
    assert [type(one) for one in ran.task.ends] == [ZeroDivisionError]


async def test_so_is_what_is_raised_before_there_is_anything_to_run() -> None:
    class Failing(Work):
        def begin(self) -> None:
            raise ZeroDivisionError

    task = Failing(None)
    task.start()

    assert task.done()
    assert [type(one) for one in task.ends] == [ZeroDivisionError]


async def test_with_nothing_to_run_it_is_over_at_once() -> None:
    assert Ran(None).is_over


async def test_what_ends_the_whole_program_is_raised() -> None:
    class Over(BaseException):
        pass

    async def work() -> None:
        raise Over

    with pytest.raises(Over):
        Ran(work())
    assert asyncio.current_task() is not None
