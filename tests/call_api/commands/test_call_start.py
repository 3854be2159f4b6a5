import asyncio
from typing import Any

import pytest

from call_api.backends.base import Remains, StartStep
from call_api.commands.call_start import CallStart
from call_api.errors import CallFailed, OwnerLost, ProxyUnreachable
from call_api.events import (
    CalleeAnswered,
    CallerAnswered,
    Event,
    TransferPending,
    Transferring,
    TransferStart,
)
from call_api.model import CallId, SipUri
from tests.fakes.scripted_backend import ScriptedBackend
from tests.fakes.taking_over import GONE, taken_over

ALICE, BOB = SipUri("sip:alice@10.0.0.10"), SipUri("sip:bob@10.0.0.11")
OLD, NEW = CallId("old"), CallId("new")
ALICE_TO_BOB = CallStart(caller=ALICE, callee=BOB)

ANSWERED = StartStep(state="answered", callid=OLD)
TRANSFERRING = StartStep(state="transferring", callid=OLD)
START = StartStep(state="start", callid=NEW)
RINGING = StartStep(state="pending", callid=NEW, status="180 Ringing")
OK = StartStep(state="ok", callid=NEW)

TOLD: dict[str, Event] = {
    "answered": CallerAnswered(caller=ALICE, callee=BOB),
    "transferring": Transferring(caller=ALICE, destination=BOB),
    "start": TransferStart(callid=NEW, caller=ALICE, callee=BOB),
    "ringing": TransferPending(callid=NEW, caller=ALICE, callee=BOB, extra="180 Ringing"),
    "ok": CalleeAnswered(callid=NEW, caller=ALICE, callee=BOB),
}


async def test_each_step_of_a_new_call_is_told() -> None:
    backend = ScriptedBackend(ANSWERED, TRANSFERRING, START, RINGING, RINGING, OK)
    told: list[Event] = []

    await ALICE_TO_BOB.run(backend, told.append)

    names = ["answered", "transferring", "start", "ringing", "ringing", "ok"]
    assert told == [TOLD[name] for name in names]
    assert backend.asked == [("start", ALICE, BOB)]
    assert (backend.open_streams, backend.left_early) == (0, 0)


async def test_doubled_lost_and_late_steps_make_no_difference() -> None:
    backend = ScriptedBackend(RINGING, ANSWERED, ANSWERED, START, RINGING, OK, RINGING, OK)
    told: list[Event] = []

    await ALICE_TO_BOB.run(backend, told.append)

    assert [type(event).__name__ for event in told] == [
        "CallerAnswered",
        "Transferring",
        "TransferStart",
        "TransferPending",
        "CalleeAnswered",
    ]


async def test_a_busy_callee_fails_the_command_and_leaves_no_stream_open() -> None:
    backend = ScriptedBackend(ANSWERED, TRANSFERRING, START, CallFailed(486, "Busy Here"))
    told: list[Event] = []

    with pytest.raises(CallFailed, match="486 Busy Here"):
        await ALICE_TO_BOB.run(backend, told.append)

    assert told == [TOLD[name] for name in ("answered", "transferring", "start")]
    assert backend.open_streams == 0


async def test_a_silent_proxy_fails_the_command_before_anything_is_told() -> None:
    backend = ScriptedBackend(ANSWERED, refuses=ProxyUnreachable())
    told: list[Event] = []

    with pytest.raises(ProxyUnreachable):
        await ALICE_TO_BOB.run(backend, told.append)

    assert told == []


async def test_a_back_end_that_stops_in_the_middle_is_no_success() -> None:
    with pytest.raises(RuntimeError, match="no 'ok'"):
        await ALICE_TO_BOB.run(ScriptedBackend(ANSWERED, START), list[Event]().append)


@pytest.mark.parametrize("step", range(6))
async def test_a_cancelled_command_leaves_its_stream(step: int) -> None:
    script = [ANSWERED, TRANSFERRING, START, RINGING, OK]
    backend = ScriptedBackend(*script[:step], asyncio.Event(), *script[step:])
    told: list[Event] = []

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await ALICE_TO_BOB.run(backend, told.append)

    assert len(told) == step
    assert (backend.open_streams, backend.left_early) == (0, 1)


# Taken over from a daemon that died.


async def test_a_call_that_is_up_is_told_from_where_it_was_to_the_end() -> None:
    up = Remains(callid=NEW, call="up")
    steps = [TOLD[name] for name in ("answered", "transferring", "start", "ok")]

    for count in range(5):
        now, asked = await taken_over(ALICE_TO_BOB, up, *steps[:count])
        assert now == steps[count:]
        assert asked == [("remains_of_start", NEW if count > 2 else None)]


async def test_a_call_that_was_told_to_be_up_has_been_whatever_is_left_of_it() -> None:
    now, asked = await taken_over(ALICE_TO_BOB, GONE, *TOLD.values())

    assert (now, asked) == ([], [("remains_of_start", NEW)])


@pytest.mark.parametrize("call", ["unknown", "ringing", "caller"])
async def test_a_call_that_is_half_made_is_lost(call: Any) -> None:
    with pytest.raises(OwnerLost) as caught:
        await taken_over(ALICE_TO_BOB, Remains(callid=OLD, call=call), TOLD["answered"])

    assert caught.value.data == {"callid": OLD, "call": call}
