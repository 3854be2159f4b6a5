import pytest

from call_api.backends.base import Remains, TransferStep
from call_api.commands.call_attended_transfer import CallAttendedTransfer
from call_api.errors import CallBusy, OwnerLost
from call_api.events import Event, Transferring, TransferStart, TransferSuccessful
from call_api.model import CallId, SipUri
from tests.fakes.scripted_backend import ScriptedBackend
from tests.fakes.taking_over import taken_over

CAROL = SipUri("sip:carol@10.0.0.12")
A, B, NEW = CallId("a"), CallId("b"), CallId("new")
JOIN = CallAttendedTransfer(callid_a=A, leg_a="callee", callid_b=B, leg_b="caller")
START = TransferStep(state="start", callid=NEW, destination=CAROL)
OK = TransferStep(state="ok", callid=NEW, destination=CAROL)


async def test_each_step_of_a_join_is_told() -> None:
    backend = ScriptedBackend(START, OK)
    told: list[Event] = []

    await JOIN.run(backend, told.append)

    assert told == [
        Transferring(),
        TransferStart(callid=NEW, destination=CAROL),
        TransferSuccessful(callid=NEW, destination=CAROL),
    ]
    assert backend.asked == [("join", A, "callee", B, "caller", None)]


async def test_the_destination_is_passed_on() -> None:
    backend = ScriptedBackend(START, OK)
    join = CallAttendedTransfer(
        callid_a=A, leg_a="callee", callid_b=B, leg_b="caller", destination=CAROL
    )

    await join.run(backend, list[Event]().append)

    assert backend.asked == [("join", A, "callee", B, "caller", CAROL)]


async def test_of_a_busy_call_nothing_is_told() -> None:
    told: list[Event] = []

    with pytest.raises(CallBusy):
        await JOIN.run(ScriptedBackend(refuses=CallBusy(A)), told.append)

    assert told == []


# Taken over from a daemon that died.


async def test_a_complete_join_is_told_with_whom_it_has_reached() -> None:
    up = Remains(callid=NEW, call="up", destination=CAROL)
    now, asked = await taken_over(JOIN, up)

    assert now == [
        Transferring(),
        TransferStart(callid=NEW, destination=CAROL),
        TransferSuccessful(callid=NEW, destination=CAROL),
    ]
    assert asked == [("remains_of_transfer", (A, B), None)]


async def test_a_join_that_is_not_complete_is_lost() -> None:
    with pytest.raises(OwnerLost):
        await taken_over(JOIN, Remains(callid=A, call="untransferred"))
