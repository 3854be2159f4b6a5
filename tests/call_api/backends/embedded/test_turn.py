import asyncio

import pytest

from call_api.backends.embedded.turn import Turn


async def test_a_turn_is_had_by_one() -> None:
    turn = Turn()

    assert turn.try_take()
    assert turn.is_taken
    assert not turn.try_take()
    turn.give()
    assert not turn.is_taken
    await turn.take()
    assert not turn.try_take()


async def test_those_who_wait_get_it_in_order() -> None:
    turn = Turn()
    got: list[str] = []

    async def use(name: str) -> None:
        await turn.take()
        got.append(name)
        await asyncio.sleep(0)
        turn.give()

    await turn.take()
    async with asyncio.TaskGroup() as group:
        for name in "abc":
            group.create_task(use(name), name=name)
        await asyncio.sleep(0)
        assert got == []
        turn.give()

    assert got == ["a", "b", "c"]
    assert not turn.is_taken


async def test_one_who_gave_up_waiting_is_passed_over() -> None:
    turn = Turn()
    await turn.take()
    async with asyncio.TaskGroup() as group:
        impatient = group.create_task(turn.take(), name="impatient")
        patient = group.create_task(turn.take(), name="patient")
        await asyncio.sleep(0)
        impatient.cancel()
        await asyncio.sleep(0)
        turn.give()
        await patient

    assert impatient.cancelled()
    assert turn.is_taken


@pytest.mark.parametrize("others_wait", [False, True])
async def test_one_who_gives_up_just_when_handed_it_passes_it_on(others_wait: bool) -> None:
    turn = Turn()
    await turn.take()
    async with asyncio.TaskGroup() as group:
        unlucky = group.create_task(turn.take(), name="unlucky")
        await asyncio.sleep(0)
        other = group.create_task(turn.take(), name="other") if others_wait else None
        await asyncio.sleep(0)
        turn.give()
        unlucky.cancel()
        if other:
            await other

    assert unlucky.cancelled()
    assert turn.is_taken is others_wait


async def test_one_who_is_cancelled_before_noticing_is_passed_over() -> None:
    turn = Turn()
    await turn.take()
    async with asyncio.TaskGroup() as group:
        impatient = group.create_task(turn.take(), name="impatient")
        await asyncio.sleep(0)
        impatient.cancel()
        turn.give()

    assert not turn.is_taken
