"""Backend.transfer: one party goes to somebody else, or everything stays as it was."""

import asyncio

import pytest

from call_api.backends.base import TransferStep
from call_api.errors import CallApiError, CallFailed, UnknownCall
from call_api.model import LEGS, CallId, LegName
from tests.contract.acting import begin, leave, run
from tests.contract.calls import idle, silent, started, talk
from tests.contract.lab import Lab, LabPhone

EACH_LEG = pytest.mark.parametrize("leg", LEGS)


def parties(lab: Lab, leg: LegName) -> tuple[LabPhone, LabPhone]:
    """The one who goes, and the one who is left."""
    alice, bob = lab.phones["alice"], lab.phones["bob"]
    return (alice, bob) if leg == "caller" else (bob, alice)


def is_in_order(steps: list[TransferStep]) -> bool:
    order = [("start", "pending", "ok").index(step.state) for step in steps]
    return order == sorted(order) and [s.state for s in steps].count("start") == 1


@EACH_LEG
async def test_a_party_talks_to_the_destination_and_the_other_one_is_released(
    lab: Lab, alice: LabPhone, bob: LabPhone, carol: LabPhone, leg: LegName
) -> None:
    goes, stays = parties(lab, leg)
    callid = await started(lab, alice, bob)

    steps = await run(lab.backend.transfer(callid, leg, carol.uri))

    assert is_in_order(steps)
    assert steps[-1].state == "ok"
    assert {step.destination for step in steps} == {carol.uri}
    await idle(stays)
    await talk(goes, carol)
    (call,) = (await lab.backend.calls(10, None)).calls
    assert call.callid == steps[-1].callid
    assert {call.caller, call.callee} == {goes.uri, carol.uri}


async def test_the_name_that_the_last_step_tells_takes_further_commands(
    lab: Lab, alice: LabPhone, bob: LabPhone, carol: LabPhone, dave: LabPhone
) -> None:
    callid = await started(lab, alice, bob)
    callid = (await run(lab.backend.transfer(callid, "caller", carol.uri)))[-1].callid

    await run(lab.backend.hold(callid, LEGS))
    await silent(alice, carol)
    await run(lab.backend.unhold(callid, LEGS))
    await talk(alice, carol)
    steps = await run(lab.backend.transfer(callid, "callee", dave.uri))

    assert steps[-1].state == "ok"
    (last,) = (await lab.backend.calls(10, None)).calls
    await dave.talks()
    await lab.backend.end(last.callid)
    await idle(alice, carol, dave)


@EACH_LEG
@pytest.mark.parametrize("status", [486, 603])
async def test_a_destination_that_refuses_leaves_the_call_as_it_was(
    lab: Lab, alice: LabPhone, bob: LabPhone, carol: LabPhone, leg: LegName, status: int
) -> None:
    callid = await started(lab, alice, bob)
    await carol.behave(refuse_with=status)

    with pytest.raises(CallFailed) as caught:
        await run(lab.backend.transfer(callid, leg, carol.uri))

    assert caught.value.status == status
    await talk(alice, bob)


@EACH_LEG
async def test_a_destination_without_a_phone_leaves_the_call_as_it_was(
    lab: Lab, alice: LabPhone, bob: LabPhone, leg: LegName
) -> None:
    callid = await started(lab, alice, bob)

    with pytest.raises(CallFailed) as caught:
        await run(lab.backend.transfer(callid, leg, lab.nobody))

    assert caught.value.status in (404, 480)
    await talk(alice, bob)


@EACH_LEG
async def test_a_destination_that_never_answers_leaves_the_call_as_it_was(
    lab: Lab, alice: LabPhone, bob: LabPhone, carol: LabPhone, leg: LegName
) -> None:
    callid = await started(lab, alice, bob)
    await carol.behave(answer_after=None)

    with pytest.raises(CallFailed) as caught:
        await run(lab.backend.transfer(callid, leg, carol.uri))

    assert caught.value.status == 408
    await idle(carol)
    await talk(alice, bob)


@EACH_LEG
@pytest.mark.parametrize("state", ["start", "pending"])
async def test_left_at_a_step_the_old_call_goes_on(
    lab: Lab, alice: LabPhone, bob: LabPhone, carol: LabPhone, leg: LegName, state: str
) -> None:
    callid = await started(lab, alice, bob)
    await carol.behave(answer_after=None)

    await leave(lab.backend.transfer(callid, leg, carol.uri), at=lambda step: step.state == state)

    await idle(carol)
    await talk(alice, bob)


@EACH_LEG
@pytest.mark.parametrize("wait_ms", [0, 2, 5, 20, 45, 52, 55, 60, 70])
async def test_cancelled_at_any_time_it_leaves_the_old_call_or_the_new_one(
    lab: Lab, alice: LabPhone, bob: LabPhone, carol: LabPhone, leg: LegName, wait_ms: int
) -> None:
    goes, stays = parties(lab, leg)
    callid = await started(lab, alice, bob)
    command = begin(lab.backend.transfer(callid, leg, carol.uri))
    await asyncio.sleep(wait_ms / 1000)

    command.cancel()

    await asyncio.wait([command])
    await goes.talks()
    others = [phone for phone in (stays, carol) if await phone.callids()]
    await talk(goes, others[0])


async def test_the_party_that_goes_may_hang_up_meanwhile(
    lab: Lab, alice: LabPhone, bob: LabPhone, carol: LabPhone
) -> None:
    callid = await started(lab, alice, bob)
    await carol.behave(answer_after=None)
    command = begin(lab.backend.transfer(callid, "caller", carol.uri))
    await carol.rings()

    await alice.hang_up()

    with pytest.raises(CallApiError):
        await command
    await idle(bob, carol)


async def test_a_call_that_is_ended_meanwhile_ends_the_transfer(
    lab: Lab, alice: LabPhone, bob: LabPhone, carol: LabPhone
) -> None:
    callid = await started(lab, alice, bob)
    await carol.behave(answer_after=None)
    command = begin(lab.backend.transfer(callid, "caller", carol.uri))
    await carol.rings()

    await lab.backend.end(callid)

    with pytest.raises(CallApiError):
        await command
    await idle(alice, bob, carol)


async def test_two_transfers_of_one_call_at_once_have_one_outcome(
    lab: Lab, alice: LabPhone, bob: LabPhone, carol: LabPhone, dave: LabPhone
) -> None:
    callid = await started(lab, alice, bob)

    commands = [
        begin(lab.backend.transfer(callid, "caller", phone.uri), str(phone.uri))
        for phone in (carol, dave)
    ]
    await asyncio.wait(commands)

    outcomes = [command.exception() for command in commands]
    assert outcomes.count(None) == 1
    assert sum(isinstance(outcome, CallApiError) for outcome in outcomes) == 1
    winner = (carol, dave)[outcomes.index(None)]
    await talk(alice, winner)
    await idle(bob, (carol, dave)[1 - outcomes.index(None)])


async def test_an_unknown_call_is_an_error(lab: Lab, carol: LabPhone) -> None:
    with pytest.raises(UnknownCall):
        await run(lab.backend.transfer(CallId("nobody's"), "caller", carol.uri))
