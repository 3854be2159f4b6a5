"""Backend.start: two parties are called and joined, or it fails and nobody is left."""

import asyncio

import pytest

from call_api.backends.base import StartStep
from call_api.errors import CallFailed
from call_api.model import CallId
from tests.contract.acting import acting, begin, leave, run
from tests.contract.calls import idle, started, talk
from tests.contract.lab import Lab, LabPhone

STATES = ["answered", "transferring", "start", "pending", "ok"]


def is_in_order(steps: list[StartStep]) -> bool:
    """Whether the steps come in their order; only ``pending`` may be missing, or repeat."""
    told = [step.state for step in steps if step.state != "pending"]
    order = [STATES.index(step.state) for step in steps]
    return order == sorted(order) and told == [s for s in STATES if s != "pending"][: len(told)]


async def test_both_parties_talk(lab: Lab, alice: LabPhone, bob: LabPhone) -> None:
    steps = await run(lab.backend.start(alice.uri, bob.uri))

    assert is_in_order(steps)
    assert steps[-1].state == "ok"
    await talk(alice, bob)
    (call,) = (await lab.backend.calls(10, None)).calls
    assert (call.callid, call.state, list(call.held)) == (steps[-1].callid, "answered", [])
    assert {call.caller, call.callee} == {alice.uri, bob.uri}


async def test_from_start_on_every_step_says_what_the_call_is_called(
    lab: Lab, alice: LabPhone, bob: LabPhone
) -> None:
    steps = await run(lab.backend.start(alice.uri, bob.uri))

    named = [step.callid for step in steps if step.state in ("start", "pending", "ok")]
    assert len(set(named)) == 1


async def test_progress_is_a_status_and_its_phrase(
    lab: Lab, alice: LabPhone, bob: LabPhone
) -> None:
    await bob.behave(answer_after=0.3)

    steps = await run(lab.backend.start(alice.uri, bob.uri))

    pending = [step.status for step in steps if step.state == "pending"]
    assert "180 Ringing" in pending
    assert all(100 <= int(status.split()[0]) < 200 for status in pending)


async def test_the_callers_first_leg_has_the_name_that_the_command_chose(
    lab: Lab, alice: LabPhone, bob: LabPhone
) -> None:
    await alice.behave(answer_after=None)
    async with acting() as callid, lab.backend.start(alice.uri, bob.uri):
        await alice.rings()
        assert await alice.callids() == [callid]


@pytest.mark.parametrize("status", [486, 603])
@pytest.mark.parametrize("who", ["alice", "bob"])
async def test_a_party_that_refuses_fails_it_and_nobody_is_left(
    lab: Lab, alice: LabPhone, bob: LabPhone, who: str, status: int
) -> None:
    await lab.phones[who].behave(refuse_with=status)

    with pytest.raises(CallFailed) as caught:
        await run(lab.backend.start(alice.uri, bob.uri))

    assert caught.value.status == status
    assert caught.value.reason
    await idle(alice, bob)


@pytest.mark.parametrize("who", ["caller", "callee"])
async def test_a_party_without_a_phone_fails_it(lab: Lab, alice: LabPhone, who: str) -> None:
    pair = (lab.nobody, alice.uri) if who == "caller" else (alice.uri, lab.nobody)

    with pytest.raises(CallFailed) as caught:
        await run(lab.backend.start(*pair))

    assert caught.value.status in (404, 480)
    await idle(alice)


@pytest.mark.parametrize("who", ["alice", "bob"])
async def test_a_party_that_never_answers_is_given_up_in_time(
    lab: Lab, alice: LabPhone, bob: LabPhone, who: str
) -> None:
    await lab.phones[who].behave(answer_after=None)

    with pytest.raises(CallFailed) as caught:
        await run(lab.backend.start(alice.uri, bob.uri))

    assert caught.value.status == 408
    await idle(alice, bob)


async def test_a_caller_that_hangs_up_while_the_callee_rings_fails_it(
    lab: Lab, alice: LabPhone, bob: LabPhone
) -> None:
    await bob.behave(answer_after=None)
    command = begin(lab.backend.start(alice.uri, bob.uri))
    await bob.rings()

    await alice.hang_up()

    with pytest.raises(CallFailed) as caught:
        await command
    assert caught.value.reason
    await idle(bob)


@pytest.mark.parametrize("state", STATES[:-1])
async def test_left_at_a_step_nobody_rings_and_nobody_is_in_a_call(
    lab: Lab, alice: LabPhone, bob: LabPhone, state: str
) -> None:
    await bob.behave(answer_after=0.5)

    steps = await leave(lab.backend.start(alice.uri, bob.uri), at=lambda step: step.state == state)

    assert steps[-1].state == state
    await idle(alice, bob)


@pytest.mark.parametrize("who", ["alice", "bob"])
async def test_cancelled_while_a_party_rings_it_stops_ringing(
    lab: Lab, alice: LabPhone, bob: LabPhone, who: str
) -> None:
    await lab.phones[who].behave(answer_after=None)
    command = begin(lab.backend.start(alice.uri, bob.uri))
    await lab.phones[who].rings()

    command.cancel()

    await asyncio.wait([command])
    await idle(alice, bob)


@pytest.mark.parametrize("wait_ms", [0, 1, 3, 10, 30, 50, 55, 60, 80, 105, 110, 120, 150])
async def test_cancelled_at_any_time_it_leaves_all_or_nothing(
    lab: Lab, alice: LabPhone, bob: LabPhone, wait_ms: int
) -> None:
    command = begin(lab.backend.start(alice.uri, bob.uri))
    await asyncio.sleep(wait_ms / 1000)

    command.cancel()

    await asyncio.wait([command])
    if command.cancelled():
        await idle(alice, bob)
    else:
        await talk(alice, bob)


async def test_many_calls_at_once_do_not_disturb_each_other(lab: Lab) -> None:
    alice, bob, carol, dave = lab.phones.values()
    pairs = [(alice, bob), (carol, dave), (bob, carol), (dave, alice)] * 5
    await carol.behave(refuse_with=486)

    commands = [begin(lab.backend.start(a.uri, b.uri), str(n)) for n, (a, b) in enumerate(pairs)]
    await asyncio.wait(commands)

    outcomes = [command.exception() for command in commands]
    for (a, b), outcome in zip(pairs, outcomes, strict=True):
        if carol in (a, b):
            assert isinstance(outcome, CallFailed)
            assert outcome.status == 486
        else:
            assert outcome is None
    callids = [command.result()[-1].callid for command in commands if not command.exception()]
    listed = [call.callid for call in (await lab.backend.calls(100, None)).calls]
    assert sorted(listed) == sorted(set(callids))


async def test_a_second_call_of_the_same_two_is_a_call_of_its_own(
    lab: Lab, alice: LabPhone, bob: LabPhone
) -> None:
    first = await started(lab, alice, bob)
    second = (await run(lab.backend.start(alice.uri, bob.uri)))[-1].callid

    await lab.backend.end(first)

    assert first != second
    assert [call.callid for call in (await lab.backend.calls(10, None)).calls] == [second]
    await talk(alice, bob)
    assert CallId(second)
