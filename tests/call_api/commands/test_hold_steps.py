from collections.abc import AsyncIterator, Sequence

import pytest

from call_api.backends.base import HoldStep
from call_api.commands.hold_steps import HoldWords, tell_legs
from call_api.errors import CallFailed
from call_api.events import CallHolding, CallHoldStart, CallHoldSuccessful, Event
from call_api.model import LEGS, LegName


def step(leg: LegName, state: str) -> HoldStep:
    return HoldStep(leg=leg, state="start" if state == "start" else "ok")


A_START, A_OK = step("caller", "start"), step("caller", "ok")
B_START, B_OK = step("callee", "start"), step("callee", "ok")


WORDS = HoldWords(
    CallHolding(),
    lambda leg: CallHoldStart(leg=leg),
    lambda leg, legs: CallHoldSuccessful(leg=leg, legs=legs),
)


async def stream(*items: HoldStep | Exception) -> AsyncIterator[HoldStep]:
    for item in items:
        if isinstance(item, Exception):
            raise item
        yield item


async def heard(legs: Sequence[LegName], *items: HoldStep | Exception) -> list[Event]:
    """What is told after the first event."""
    told: list[Event] = []
    await tell_legs(stream(*items), legs, told.append, WORDS)
    assert told[0] == CallHolding()
    return told[1:]


async def test_the_last_leg_to_agree_is_told_with_all_of_them() -> None:
    assert await heard(LEGS, B_START, A_START, B_OK, A_OK) == [
        CallHoldStart(leg="callee"),
        CallHoldStart(leg="caller"),
        CallHoldSuccessful(leg="callee"),
        CallHoldSuccessful(leg="caller", legs=("caller", "callee")),
    ]


async def test_one_leg_is_told_alone() -> None:
    assert await heard(["callee"], B_START, B_OK) == [
        CallHoldStart(leg="callee"),
        CallHoldSuccessful(leg="callee", legs=("callee",)),
    ]


async def test_doubled_lost_and_foreign_steps_make_no_difference() -> None:
    assert await heard(["caller"], B_START, A_OK, A_START, A_OK, B_OK) == [
        CallHoldStart(leg="caller"),
        CallHoldSuccessful(leg="caller", legs=("caller",)),
    ]


async def test_nothing_is_waited_for_after_the_step_that_says_it_is_the_last() -> None:
    last = HoldStep(leg="callee", state="ok", is_last=True)

    assert len(await heard(["callee"], B_START, last, CallFailed(488, leg="caller"))) == 2


async def test_a_leg_that_refuses_or_is_forgotten_is_no_success() -> None:
    with pytest.raises(CallFailed):
        await heard(LEGS, A_START, B_START, A_OK, CallFailed(488, leg="callee"))
    with pytest.raises(RuntimeError, match="no 'ok'"):
        await heard(LEGS, A_START, A_OK)
