import pytest

from call_api.backends.base import Remains, TransferStep
from call_api.commands.call_blind_transfer import CallBlindTransfer
from call_api.errors import CallFailed, OwnerLost, UnknownCall
from call_api.events import (
    Event,
    TransferPending,
    Transferring,
    TransferStart,
    TransferSuccessful,
)
from call_api.model import CallId, SipUri
from tests.fakes.scripted_backend import ScriptedBackend
from tests.fakes.taking_over import GONE, taken_over

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


# Taken over from a daemon that died.


async def test_a_complete_transfer_is_told_from_where_it_was_to_the_end() -> None:
    up = Remains(callid=NEW, call="up", destination="sip:not@asked")
    steps = [
        Transferring(destination=CAROL),
        TransferStart(callid=NEW, destination=CAROL),
        TransferSuccessful(callid=NEW, destination=CAROL),
    ]

    for count in range(4):
        now, asked = await taken_over(TO_CAROL, up, *steps[:count])
        assert now == steps[count:]
        assert asked == [("remains_of_transfer", (OLD,), NEW if count > 1 else None)]


async def test_a_transfer_that_is_not_complete_is_lost() -> None:
    with pytest.raises(OwnerLost) as caught:
        await taken_over(TO_CAROL, Remains(callid=OLD, call="untransferred"))

    assert caught.value.data == {"callid": OLD, "call": "untransferred"}


async def test_a_transfer_that_was_told_to_be_complete_is_so_whatever_is_left() -> None:
    done = TransferSuccessful(callid=NEW, destination=CAROL)

    assert (await taken_over(TO_CAROL, GONE, done))[0] == []
