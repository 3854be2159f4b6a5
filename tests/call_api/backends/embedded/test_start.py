"""CallStart, over phones in virtual time."""

import asyncio
from typing import Any

import pytest

from call_api.backends.base import StartStep
from call_api.errors import CallFailed
from call_api.model import LegName, SipUri
from tests.fakes.sip_office import Office, far_away, read, silent, sip_office, talk
from tests.fakes.virtual_time import in_virtual_time, until


def start(office: Office, caller: str = "alice", callee: str = "bob") -> asyncio.Task[list[Any]]:
    """Begin a CallStart in a task of its own."""
    uris = [SipUri(f"sip:{name}@localhost") for name in (caller, callee)]
    return asyncio.get_running_loop().create_task(read(office.backend.start(*uris)))


def states(steps: list[StartStep]) -> list[str]:
    return [step.state for step in steps]


@in_virtual_time
async def test_both_parties_talk_and_every_step_is_told() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()

        steps = await read(office.backend.start(SipUri(alice.uri), SipUri(bob.uri)))

        assert states(steps) == ["answered", "transferring", "start", "pending", "ok"]
        assert steps[3].status == "180 Ringing"
        assert {step.callid for step in steps} == {alice.call.callid}
        assert talk(alice.call, bob.call)
        info = await office.info()
        assert (info.state, info.caller, info.callee) == ("answered", alice.uri, bob.uri)
        await office.end()


@in_virtual_time
async def test_each_party_sees_the_other_one_as_the_caller() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        await office.start(alice, bob)

        for one, other in ((alice, bob), (bob, alice)):
            (invite, *_) = one.call.invites
            assert (str(invite.from_.uri), str(invite.to.uri)) == (other.uri, one.uri)
        await office.backend.end(office.callid)


@in_virtual_time
async def test_the_caller_has_its_ack_at_once_and_silence_while_the_callee_rings_for_minutes() -> (
    None
):
    async with sip_office("alice", "bob", ring_for=600.0) as office:
        alice, bob = office.phones.values()
        bob.answer_after = 300.0
        steps = start(office)

        await until(lambda: bob.live)
        assert silent(alice.call)
        assert alice.call.bodies[0].direction == "inactive"
        await asyncio.sleep(200.0)
        assert alice.call.ended_by is None
        await steps

        assert talk(alice.call, bob.call)
        await office.end()


@in_virtual_time
async def test_a_caller_that_is_elsewhere_after_the_answer_is_followed() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        bob.answer_after = 1.0
        steps = start(office)
        await until(lambda: bob.live)

        alice.call.media = ("127.0.0.99", 6000)
        await steps

        assert talk(alice.call, bob.call)
        assert len(bob.call.invites) == 2


@in_virtual_time
async def test_two_calls_at_the_same_place_need_no_further_invite() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        await office.start(alice, bob)

        assert [bool(invite.body) for invite in alice.call.invites] == [False, True]
        assert [bool(invite.body) for invite in bob.call.invites] == [True]


@in_virtual_time
async def test_the_caller_hears_the_ringback_of_the_callees_phone() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        bob.progress, bob.answer_after = (180, 183), 5.0
        steps = start(office)

        await until(lambda: alice.calls and alice.call.sends_to == bob.media)
        assert bob.call.state == "ringing"

        told = await steps
        assert [step.status for step in told if step.state == "pending"] == [
            "180 Ringing",
            "183 Session Progress",
        ]
        assert talk(alice.call, bob.call)
        assert len(alice.call.invites) == 2


@in_virtual_time
async def test_early_media_that_cannot_be_read_or_taken_harms_nothing() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        bob.answer_after, bob.progress = None, ()
        steps = start(office)
        await until(lambda: bob.live)
        ringing = bob.call._incoming
        assert ringing is not None
        ringing.respond(183, body=b"nonsense")
        alice.reinvites = [(488, ())]
        ringing.respond(183, "Again", body=bob.call._describe(ringing.request.body))
        await until(lambda: not alice.reinvites)

        bob.call.answer()
        await steps

        assert talk(alice.call, bob.call)


@in_virtual_time
@pytest.mark.parametrize("party", ["alice", "bob"])
async def test_the_first_phone_of_a_user_that_answers_wins_and_the_others_stop(party: str) -> None:
    async with sip_office("alice", "bob") as office:
        slow = office.phones[party]
        slow.answer_after = 9.0
        fast = await office.phone("mobile", user=party)
        fast.answer_after = 1.0
        other = office.phones["bob" if party == "alice" else "alice"]

        await start(office)

        assert slow.calls[0].ended_by == "CANCEL"
        assert talk(other.call, fast.call)
        await office.end()


# It does not come about.


async def failure(steps: asyncio.Task[list[Any]]) -> tuple[int, str]:
    return (await blame(steps))[:2]


async def blame(steps: asyncio.Task[list[Any]]) -> tuple[int, str, LegName | None]:
    with pytest.raises(CallFailed) as caught:
        await steps
    return caught.value.status, caught.value.reason, caught.value.leg


@in_virtual_time
@pytest.mark.parametrize(("party", "leg"), [("alice", "caller"), ("bob", "callee")])
@pytest.mark.parametrize(("status", "reason"), [(486, "Busy Here"), (488, "Not Acceptable Here")])
async def test_a_party_that_refuses_fails_it_and_is_named(
    party: str, leg: LegName, status: int, reason: str
) -> None:
    async with sip_office("alice", "bob") as office:
        office.phones[party].refuse_with = (status, ())

        assert await blame(start(office)) == (status, reason, leg)

        await office.gone()
        assert office.phones["bob"].heard in ([], ["INVITE"])


