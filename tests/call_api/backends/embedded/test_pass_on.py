"""A phone's own hold, and what else it may want of its peer by a re-INVITE."""

import asyncio

import pytest

from call_api.model import LEGS, LegName, SipUri
from tests.fakes.scripted_call import ScriptedCall
from tests.fakes.sip_office import Office, far_away, read, silent, sip_office, talk
from tests.fakes.virtual_time import in_virtual_time, until

BOTH_WAYS = pytest.mark.parametrize("offers", [True, False])


async def calls(office: Office) -> tuple[ScriptedCall, ScriptedCall]:
    """A call that one phone made, both sides of it."""
    alice, bob = office.phones.values()
    return await office.dial(alice, bob), bob.call


@BOTH_WAYS
@pytest.mark.parametrize("holder", LEGS)
@in_virtual_time
async def test_a_phone_holds_and_takes_back(holder: LegName, offers: bool) -> None:
    async with sip_office("alice", "bob") as office:
        near, far = await calls(office)
        own, other = (near, far) if holder == "caller" else (far, near)

        own.wish = "sendonly"
        assert await own.reinvite(offers=offers) == 200
        await until(lambda: other.local == "recvonly" and other.sends_to is None)
        if offers:
            assert (await office.info()).held == ["callee" if holder == "caller" else "caller"]
        own.wish = "sendrecv"
        assert await own.reinvite(offers=offers) == 200

        await until(lambda: talk(near, far))
        assert (await office.info()).held == []
        await own.hang_up()
        await office.gone()


@in_virtual_time
async def test_a_phone_that_moves_is_followed() -> None:
    async with sip_office("alice", "bob") as office:
        near, far = await calls(office)

        far.media = ("127.0.0.77", 7000)
        assert await far.reinvite() == 200

        assert talk(near, far)


@BOTH_WAYS
@in_virtual_time
async def test_a_refusal_of_the_peer_is_passed_back_and_all_stays_as_it_was(offers: bool) -> None:
    async with sip_office("alice", "bob") as office:
        near, far = await calls(office)
        far.phone.reinvites = [(488, ())]

        near.wish = "sendonly"
        assert await near.reinvite(offers=offers) == 488

        near.wish = "sendrecv"
        assert talk(near, far)
        assert (await office.info()).held == []
        await read(office.backend.hold(office.callid, LEGS))
        await read(office.backend.unhold(office.callid, LEGS))
        await until(lambda: talk(near, far))


@in_virtual_time
async def test_both_phones_at_once_meet_and_are_told_so() -> None:
    async with sip_office("alice", "bob", link=far_away) as office:
        near, far = await calls(office)
        await asyncio.sleep(1.0)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(c.reinvite(), name=c.phone.name) for c in (near, far)]

        assert sorted(task.result() for task in tasks) == [200, 491]
        await until(lambda: talk(near, far))


@in_virtual_time
async def test_a_second_invite_before_the_answer_to_the_first_is_refused() -> None:
    async with sip_office("alice", "bob", link=far_away) as office:
        near, far = await calls(office)
        far.phone.reinvites = [(0, ())]  # it never answers
        await asyncio.sleep(1.0)
        first = asyncio.get_running_loop().create_task(near.reinvite())
        await asyncio.sleep(0.2)

        assert near.dialog is not None
        second = await near.phone.send(near.dialog.request("INVITE", body=near.offer()))

        assert second.status == 500
        assert 0 <= int(second.headers.get("Retry-After") or "") <= 10
        assert await first == 480
        await until(lambda: far.ended_by == "BYE" and near.ended_by == "BYE")
        await office.gone()


@in_virtual_time
async def test_a_phone_that_takes_its_reinvite_back_leaves_the_peer_as_it_was() -> None:
    async with sip_office("alice", "bob", link=far_away) as office:
        near, far = await calls(office)
        await asyncio.sleep(1.0)
        far.phone.reinvites = [(0, ())]  # it takes its time
        assert near.dialog is not None
        statuses: list[int] = []
        near.wish = "inactive"
        invite = near.dialog.request("INVITE", body=near.offer())
        outgoing = near.phone.agent.request(
            invite, near.flow, lambda response: statuses.append(response.status)
        )
        near.wish = "sendrecv"
        await until(lambda: 100 in statuses)

        outgoing.cancel()

        await until(lambda: statuses[-1] == 487)
        far.answer_late()
        await asyncio.sleep(10.0)
        assert talk(near, far)
        assert (await office.info()).held == []


@in_virtual_time
async def test_while_a_command_holds_the_call_phones_are_answered_and_nothing_flows() -> None:
    async with sip_office("alice", "bob") as office:
        near, far = await calls(office)
        await read(office.backend.hold(office.callid, LEGS))
        asked = len(far.invites)

        for offers in (True, False):
            near.media = ("127.0.0.66", 6000)
            assert await near.reinvite(offers=offers) == 200
            await asyncio.sleep(0.1)
            assert silent(near, far)

        assert len(far.invites) == asked
        await read(office.backend.unhold(office.callid, LEGS))
        await until(lambda: talk(near, far))


@in_virtual_time
async def test_who_holds_while_it_is_held_itself_is_not_answered_with_what_it_did_not_offer() -> (
    None
):
    async with sip_office("alice", "bob") as office:
        near, far = await calls(office)
        await read(office.backend.hold(office.callid, ["caller"]))

        near.wish = "sendonly"
        assert await near.reinvite() == 200

        directions = [body.direction for body in near.bodies[-2:]]
        assert directions == ["sendonly", "inactive"]  # music was still to be heard at first
        assert silent(near, far)


