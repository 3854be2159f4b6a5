import pytest

from call_api.backends.base import HoldStep
from call_api.commands.call_unhold import CallUnhold
from call_api.errors import CallFailed
from call_api.events import CallUnholding, CallUnholdStart, CallUnholdSuccessful, Event
from call_api.model import CallId
from tests.fakes.scripted_backend import ScriptedBackend

CALL = CallId("a")
A_START, A_OK = HoldStep(leg="caller", state="start"), HoldStep(leg="caller", state="ok")
B_START, B_OK = HoldStep(leg="callee", state="start"), HoldStep(leg="callee", state="ok")


async def test_both_legs_are_meant_when_none_is_named() -> None:
    backend = ScriptedBackend(A_START, B_START, A_OK, B_OK)
    told: list[Event] = []

    await CallUnhold(callid=CALL).run(backend, told.append)

    assert told == [
        CallUnholding(),
        CallUnholdStart(leg="caller"),
        CallUnholdStart(leg="callee"),
        CallUnholdSuccessful(leg="caller"),
        CallUnholdSuccessful(leg="callee", legs=("caller", "callee")),
    ]
    assert backend.asked == [("unhold", CALL, ("caller", "callee"))]


async def test_one_leg_can_be_named() -> None:
    backend = ScriptedBackend(B_START, B_OK)
    told: list[Event] = []

    await CallUnhold(callid=CALL, leg="callee").run(backend, told.append)

    assert told[-1] == CallUnholdSuccessful(leg="callee", legs=("callee",))
    assert backend.asked == [("unhold", CALL, ("callee",))]


async def test_a_leg_that_refuses_fails_the_command() -> None:
    backend = ScriptedBackend(A_START, B_START, A_OK, CallFailed(488, leg="callee"))
    told: list[Event] = []

    with pytest.raises(CallFailed):
        await CallUnhold(callid=CALL).run(backend, told.append)

    assert told[-1] == CallUnholdSuccessful(leg="caller")
    assert backend.open_streams == 0
