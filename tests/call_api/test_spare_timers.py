import asyncio
from collections.abc import Callable

import pytest

from call_api.spare_timers import SpareTimers
from tests.fakes.virtual_time import in_virtual_time


def rings(rung: list[tuple[str, float]], name: str) -> Callable[[], None]:
    loop = asyncio.get_running_loop()
    return lambda: rung.append((name, loop.time()))


@in_virtual_time
async def test_they_go_off_exactly_when_they_are_due() -> None:
    loop = asyncio.get_running_loop()
    timers, rung = SpareTimers(loop), list[tuple[str, float]]()
    for name, at in (("late", 0.32), ("now", 0.01), ("near", 0.31), ("past", -1.0)):
        timers.call_at(loop.time() + at, rings(rung, name))

    await asyncio.sleep(1.0)

    assert [name for name, _ in rung] == ["past", "now", "near", "late"]
    assert [at for _, at in rung[1:]] == pytest.approx([0.01, 0.31, 0.32])


@in_virtual_time
async def test_what_is_called_off_never_goes_off() -> None:
    loop = asyncio.get_running_loop()
    timers, rung = SpareTimers(loop), list[tuple[str, float]]()
    early, late = (timers.call_at(0.22, rings(rung, "no")) for _ in range(2))
    kept = timers.call_at(0.21, rings(rung, "yes"))

    early.cancel()
    await asyncio.sleep(0.205)  # their moment has come, and they have not
    late.cancel()
    await asyncio.sleep(1.0)
    kept.cancel()
    kept.cancel()

    assert [name for name, _ in rung] == ["yes"]
