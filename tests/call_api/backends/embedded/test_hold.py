"""CallHold and CallUnhold, over phones in virtual time."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from call_api.backends.base import HoldStep
from call_api.errors import CallBusy, CallFailed, UnknownCall
from call_api.model import LEGS, CallId, LegName
from tests.fakes.scripted_phone import ScriptedPhone
from tests.fakes.sip_office import Office, far_away, read, silent, sip_office, talk
from tests.fakes.virtual_time import in_virtual_time, until


def change(office: Office, legs: Sequence[LegName], *, is_on: bool) -> asyncio.Task[list[Any]]:
    """Begin a hold of the one call, or its end, in a task of its own."""
    do = office.backend.hold if is_on else office.backend.unhold
    return asyncio.get_running_loop().create_task(read(do(office.callid, legs)))


async def failure(steps: asyncio.Task[list[Any]]) -> tuple[int, str | None]:
    with pytest.raises(CallFailed) as caught:
        await steps
    return caught.value.status, caught.value.leg


async def started(office: Office) -> tuple[ScriptedPhone, ScriptedPhone]:
    alice, bob = office.phones.values()
    await office.start(alice, bob)
    return alice, bob


def told(*steps: tuple[LegName, str]) -> list[HoldStep]:
    return [HoldStep(leg=leg, state="ok" if state == "ok" else "start") for leg, state in steps]


@in_virtual_time
async def test_a_hold_of_both_parties_silences_both_and_its_end_lets_them_talk() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = await started(office)

        steps = await change(office, LEGS, is_on=True)

        assert steps == told(
            ("caller", "start"), ("caller", "ok"), ("callee", "start"), ("callee", "ok")
        )
        assert (alice.call.local, bob.call.local) == ("inactive", "inactive")
        assert (await office.info()).held == ["caller", "callee"]
        steps = await change(office, LEGS, is_on=False)
        assert steps == told(
            ("caller", "start"), ("callee", "start"), ("caller", "ok"), ("callee", "ok")
        )
        await until(lambda: talk(alice.call, bob.call))
        assert (await office.info()).held == []
        await office.end()


@pytest.mark.parametrize("leg", LEGS)
@in_virtual_time
async def test_who_is_alone_on_hold_may_hear_and_nobody_speaks(leg: LegName) -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = await started(office)
        held, other = (alice, bob) if leg == "caller" else (bob, alice)

        steps = await change(office, [leg], is_on=True)

        assert steps == told((leg, "start"), (leg, "ok"))
        assert (held.call.local, other.call.local) == ("recvonly", "inactive")
        assert silent(held.call, other.call)
        assert (await office.info()).held == [leg]
        assert await change(office, [leg], is_on=False) == told((leg, "start"), (leg, "ok"))
        await until(lambda: talk(alice.call, bob.call))
        await office.end()


@in_virtual_time
async def test_parties_are_held_and_let_go_one_after_the_other() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = await started(office)

        for legs, is_on, held in (
            (["caller"], True, ["caller"]),
            (["callee"], True, ["caller", "callee"]),
            (["caller"], False, ["callee"]),
        ):
            await change(office, legs, is_on=is_on)  # type: ignore[arg-type]  # literals in a list
            assert (await office.info()).held == held
            assert silent(alice.call, bob.call)
        assert (alice.call.local, bob.call.local) == ("inactive", "recvonly")
        await change(office, ["callee"], is_on=False)

        await until(lambda: talk(alice.call, bob.call))
        await office.end()


@pytest.mark.parametrize("is_on", [True, False])
@in_virtual_time
async def test_what_is_so_already_is_done_again_and_is_no_error(is_on: bool) -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = await started(office)
        for _ in range(2):
            await change(office, LEGS, is_on=is_on)

        if is_on:
            assert silent(alice.call, bob.call)
        else:
            await until(lambda: talk(alice.call, bob.call))
        await office.end()


@in_virtual_time
async def test_a_leg_sees_one_session_with_a_version_that_only_grows() -> None:
    async with sip_office("alice", "bob") as office:
        alice, _ = await started(office)
        for is_on in (True, False, True):
            await change(office, LEGS, is_on=is_on)

        origins = [sdp.session[1].split() for sdp in alice.call.bodies]
        assert {(o[0], o[1], *o[3:]) for o in origins} == {
            ("o=-", origins[0][1], "IN", "IP4", "127.0.0.1")
        }
        versions = [int(origin[2]) for origin in origins]
        assert versions == sorted(set(versions))


# A phone does not go along.


@pytest.mark.parametrize("refuser", LEGS)
@in_virtual_time
async def test_a_phone_that_refuses_the_hold_is_named_and_the_call_goes_on(
    refuser: LegName,
) -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = await started(office)
        (alice if refuser == "caller" else bob).reinvites = [(488, ())]

        assert await failure(change(office, LEGS, is_on=True)) == (488, refuser)

        assert talk(alice.call, bob.call)
        assert (await office.info()).held == []
        await office.end()


@pytest.mark.parametrize("refuser", LEGS)
@in_virtual_time
async def test_a_phone_that_refuses_the_end_of_a_hold_is_named_and_both_stay_on_hold(
    refuser: LegName,
) -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = await started(office)
        await change(office, LEGS, is_on=True)
        (alice if refuser == "caller" else bob).reinvites = [(488, ())]

        assert await failure(change(office, LEGS, is_on=False)) == (488, refuser)

        await until(lambda: silent(alice.call, bob.call))
        assert (await office.info()).held == ["caller", "callee"]
        await change(office, LEGS, is_on=False)
        await until(lambda: talk(alice.call, bob.call))
        await office.end()


@in_virtual_time
async def test_a_phone_that_cannot_be_talked_back_into_it_does_not_hang_the_command() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = await started(office)
        alice.reinvites = [(200, ()), (503, ())]
        bob.reinvites = [(488, ())]

        assert await failure(change(office, LEGS, is_on=True)) == (488, "callee")

        assert silent(alice.call)
        await change(office, LEGS, is_on=False)
        await until(lambda: talk(alice.call, bob.call))
        await office.end()


@pytest.mark.parametrize("is_on", [True, False])
@pytest.mark.parametrize("dead", LEGS)
@in_virtual_time
async def test_a_phone_that_is_dead_ends_the_call(dead: LegName, is_on: bool) -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = await started(office)
        phone, other = (alice, bob) if dead == "caller" else (bob, alice)
        phone.is_dead = True

        status, _ = await failure(change(office, LEGS, is_on=is_on))

        assert status in (408, 487)
        await until(lambda: other.calls[0].ended_by == "BYE")
        phone.calls.clear()
        await office.gone()


@in_virtual_time
async def test_a_phone_that_does_not_know_the_call_any_more_ends_it() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = await started(office)
        bob.calls.clear()

        assert await failure(change(office, LEGS, is_on=True)) == (481, "callee")

        await until(lambda: alice.calls[0].ended_by == "BYE")
        await office.gone()


@pytest.mark.parametrize("status", [491, 500])
@pytest.mark.parametrize("party", LEGS)
@in_virtual_time
async def test_a_phone_with_an_invite_of_its_own_is_asked_again(
    party: LegName, status: int
) -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = await started(office)
        phone = alice if party == "caller" else bob
        phone.reinvites = [(status, [("Retry-After", "3 (busy)")])] * 3
        began = asyncio.get_running_loop().time()

        await change(office, LEGS, is_on=True)

        pauses = (asyncio.get_running_loop().time() - began) / 3
        assert 2.1 <= pauses < 4.1 if status == 491 else 3.0 <= pauses < 3.1
        assert silent(alice.call, bob.call)
        await office.end()


@pytest.mark.parametrize("headers", [[], [("Retry-After", "11")], [("Retry-After", "soon")]])
@in_virtual_time
async def test_a_phone_that_asks_for_too_much_patience_is_told_of(
    headers: list[tuple[str, str]],
) -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = await started(office)
        bob.reinvites = [(500, headers)]

        assert await failure(change(office, LEGS, is_on=True)) == (500, "callee")

        assert talk(alice.call, bob.call)


@in_virtual_time
async def test_a_phone_that_is_always_busy_with_its_own_is_given_up() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = await started(office)
        bob.reinvites = [(491, ())] * 20

        assert await failure(change(office, LEGS, is_on=True)) == (491, "callee")

        assert talk(alice.call, bob.call)
        await office.end()


@in_virtual_time
async def test_an_answer_that_cannot_be_read_is_a_refusal() -> None:
    async with sip_office("alice", "bob") as office:
        _, bob = await started(office)
        bob.call._describe = lambda offer: b"nonsense"  # type: ignore[method-assign]  # one call

        assert (await failure(change(office, LEGS, is_on=True)))[0] == 488

        assert (await office.info()).held == []


@in_virtual_time
async def test_an_offer_that_cannot_be_read_is_a_refusal() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = await started(office)
        await change(office, LEGS, is_on=True)
        alice.call.offer = lambda: b"nonsense"  # type: ignore[method-assign]  # one call

        assert await failure(change(office, LEGS, is_on=False)) == (488, "caller")

        assert silent(alice.call, bob.call)


# Somebody interferes.


@in_virtual_time
async def test_of_two_holds_at_once_the_second_finds_the_call_busy() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = await started(office)
        first = change(office, LEGS, is_on=True)
        second = change(office, LEGS, is_on=True)

        with pytest.raises(CallBusy):
            await second
        await first

        assert silent(alice.call, bob.call)
        await office.end()


@in_virtual_time
async def test_a_call_that_is_unknown_or_still_rings_is_refused() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        with pytest.raises(UnknownCall):
            await read(office.backend.hold(CallId("nobody's"), LEGS))
        bob.answer_after = None
        call = alice.dial(bob.uri)
        await until(lambda: bob.live)

        with pytest.raises(CallBusy):
            await change(office, LEGS, is_on=True)

        call.cancel()
        await office.gone()


@in_virtual_time
async def test_a_hold_waits_for_the_phones_own() -> None:
    async with sip_office("alice", "bob", link=far_away) as office:
        alice, bob = await started(office)
        bob.call.wish = "sendonly"
        own = asyncio.get_running_loop().create_task(bob.call.reinvite())
        await asyncio.sleep(0.06)

        await change(office, LEGS, is_on=True)

        assert await own == 200
        assert silent(alice.call, bob.call)
        bob.call.wish = "sendrecv"
        await change(office, LEGS, is_on=False)
        await until(lambda: talk(alice.call, bob.call))
        await office.end()
