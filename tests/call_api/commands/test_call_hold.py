import pytest

from call_api.backends.base import HoldStep, Remains
from call_api.commands.call_hold import CallHold
from call_api.errors import CallFailed, OwnerLost
from call_api.events import CallHolding, CallHoldStart, CallHoldSuccessful, Event
from call_api.model import CallId
from tests.fakes.scripted_backend import ScriptedBackend
from tests.fakes.taking_over import GONE, taken_over

CALL = CallId("a")
A_START, A_OK = HoldStep(leg="caller", state="start"), HoldStep(leg="caller", state="ok")
B_START, B_OK = HoldStep(leg="callee", state="start"), HoldStep(leg="callee", state="ok")


async def test_both_legs_are_meant_when_none_is_named() -> None:
    backend = ScriptedBackend(A_START, B_START, A_OK, B_OK)
    told: list[Event] = []

    await CallHold(callid=CALL).run(backend, told.append)

    assert told == [
        CallHolding(),
        CallHoldStart(leg="caller"),
        CallHoldStart(leg="callee"),
        CallHoldSuccessful(leg="caller"),
        CallHoldSuccessful(leg="callee", legs=("caller", "callee")),
    ]
    assert backend.asked == [("hold", CALL, ("caller", "callee"))]


async def test_one_leg_can_be_named() -> None:
    backend = ScriptedBackend(B_START, B_OK)
    told: list[Event] = []

    await CallHold(callid=CALL, leg="callee").run(backend, told.append)

    assert told[-1] == CallHoldSuccessful(leg="callee", legs=("callee",))
    assert backend.asked == [("hold", CALL, ("callee",))]


async def test_a_leg_that_refuses_fails_the_command() -> None:
    backend = ScriptedBackend(A_START, B_START, A_OK, CallFailed(488, leg="callee"))
    told: list[Event] = []

    with pytest.raises(CallFailed):
        await CallHold(callid=CALL).run(backend, told.append)

    assert told[-1] == CallHoldSuccessful(leg="caller")
    assert backend.open_streams == 0


# Taken over from a daemon that died.


async def test_legs_that_are_on_hold_are_told_from_where_it_was_to_the_end() -> None:
    done = Remains(callid=CALL, call="up", held=("caller", "callee"))
    steps: list[Event] = [
        CallHolding(),
        CallHoldStart(leg="caller"),
        CallHoldSuccessful(leg="caller"),
        CallHoldStart(leg="callee"),
        CallHoldSuccessful(leg="callee", legs=("caller", "callee")),
    ]

    for count in range(6):
        now, asked = await taken_over(CallHold(callid=CALL), done, *steps[:count])
        assert now == steps[count:]
        assert asked == [("remains", CALL)]


async def test_the_leg_that_is_told_last_is_told_with_all_of_them() -> None:
    done = Remains(callid=CALL, call="up", held=("caller", "callee"))
    before = (CallHolding(), CallHoldStart(leg="callee"), CallHoldSuccessful(leg="callee"))

    now, _ = await taken_over(CallHold(callid=CALL), done, *before)

    assert now == [
        CallHoldStart(leg="caller"),
        CallHoldSuccessful(leg="caller", legs=("caller", "callee")),
    ]


async def test_what_was_told_of_all_legs_is_so_whatever_is_left() -> None:
    all_ = CallHoldSuccessful(leg="callee", legs=("callee",))

    assert (await taken_over(CallHold(callid=CALL, leg="callee"), GONE, CallHolding(), all_))[
        0
    ] == []


async def test_legs_that_are_not_on_hold_are_lost() -> None:
    half = Remains(callid=CALL, call="up", held=("caller",))

    for left, said in ((half, "up"), (GONE, "unknown")):
        with pytest.raises(OwnerLost) as caught:
            await taken_over(CallHold(callid=CALL), left, CallHoldSuccessful(leg="caller"))
        assert caught.value.call == said
