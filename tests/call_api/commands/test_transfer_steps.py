from collections.abc import AsyncIterator

import pytest

from call_api.backends.base import Remains, TransferStep
from call_api.commands.transfer_steps import tell_missing, tell_transfer
from call_api.errors import CallFailed
from call_api.events import Event, TransferPending, Transferring, TransferStart, TransferSuccessful
from call_api.model import CallId, SipUri
from tests.fakes.taking_over import told

CAROL = SipUri("sip:carol@10.0.0.12")
NEW = CallId("new")
START = TransferStep(state="start", callid=NEW, destination=CAROL)
RINGING = TransferStep(state="pending", callid=NEW, destination=CAROL, status="180 Ringing")
OK = TransferStep(state="ok", callid=NEW, destination=CAROL)

STARTED = TransferStart(callid=NEW, destination=CAROL)
PENDING = TransferPending(callid=NEW, destination=CAROL, extra="180 Ringing")
DONE = TransferSuccessful(callid=NEW, destination=CAROL)


async def stream(*items: TransferStep | Exception) -> AsyncIterator[TransferStep]:
    for item in items:
        if isinstance(item, Exception):
            raise item
        yield item


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ([START, RINGING, RINGING, OK], [STARTED, PENDING, PENDING, DONE]),
        ([START, OK], [STARTED, DONE]),
        ([OK], [STARTED, DONE]),
        ([RINGING, START, START, OK, RINGING, START], [STARTED, DONE]),
    ],
)
async def test_a_transfer_starts_rings_and_succeeds(
    steps: list[TransferStep], told: list[Event]
) -> None:
    heard: list[Event] = []

    await tell_transfer(stream(*steps), heard.append)

    assert heard == told


async def test_a_transfer_that_fails_or_stops_is_no_success() -> None:
    heard: list[Event] = []

    with pytest.raises(CallFailed):
        await tell_transfer(stream(START, CallFailed(603)), heard.append)
    with pytest.raises(RuntimeError, match="no 'ok'"):
        await tell_transfer(stream(START), heard.append)

    assert heard == [STARTED, STARTED]


async def test_whom_a_transfer_has_reached_may_not_be_known() -> None:
    events: list[Event] = []
    up = Remains(callid=CallId("c"), call="up")

    tell_missing(up, None, told(), events.append, Transferring())

    assert events[-1] == TransferSuccessful(callid=CallId("c"), destination=None)