@in_virtual_time
@pytest.mark.parametrize(
    ("caller", "callee", "leg"),
    [("alice", "nobody", "callee"), ("nobody", "alice", "caller"), ("alice", "x:y", "callee")],
)
async def test_a_party_that_is_unknown_rings_nobody(caller: str, callee: str, leg: LegName) -> None:
    async with sip_office("alice") as office:
        assert await blame(start(office, caller, callee)) == (404, "Not Found", leg)

        assert office.phones["alice"].heard == []
        await office.gone()


@in_virtual_time
async def test_a_party_that_is_known_but_away_is_unavailable() -> None:
    async with sip_office("alice", users={"alice": "a", "bob": "b"}) as office:
        assert await failure(start(office)) == (480, "Temporarily Unavailable")


@in_virtual_time
@pytest.mark.parametrize("to", ["sip:bob@elsewhere", "tel:123", "nonsense"])
async def test_a_callee_of_elsewhere_is_not_found(to: str) -> None:
    async with sip_office("alice") as office:
        with pytest.raises(CallFailed, match="404 Not Found"):
            await read(office.backend.start(SipUri("sip:alice@localhost"), SipUri(to)))


@in_virtual_time
async def test_a_callee_that_signs_off_while_the_caller_rings_releases_the_caller() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        alice.answer_after = 5.0
        steps = start(office)
        await until(lambda: alice.live)

        await bob.register(expires=0)

        assert (await failure(steps))[0] == 404
        assert alice.calls[0].state == "up"
        await until(lambda: alice.calls[0].ended_by == "BYE")
        await office.gone()


@in_virtual_time
@pytest.mark.parametrize("party", ["alice", "bob"])
async def test_a_party_that_never_answers_is_given_up_and_cancelled(party: str) -> None:
    async with sip_office("alice", "bob", ring_for=20.0) as office:
        office.phones[party].answer_after = None
        steps = start(office)
        began = asyncio.get_running_loop().time()

        assert await failure(steps) == (408, "Request Timeout")

        assert 20.0 <= asyncio.get_running_loop().time() - began < 21.0
        await until(lambda: office.phones[party].calls[0].ended_by == "CANCEL")
        await office.gone()


@in_virtual_time
@pytest.mark.parametrize("party", ["alice", "bob"])
async def test_a_party_that_is_dead_is_given_up(party: str) -> None:
    async with sip_office("alice", "bob") as office:
        office.phones[party].is_dead = True

        assert (await failure(start(office)))[0] == 408

        await office.gone()


@in_virtual_time
async def test_a_caller_that_hangs_up_while_the_callee_rings_ends_it_with_a_reason() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        bob.answer_after = None
        steps = start(office)
        await until(lambda: bob.live)

        assert await alice.call.hang_up() == 200

        assert await blame(steps) == (487, "Caller Hung Up", "caller")
        await until(lambda: bob.calls[0].ended_by == "CANCEL")
        await office.gone()


@in_virtual_time
async def test_a_caller_that_hangs_up_just_after_it_answered_releases_the_callee() -> None:
    async with sip_office("alice", "bob", link=far_away) as office:
        alice = office.phones["alice"]
        steps = start(office)
        await until(lambda: alice.calls and alice.call.state == "up")

        await alice.call.hang_up()

        assert (await failure(steps))[0] == 487
        await office.gone()


@in_virtual_time
async def test_a_callee_that_hangs_up_just_after_it_answered_releases_the_caller() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        alice.reinvites = [(0, ())]  # it takes its time
        steps = start(office)
        await until(lambda: bob.calls and bob.call.state == "up")

        await bob.call.hang_up()

        assert (await failure(steps))[0] == 487
        await until(lambda: alice.calls[0].ended_by == "BYE")
        await office.gone()


@in_virtual_time
async def test_a_caller_that_refuses_the_callees_media_releases_both() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        alice.reinvites = [(488, ())]

        assert await blame(start(office)) == (488, "Not Acceptable Here", "caller")

        await until(lambda: not alice.live and not bob.live)
        assert (alice.calls[0].ended_by, bob.calls[0].ended_by) == ("BYE", "BYE")
        await office.gone()


@in_virtual_time
@pytest.mark.parametrize("party", ["alice", "bob"])
async def test_an_answer_without_a_description_is_hung_up(party: str) -> None:
    async with sip_office("alice", "bob") as office:
        phone = office.phones[party]
        phone.answer_after = None
        steps = start(office)
        await until(lambda: phone.live)

        phone.call.answer(b"nonsense")

        assert (await failure(steps))[0] == 488
        await until(lambda: phone.calls[0].ended_by == "BYE")
        await office.gone()


@in_virtual_time
async def test_a_phone_that_declines_for_all_stops_the_others() -> None:
    async with sip_office("alice", "bob") as office:
        desk = await office.phone("desk", user="bob")
        office.phones["bob"].answer_after = None
        desk.refuse_with = (603, ())

        assert (await failure(start(office)))[0] == 603

        await until(lambda: office.phones["bob"].calls[0].ended_by == "CANCEL")
        await office.gone()


@in_virtual_time
async def test_a_start_whose_end_nobody_heard_of_is_hung_up() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()

        async with office.backend.start(SipUri(alice.uri), SipUri(bob.uri)):
            await until(lambda: bob.live and talk(alice.call, bob.call))

        await until(lambda: not alice.live and not bob.live)
        await office.gone()
