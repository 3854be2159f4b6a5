import pytest

from call_api.backends.base import TransferStep
from call_api.commands.call_blind_transfer import CallBlindTransfer
from call_api.errors import CallFailed, UnknownCall
from call_api.events import (
    Event,
    TransferPending,
    Transferring,
    TransferStart,
    TransferSuccessful,
)
from call_api.model import CallId, SipUri
from tests.fakes.scripted_backend import ScriptedBackend

CAROL = SipUri("sip:carol@10.0.0.12")
OLD, NEW = CallId("a"), CallId("b")
TO_CAROL = CallBlindTransfer(callid=OLD, leg="callee", destination=CAROL)
START = TransferStep(state="start", callid=NEW, destination=CAROL)
RINGING = TransferStep(state="pending", callid=NEW, destination=CAROL, status="180 Ringing")
OK = TransferStep(state="ok", callid=NEW, destination=CAROL)


async def test_each_step_of_a_transfer_is_told() -> None:
    backend = ScriptedBackend(START, RINGING, OK)
    told: list[Event] = []

    await TO_CAROL.run(backend, told.append)

    assert told == [
        Transferring(destination=CAROL),
        TransferStart(callid=NEW, destination=CAROL),
        TransferPending(callid=NEW, destination=CAROL, extra="180 Ringing"),
        TransferSuccessful(callid=NEW, destination=CAROL),
    ]
    assert backend.asked == [("transfer", OLD, "callee", CAROL)]


async def test_a_refusal_fails_the_command_and_leaves_no_stream_open() -> None:
    backend = ScriptedBackend(START, RINGING, CallFailed(486, "Busy Here"))
    told: list[Event] = []

    with pytest.raises(CallFailed, match="486 Busy Here"):
        await TO_CAROL.run(backend, told.append)

    assert [type(event) for event in told] == [Transferring, TransferStart, TransferPending]
    assert backend.open_streams == 0


async def test_of_an_unknown_call_nothing_is_told() -> None:
    told: list[Event] = []

    with pytest.raises(UnknownCall):
        await TO_CAROL.run(ScriptedBackend(refuses=UnknownCall(OLD)), told.append)

    assert told == []
