"""Backend.join: one party of each of two calls, or everything stays as it was."""

import asyncio

import pytest

from call_api.errors import CallFailed, UnknownCall
from call_api.model import LEGS, CallId, LegName
from tests.contract.acting import begin, run
from tests.contract.calls import idle, started, talk
from tests.contract.lab import Lab, LabPhone

EACH_A = pytest.mark.parametrize("leg_a", LEGS)
EACH_B = pytest.mark.parametrize("leg_b", LEGS)


class Two:
    """Alice with bob, and carol with dave; ``x`` and ``y`` are to be joined."""

    def __init__(self, lab: Lab, leg_a: LegName, leg_b: LegName) -> None:
        alice, bob, carol, dave = lab.phones.values()
        self.lab = lab
        self.legs = (leg_a, leg_b)
        self.x, self.left_a = (alice, bob) if leg_a == "caller" else (bob, alice)
        self.y, self.left_b = (carol, dave) if leg_b == "caller" else (dave, carol)
        self.a = self.b = CallId("")

    async def start(self) -> "Two":
        alice, bob, carol, dave = self.lab.phones.values()
        self.a = await started(self.lab, alice, bob)
        self.b = await started(self.lab, carol, dave)
        return self


@EACH_A
@EACH_B
async def test_two_parties_are_joined_and_the_two_others_released(
    lab: Lab, leg_a: LegName, leg_b: LegName
) -> None:
    two = await Two(lab, leg_a, leg_b).start()

    steps = await run(lab.backend.join(two.a, leg_a, two.b, leg_b))

    assert [step.state for step in steps if step.state != "pending"] == ["start", "ok"]
    assert steps[-1].destination == two.y.uri
    await idle(two.left_a, two.left_b)
    await talk(two.x, two.y)
    (call,) = (await lab.backend.calls(10, None)).calls
    assert call.callid == steps[-1].callid
    assert {call.caller, call.callee} == {two.x.uri, two.y.uri}


async def test_the_joined_call_takes_further_commands(lab: Lab, carol: LabPhone) -> None:
    two = await Two(lab, "caller", "callee").start()
    callid = (await run(lab.backend.join(two.a, "caller", two.b, "callee")))[-1].callid
    await talk(two.x, two.y)

    await run(lab.backend.hold(callid, LEGS))
    await run(lab.backend.unhold(callid, LEGS))
    await talk(two.x, two.y)
    await lab.backend.end(callid)

    await idle(two.x, two.y)


async def test_the_one_who_consulted_is_released_from_both_calls(
    lab: Lab, alice: LabPhone, bob: LabPhone, carol: LabPhone
) -> None:
    first = await started(lab, alice, bob)
    await run(lab.backend.hold(first, LEGS))
    second = (await run(lab.backend.start(bob.uri, carol.uri)))[-1].callid

    await run(lab.backend.join(first, "caller", second, "callee"))

    await idle(bob)
    await talk(alice, carol)


async def test_the_destination_that_is_given_is_told(lab: Lab, carol: LabPhone) -> None:
    two = await Two(lab, "caller", "callee").start()

    steps = await run(lab.backend.join(two.a, "caller", two.b, "callee", two.y.uri))

    assert steps[-1].destination == two.y.uri


@pytest.mark.parametrize("unknown", ["a", "b"])
async def test_an_unknown_call_is_an_error_and_the_other_one_goes_on(
    lab: Lab, alice: LabPhone, bob: LabPhone, unknown: str
) -> None:
    callid, nobodys = await started(lab, alice, bob), CallId("nobody's")
    pair = (nobodys, callid) if unknown == "a" else (callid, nobodys)

    with pytest.raises(UnknownCall):
        await run(lab.backend.join(pair[0], "caller", pair[1], "callee"))

    await talk(alice, bob)


@pytest.mark.parametrize("refuser", ["x", "y"])
async def test_a_phone_that_refuses_leaves_both_calls_as_they_were(lab: Lab, refuser: str) -> None:
    two = await Two(lab, "caller", "callee").start()
    phone = two.x if refuser == "x" else two.y
    await phone.behave(refuse_changes_with=488)

    with pytest.raises(CallFailed):
        await run(lab.backend.join(two.a, "caller", two.b, "callee"))

    await phone.behave()
    await talk(two.x, two.left_a, two.y, two.left_b)
    listed = [call.callid for call in (await lab.backend.calls(10, None)).calls]
    assert sorted(listed) == sorted([two.a, two.b])


@pytest.mark.parametrize("wait_ms", [0, 1, 2, 3, 4, 5, 7, 10, 20])
async def test_cancelled_at_any_time_the_parties_talk_as_before_or_as_they_should(
    lab: Lab, wait_ms: int
) -> None:
    two = await Two(lab, "callee", "caller").start()
    command = begin(lab.backend.join(two.a, "callee", two.b, "caller"))
    await asyncio.sleep(wait_ms / 1000)

    command.cancel()

    await asyncio.wait([command])
    await talk(two.x, two.y)
    left = [bool(await phone.callids()) for phone in (two.left_a, two.left_b)]
    if any(left):
        await talk(two.left_a, two.left_b)
    assert len((await lab.backend.calls(10, None)).calls) == (2 if any(left) else 1)
