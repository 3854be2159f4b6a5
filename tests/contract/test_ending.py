"""Backend.end and Backend.calls."""

import asyncio

import pytest

from call_api.errors import CallFailed, UnknownCall
from call_api.model import CallId
from tests.contract.acting import begin
from tests.contract.calls import idle, silent, started, talk
from tests.contract.lab import WITHIN, Lab, LabPhone


async def test_an_answered_call_ends_for_both(lab: Lab, alice: LabPhone, bob: LabPhone) -> None:
    callid = await started(lab, alice, bob)

    await lab.backend.end(callid)

    await idle(alice, bob)
    with pytest.raises(UnknownCall):
        await lab.backend.end(callid)


@pytest.mark.parametrize("who", ["alice", "bob"])
async def test_a_call_that_rings_ends_and_its_start_fails(
    lab: Lab, alice: LabPhone, bob: LabPhone, who: str
) -> None:
    await lab.phones[who].behave(answer_after=None)
    command = begin(lab.backend.start(alice.uri, bob.uri))
    await lab.phones[who].rings()
    (call,) = (await lab.backend.calls(10, None)).calls
    assert call.state != "answered"

    await lab.backend.end(call.callid)

    with pytest.raises((CallFailed, UnknownCall)):
        await command
    await idle(alice, bob)


async def test_a_call_that_two_phones_made_ends_for_both(
    lab: Lab, alice: LabPhone, bob: LabPhone
) -> None:
    await alice.call(bob.uri)
    await talk(alice, bob)
    (call,) = (await lab.backend.calls(10, None)).calls
    assert call.state == "answered"

    await lab.backend.end(call.callid)

    await idle(alice, bob)


async def test_a_call_on_hold_ends_for_both(lab: Lab, alice: LabPhone, bob: LabPhone) -> None:
    callid = await started(lab, alice, bob)
    await begin(lab.backend.hold(callid, ["caller", "callee"]))
    await silent(alice, bob)

    await lab.backend.end(callid)

    await idle(alice, bob)


async def test_two_ends_at_once_end_it_once(lab: Lab, alice: LabPhone, bob: LabPhone) -> None:
    callid = await started(lab, alice, bob)

    async with asyncio.timeout(WITHIN):
        outcomes = await asyncio.gather(
            lab.backend.end(callid), lab.backend.end(callid), return_exceptions=True
        )

    assert None in outcomes
    assert all(o is None or isinstance(o, UnknownCall) for o in outcomes)
    await idle(alice, bob)


async def test_a_party_that_hangs_up_ends_the_call_for_the_other(
    lab: Lab, alice: LabPhone, bob: LabPhone
) -> None:
    callid = await started(lab, alice, bob)

    await bob.hang_up()

    await idle(alice)
    assert (await lab.backend.calls(10, None)).calls == []
    with pytest.raises(UnknownCall):
        await lab.backend.end(callid)


async def test_an_unknown_call_cannot_be_ended(lab: Lab) -> None:
    with pytest.raises(UnknownCall) as caught:
        await lab.backend.end(CallId("nobody's"))

    assert caught.value.callid == "nobody's"


async def test_calls_are_listed_page_by_page_in_the_order_of_their_making(lab: Lab) -> None:
    alice, bob, carol, dave = lab.phones.values()
    made = [await started(lab, alice, bob), await started(lab, carol, dave)]

    page = await lab.backend.calls(1, None)
    rest = await lab.backend.calls(1, page.next)

    assert [call.callid for call in (*page.calls, *rest.calls)] == made
    assert (page.next, rest.next) == (made[0], None)
    assert page.calls[0].started <= rest.calls[0].started
    assert page.calls[0].started.utcoffset() is not None
