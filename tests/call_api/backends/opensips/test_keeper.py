import asyncio
import inspect

import pytest

from call_api.backends.opensips.keeper import Keeper
from tests.fakes.virtual_time import in_virtual_time


@in_virtual_time
async def test_what_never_ends_is_stopped_at_the_end() -> None:
    stopped = []

    async def forever() -> None:
        try:
            await asyncio.sleep(1e9)
        finally:
            stopped.append(True)

    async with Keeper() as keeper:
        keeper.spawn(forever(), "forever")
        await asyncio.sleep(1.0)

    assert stopped == [True]


@in_virtual_time
async def test_what_cleans_up_gets_the_time_to_do_so() -> None:
    done = []

    async def clean_up() -> None:
        await asyncio.sleep(3.0)
        done.append(True)

    async with Keeper() as keeper:
        keeper.finish(clean_up(), "clean up")
        assert keeper.finishing == 1
        await keeper.finish_all()
        assert keeper.finishing == 0
        await keeper.finish_all()

    assert done == [True]


@in_virtual_time
async def test_what_takes_too_long_is_stopped_all_the_same() -> None:
    async with Keeper() as keeper:
        keeper.finish(asyncio.sleep(1e9), "too long")
        await keeper.finish_all()

    assert asyncio.get_running_loop().time() == pytest.approx(5.0)


@in_virtual_time
async def test_a_failure_takes_nothing_else_down() -> None:
    async def fail() -> None:
        raise ValueError("a bug")

    done = []

    async def go_on() -> None:
        await asyncio.sleep(1.0)
        done.append(True)

    async with Keeper() as keeper:
        keeper.finish(fail(), "the failing one")
        keeper.finish(go_on(), "the other one")
        await keeper.finish_all()

    assert done == [True]


@in_virtual_time
async def test_what_is_stopped_before_it_has_begun_is_closed() -> None:
    async def forever() -> None:
        await asyncio.sleep(1e9)

    work = forever()
    async with Keeper() as keeper:
        keeper.spawn(work, "forever")

    assert inspect.getcoroutinestate(work) == inspect.CORO_CLOSED