@pytest.mark.parametrize(("offers", "status"), [(True, 200), (False, 491)])
@in_virtual_time
async def test_a_caller_that_waits_for_the_callee_may_change_its_media(
    offers: bool, status: int
) -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        bob.answer_after = 5.0
        stream = office.backend.start(SipUri(alice.uri), SipUri(bob.uri))
        steps = asyncio.get_running_loop().create_task(read(stream))
        await until(lambda: bob.live)

        alice.call.media = ("127.0.0.66", 6000)
        assert await alice.call.reinvite(offers=offers) == status
        assert silent(alice.call)
        await steps

        await until(lambda: talk(alice.call, bob.call))


@in_virtual_time
async def test_while_a_command_changes_the_call_a_phone_has_to_wait() -> None:
    async with sip_office("alice", "bob", link=far_away) as office:
        _, far = await calls(office)
        await asyncio.sleep(1.0)
        hold = asyncio.get_running_loop().create_task(
            read(office.backend.hold(office.callid, ["caller"]))
        )
        await asyncio.sleep(0.01)

        assert await far.reinvite() == 491

        await hold


@BOTH_WAYS
@in_virtual_time
async def test_a_party_that_hangs_up_meanwhile_ends_it(offers: bool) -> None:
    async with sip_office("alice", "bob", link=far_away) as office:
        near, far = await calls(office)
        await asyncio.sleep(1.0)
        own = asyncio.get_running_loop().create_task(near.reinvite(offers=offers))
        await asyncio.sleep(0.06)

        await far.hang_up()

        assert await own == 487
        await until(lambda: near.ended_by == "BYE")
        await office.gone()


@in_virtual_time
async def test_a_phone_that_hangs_up_with_its_own_invite_open_gets_both_answered() -> None:
    async with sip_office("alice", "bob", link=far_away) as office:
        near, far = await calls(office)
        await asyncio.sleep(1.0)
        own = asyncio.get_running_loop().create_task(near.reinvite())
        await asyncio.sleep(0.01)

        assert await near.hang_up() == 200

        assert await own == 487
        await until(lambda: far.ended_by == "BYE")
        await office.gone()


@in_virtual_time
async def test_a_peer_that_is_dead_ends_the_call() -> None:
    async with sip_office("alice", "bob") as office:
        near, far = await calls(office)
        far.phone.is_dead = True

        assert await near.reinvite() == 480

        await until(lambda: near.ended_by == "BYE")
        far.phone.calls.clear()
        await office.gone()


@in_virtual_time
async def test_a_phone_that_never_acknowledges_its_hold_ends_the_call() -> None:
    async with sip_office("alice", "bob") as office:
        near, far = await calls(office)
        assert near.dialog is not None
        await near.phone.send(near.dialog.request("INVITE", body=b""))

        await until(lambda: near.ended_by == "BYE" and far.state == "ended")
        await office.gone()


@in_virtual_time
async def test_an_answer_in_the_ack_that_cannot_be_read_puts_the_peer_back() -> None:
    async with sip_office("alice", "bob") as office:
        near, far = await calls(office)
        near._describe = lambda offer: b"nonsense"  # type: ignore[method-assign]  # this phone

        assert await near.reinvite(offers=False) == 200

        await asyncio.sleep(1.0)
        assert far.sends_to == near.media
        assert far.hears


@in_virtual_time
async def test_a_session_timer_is_answered_without_disturbing_the_peer() -> None:
    async with sip_office("alice", "bob") as office:
        near, far = await calls(office)
        far.phone.is_dead = True  # for a while, as on a bad network
        before = list(near.bodies)

        refreshed = await near.reinvite(headers=[("Session-Expires", "90;refresher=uac")])

        assert refreshed == 200
        assert near.bodies == [*before, near.bodies[-1]]
        assert near.bodies[-1] == before[-1]
        assert len(far.invites) == 1
        far.phone.is_dead = False
        assert talk(near, far)


@in_virtual_time
async def test_a_change_that_a_session_timer_brings_is_passed_on() -> None:
    async with sip_office("alice", "bob") as office:
        near, far = await calls(office)

        near.media = ("127.0.0.77", 7000)
        assert await near.reinvite(headers=[("Session-Expires", "90")]) == 200

        assert talk(near, far)


@in_virtual_time
async def test_a_session_timer_by_update_falls_back_to_one_by_invite() -> None:
    async with sip_office("alice", "bob") as office:
        near, _ = await calls(office)

        update = await near.request("UPDATE", [("Session-Expires", "90;refresher=uac")])

        assert update == 405
        assert await near.reinvite(headers=[("Session-Expires", "90;refresher=uac")]) == 200


@in_virtual_time
async def test_both_phones_may_refresh_at_once() -> None:
    async with sip_office("alice", "bob", link=far_away) as office:
        near, far = await calls(office)
        headers = [("Session-Expires", "90;refresher=uac"), ("Require", "timer")]

        statuses = await asyncio.gather(
            near.reinvite(headers=headers), far.reinvite(headers=headers)
        )

        assert list(statuses) == [200, 200]
        await asyncio.sleep(0.2)  # their ACKs are on their way
        assert await near.reinvite(headers=headers, offers=False) == 200
        await until(lambda: talk(near, far))
