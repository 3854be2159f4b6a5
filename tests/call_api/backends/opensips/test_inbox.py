import asyncio

import pytest

from call_api.backends.opensips.events import EventParams, ProxyEvent
from call_api.backends.opensips.inbox import MAX_KEPT, Inbox, Trouble
from tests.fakes.virtual_time import in_virtual_time


def inbox() -> Inbox:
    return Inbox(asyncio.get_running_loop())


FIRST, SECOND = Trouble("first"), ProxyEvent("E", EventParams())


@in_virtual_time
async def test_what_was_told_comes_out_in_order() -> None:
    told = inbox()
    told.put(FIRST)
    told.put(SECOND)

    assert await told.get(0.0) is FIRST
    assert told.take() is SECOND
    assert told.take() is None


@in_virtual_time
async def test_the_reader_waits_until_something_is_told() -> None:
    told, loop = inbox(), asyncio.get_running_loop()
    loop.call_later(1.0, told.put, FIRST)

    assert await told.get(5.0) is FIRST
    assert loop.time() == 1.0


@in_virtual_time
async def test_the_reader_waits_no_longer_than_it_says() -> None:
    told, loop = inbox(), asyncio.get_running_loop()

    assert await told.get(5.0) is None
    assert loop.time() == pytest.approx(5.0)
    assert await told.get(4.0) is None  # already over


@in_virtual_time
async def test_one_timer_serves_one_waiting_after_the_other() -> None:
    told, loop = inbox(), asyncio.get_running_loop()
    loop.call_later(0.5, told.put, FIRST)
    loop.call_later(0.6, told.put, SECOND)

    assert await told.get(2.0) is FIRST
    assert await told.get(3.0) is SECOND
    assert await told.get(8.0) is None  # the timer of 2.0 goes off, and looks again at 8.0
    assert loop.time() == pytest.approx(8.0)


@in_virtual_time
async def test_a_timer_that_goes_off_when_nobody_waits_does_no_harm() -> None:
    told = inbox()
    told.put(FIRST)
    asyncio.get_running_loop().call_later(0.5, told.put, SECOND)
    assert await told.get(1.0) is FIRST
    assert await told.get(2.0) is SECOND

    await asyncio.sleep(5.0)
    told.put(FIRST)
    assert await told.get(9.0) is FIRST


@in_virtual_time
async def test_an_earlier_time_is_kept_as_well() -> None:
    told, loop = inbox(), asyncio.get_running_loop()
    loop.call_later(0.5, told.put, FIRST)
    assert await told.get(60.0) is FIRST

    assert await told.get(1.0) is None
    assert loop.time() == pytest.approx(1.0)


@in_virtual_time
async def test_who_is_told_too_much_loses_the_newest() -> None:
    told = inbox()
    for number in range(MAX_KEPT + 1):
        told.put(Trouble(str(number)))

    kept = [item.reason for _ in range(MAX_KEPT) if isinstance(item := told.take(), Trouble)]
    assert kept == [str(number) for number in range(MAX_KEPT)]
    assert told.take() is None


@in_virtual_time
async def test_a_reader_that_is_cancelled_leaves_the_rest_to_the_next_one() -> None:
    told = inbox()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.0):
            await told.get(60.0)
    told.put(FIRST)

    assert await told.get(60.0) is FIRST
    told.close()
    told.close()
