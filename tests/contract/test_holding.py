"""Backend.hold and Backend.unhold: who hears whom."""

import asyncio

import pytest

from call_api.backends.base import HoldStep
from call_api.errors import CallApiError, CallBusy, CallFailed, ProxyRefused, UnknownCall
from call_api.model import LEGS, CallId, LegName
from tests.contract.acting import begin, leave, run
from tests.contract.calls import idle, silent, started, talk
from tests.contract.lab import Lab, LabPhone


def legs_of(steps: list[HoldStep], state: str) -> list[LegName]:
    return sorted(step.leg for step in steps if step.state == state)


async def held(lab: Lab) -> list[LegName]:
    (call,) = (await lab.backend.calls(10, None)).calls
    return sorted(call.held)


async def test_both_parties_are_put_on_hold_and_let_go(
    lab: Lab, alice: LabPhone, bob: LabPhone
) -> None:
    callid = await started(lab, alice, bob)

    steps = await run(lab.backend.hold(callid, LEGS))

    assert legs_of(steps, "start") == legs_of(steps, "ok") == sorted(LEGS)
    await silent(alice, bob)
    assert await held(lab) == sorted(LEGS)
    steps = await run(lab.backend.unhold(callid, LEGS))
    assert legs_of(steps, "start") == legs_of(steps, "ok") == sorted(LEGS)
    await talk(alice, bob)
    assert await held(lab) == []


@pytest.mark.parametrize("leg", LEGS)
async def test_one_party_is_put_on_hold_and_let_go(
    lab: Lab, alice: LabPhone, bob: LabPhone, leg: LegName
) -> None:
    callid = await started(lab, alice, bob)

    steps = await run(lab.backend.hold(callid, [leg]))

    assert legs_of(steps, "start") == legs_of(steps, "ok") == [leg]
    await silent(alice if leg == "callee" else bob)  # nobody hears who is on hold
    assert await held(lab) == [leg]
    await run(lab.backend.unhold(callid, [leg]))
    await talk(alice, bob)
    assert await held(lab) == []


@pytest.mark.parametrize(("leg", "refuser"), [("caller", "alice"), ("callee", "bob")])
async def test_a_phone_that_refuses_is_named_and_the_call_goes_on(
    lab: Lab, alice: LabPhone, bob: LabPhone, leg: LegName, refuser: str
) -> None:
    callid = await started(lab, alice, bob)
    await lab.phones[refuser].behave(refuse_changes_with=488)

    with pytest.raises(CallFailed) as caught:
        await run(lab.backend.hold(callid, LEGS))

    assert (caught.value.status, caught.value.leg) == (488, leg)
    await lab.phones[refuser].behave()
    await run(lab.backend.unhold(callid, LEGS))
    await talk(alice, bob)


@pytest.mark.parametrize("is_on", [True, False])
async def test_an_unknown_call_is_an_error(lab: Lab, is_on: bool) -> None:
    do = lab.backend.hold if is_on else lab.backend.unhold

    with pytest.raises(UnknownCall):
        await run(do(CallId("nobody's"), LEGS))


async def test_a_call_that_two_phones_made_can_be_held(
    lab: Lab, alice: LabPhone, bob: LabPhone
) -> None:
    await alice.call(bob.uri)
    await talk(alice, bob)
    (call,) = (await lab.backend.calls(10, None)).calls

    await run(lab.backend.hold(call.callid, LEGS))
    await silent(alice, bob)
    await run(lab.backend.unhold(call.callid, LEGS))

    await talk(alice, bob)


async def test_two_holds_at_once_leave_one_clear_state(
    lab: Lab, alice: LabPhone, bob: LabPhone
) -> None:
    callid = await started(lab, alice, bob)

    commands = [begin(lab.backend.hold(callid, LEGS), str(number)) for number in range(2)]
    await asyncio.wait(commands)

    outcomes = [command.exception() for command in commands]
    assert None in outcomes
    assert all(o is None or isinstance(o, CallApiError) for o in outcomes)
    await silent(alice, bob)
    await run(lab.backend.unhold(callid, LEGS))
    await talk(alice, bob)


async def test_calls_are_held_side_by_side(lab: Lab) -> None:
    alice, bob, carol, dave = lab.phones.values()
    callids = [await started(lab, alice, bob), await started(lab, carol, dave)]

    commands = [begin(lab.backend.hold(callid, LEGS), callid) for callid in callids]
    await asyncio.wait(commands)

    assert [command.exception() for command in commands] == [None, None]
    await silent(alice, bob, carol, dave)


@pytest.mark.parametrize("is_on", [True, False])
@pytest.mark.parametrize("state", ["start", "ok"])
async def test_left_at_a_step_the_call_can_be_used_as_before(
    lab: Lab, alice: LabPhone, bob: LabPhone, state: str, is_on: bool
) -> None:
    callid = await started(lab, alice, bob)
    if not is_on:
        await run(lab.backend.hold(callid, LEGS))
    do = lab.backend.hold if is_on else lab.backend.unhold

    await leave(do(callid, LEGS), at=lambda step: step.state == state)

    await not_busy(lab, callid)
    await run(lab.backend.hold(callid, LEGS))
    await silent(alice, bob)
    await run(lab.backend.unhold(callid, LEGS))
    await talk(alice, bob)


async def test_a_party_that_hangs_up_meanwhile_does_not_hang_the_command(
    lab: Lab, alice: LabPhone, bob: LabPhone
) -> None:
    callid = await started(lab, alice, bob)

    command = begin(lab.backend.hold(callid, LEGS))
    await bob.hang_up()

    await asyncio.wait([command])
    assert isinstance(command.exception(), CallApiError | None)
    await idle(alice)


async def not_busy(lab: Lab, callid: CallId) -> None:
    """Wait until what was left early has been put back."""
    while True:
        try:
            await run(lab.backend.unhold(callid, LEGS))
        except CallBusy:
            await asyncio.sleep(0.05)
        except ProxyRefused:  # for a proxy that refuses to do what was done already
            return
        else:
            return
