"""The embedded back end's commands, left or ended at every moment; in virtual time.

`test_starting` and its neighbours have some of these moments on every back end.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from call_api.backends.base import Stream
from call_api.errors import CallFailed
from call_api.model import LEGS, LegName, SipUri
from tests.fakes.scripted_phone import ScriptedPhone
from tests.fakes.sip_office import Office, far_away, read, silent, sip_office, talk
from tests.fakes.virtual_time import in_virtual_time, until

ALICE, BOB, CAROL = (SipUri(f"sip:{name}@localhost") for name in ("alice", "bob", "carol"))
EACH_LEG = pytest.mark.parametrize("leg", LEGS)


def begin(stream: Stream[Any]) -> asyncio.Task[list[Any]]:
    """Run a command in a task of its own."""
    return asyncio.get_running_loop().create_task(read(stream))


async def failure(command: asyncio.Task[list[Any]]) -> tuple[int, str]:
    with pytest.raises(CallFailed) as caught:
        await command
    return caught.value.status, caught.value.reason


# CallStart.


def start(office: Office) -> asyncio.Task[list[Any]]:
    return begin(office.backend.start(ALICE, BOB))


@in_virtual_time
@pytest.mark.parametrize("state", ["answered", "transferring", "start", "pending", "ok"])
async def test_a_start_left_at_a_step_leaves_nobody_in_a_call_or_both(state: str) -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()

        async with office.backend.start(ALICE, BOB) as steps:
            async for step in steps:
                if step.state == state:
                    break

        if state == "ok":
            assert talk(alice.call, bob.call)
            await office.end()
        else:
            await office.gone()


@in_virtual_time
@pytest.mark.parametrize("wait_ms", [*range(0, 130, 10), *range(200, 230, 2)])
async def test_a_start_cancelled_at_any_moment_leaves_nobody_in_a_call_or_both(
    wait_ms: int,
) -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        steps = start(office)
        await asyncio.sleep(wait_ms / 1000)

        steps.cancel()

        await asyncio.wait([steps])
        if not steps.cancelled():
            assert talk(alice.call, bob.call)
            await office.end()
        else:
            await office.gone()


@in_virtual_time
@pytest.mark.parametrize("ringing", ["alice", "bob"])
async def test_a_call_that_still_rings_can_be_ended(ringing: str) -> None:
    async with sip_office("alice", "bob") as office:
        phone = office.phones[ringing]
        phone.answer_after = None
        steps = start(office)
        await until(lambda: phone.live)
        info = await office.info()
        assert info.state == "ringing"

        await office.backend.end(info.callid)

        assert await failure(steps) == (487, "Request Terminated")
        assert phone.calls[0].ended_by == "CANCEL"
        await office.gone()


@in_virtual_time
async def test_an_answer_that_crosses_the_cancel_is_hung_up() -> None:
    async with sip_office("alice", "bob") as office:
        bob = office.phones["bob"]
        bob.answer_after = None
        steps = start(office)
        await until(lambda: bob.live)

        steps.cancel()
        await asyncio.sleep(0)
        bob.call.answer()

        await until(lambda: bob.calls[0].ended_by == "BYE")
        await office.gone()


@in_virtual_time
async def test_an_answer_after_the_ring_time_is_hung_up() -> None:
    async with sip_office("alice", "bob", ring_for=5.0) as office:
        bob = office.phones["bob"]
        bob.answer_after = None
        steps = start(office)
        await until(lambda: bob.live)
        bob.is_dead = True  # so it does not hear the CANCEL
        assert (await failure(steps))[0] == 408

        bob.call.answer()
        bob.is_dead = False

        await until(lambda: bob.calls[0].ended_by == "BYE")
        await office.gone()


# CallHold and CallUnhold.


def change(office: Office, legs: Sequence[LegName], *, is_on: bool) -> asyncio.Task[list[Any]]:
    do = office.backend.hold if is_on else office.backend.unhold
    return begin(do(office.callid, legs))


async def started(office: Office) -> tuple[ScriptedPhone, ScriptedPhone]:
    alice, bob = office.phones.values()
    await office.start(alice, bob)
    return alice, bob


@pytest.mark.parametrize("is_on", [True, False])
@pytest.mark.parametrize("who", LEGS)
@in_virtual_time
async def test_a_party_that_hangs_up_during_a_hold_ends_it(who: LegName, is_on: bool) -> None:
    async with sip_office("alice", "bob", link=far_away) as office:
        alice, bob = await started(office)
        steps = change(office, LEGS, is_on=is_on)
        await asyncio.sleep(0.02)

        await (alice if who == "caller" else bob).call.hang_up()

        assert (await failure(steps))[0] == 487
        await until(lambda: not alice.live and not bob.live)
        await office.gone()


@pytest.mark.parametrize("is_on", [True, False])
@pytest.mark.parametrize("wait_ms", range(0, 500, 20))
@in_virtual_time
async def test_a_hold_left_at_any_moment_leaves_the_call_as_it_was_or_as_it_should_be(
    is_on: bool, wait_ms: int
) -> None:
    async with sip_office("alice", "bob", link=far_away) as office:
        alice, bob = await started(office)
        if not is_on:
            await change(office, LEGS, is_on=True)
        steps = change(office, LEGS, is_on=is_on)
        await asyncio.sleep(wait_ms / 1000)

        steps.cancel()
        await asyncio.wait([steps])

        await asyncio.sleep(40.0)
        held = (await office.info()).held
        assert silent(alice.call, bob.call) if held else talk(alice.call, bob.call)
        assert len(held) in (0, 2)
        await change(office, LEGS, is_on=True)
        await change(office, LEGS, is_on=False)
        await until(lambda: talk(alice.call, bob.call))
        await office.end()


@in_virtual_time
async def test_a_call_that_ends_during_a_hold_ends_it() -> None:
    async with sip_office("alice", "bob", link=far_away) as office:
        await started(office)
        steps = change(office, LEGS, is_on=True)
        await asyncio.sleep(0.02)

        await office.backend.end(office.callid)

        assert (await failure(steps))[0] == 487
        await office.gone()


# CallBlindTransfer.


def move(office: Office, leg: LegName) -> asyncio.Task[list[Any]]:
    return begin(office.backend.transfer(office.callid, leg, CAROL))


@EACH_LEG
@pytest.mark.parametrize("state", ["start", "pending"])
@in_virtual_time
async def test_a_transfer_left_while_the_destination_rings_leaves_the_call_as_it_was_at_once(
    leg: LegName, state: str
) -> None:
    async with sip_office("alice", "bob", "carol") as office:
        alice, bob, carol = office.phones.values()
        callid = await office.start(alice, bob)
        carol.answer_after = None

        async with office.backend.transfer(callid, leg, CAROL) as steps:
            async for step in steps:
                if step.state == state:
                    break

        await read(office.backend.hold(callid, ["caller"]))
        await read(office.backend.unhold(callid, ["caller"]))
        await until(lambda: talk(alice.call, bob.call))
        await office.end()


@EACH_LEG
@pytest.mark.parametrize("wait_ms", [*range(0, 20, 4), *range(95, 125, 2)])
@in_virtual_time
async def test_a_transfer_cancelled_at_any_moment_leaves_the_old_call_or_the_new_one(
    leg: LegName, wait_ms: int
) -> None:
    async with sip_office("alice", "bob", "carol") as office:
        alice, bob, carol = office.phones.values()
        goes, stays = (alice, bob) if leg == "caller" else (bob, alice)
        await office.start(alice, bob)
        steps = move(office, leg)
        await asyncio.sleep(wait_ms / 1000)

        steps.cancel()
        await asyncio.wait([steps])

        await asyncio.sleep(40.0)
        assert len(office.callids) == 1
        assert talk(goes.call, (stays.live or carol.live)[0])
        await office.end()


@in_virtual_time
async def test_a_call_that_ends_while_it_is_transferred_stops_the_transfer() -> None:
    async with sip_office("alice", "bob", "carol") as office:
        alice, bob, carol = office.phones.values()
        await office.start(alice, bob)
        carol.answer_after = None
        steps = move(office, "caller")
        await until(lambda: carol.live)

        await office.backend.end(office.callid)

        assert await failure(steps) == (487, "Request Terminated")
        assert carol.calls[0].ended_by == "CANCEL"
        await office.gone()
