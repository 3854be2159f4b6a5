import pytest

from call_api.backends.base import TransferStep
from call_api.commands.call_attended_transfer import CallAttendedTransfer
from call_api.errors import CallBusy
from call_api.events import Event, Transferring, TransferStart, TransferSuccessful
from call_api.model import CallId, SipUri
from tests.fakes.scripted_backend import ScriptedBackend

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
