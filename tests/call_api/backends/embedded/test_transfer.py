"""CallBlindTransfer, over phones in virtual time."""

import asyncio
from typing import Any

import pytest

from call_api.errors import CallBusy, CallFailed, UnknownCall
from call_api.model import CallId, LegName, SipUri
from tests.fakes.scripted_phone import ScriptedPhone
from tests.fakes.sip_office import Office, far_away, read, silent, sip_office, talk
from tests.fakes.virtual_time import in_virtual_time, until

CAROL = SipUri("sip:carol@localhost")
LEGS = pytest.mark.parametrize("leg", ["caller", "callee"])


def move(office: Office, leg: LegName, to: SipUri = CAROL) -> asyncio.Task[list[Any]]:
    """Begin a transfer of the one call in a task of its own."""
    stream = office.backend.transfer(office.callid, leg, to)
    return asyncio.get_running_loop().create_task(read(stream))


def parties(office: Office, leg: LegName) -> tuple[ScriptedPhone, ScriptedPhone, ScriptedPhone]:
    """The one who goes, the one who is left, the one who is called."""
    alice, bob, carol = office.phones.values()
    return (alice, bob, carol) if leg == "caller" else (bob, alice, carol)


async def failure(steps: asyncio.Task[list[Any]]) -> tuple[int, str]:
    with pytest.raises(CallFailed) as caught:
        await steps
    return caught.value.status, caught.value.reason


@LEGS
@in_virtual_time
async def test_one_party_talks_to_the_destination_and_the_other_is_released(leg: LegName) -> None:
    async with sip_office("alice", "bob", "carol") as office:
        goes, stays, carol = parties(office, leg)
        callid = await office.start(office.phones["alice"], office.phones["bob"])

        steps = await move(office, leg)

        assert [step.state for step in steps] == ["start", "pending", "ok"]
        assert {(step.callid, step.destination) for step in steps} == {(callid, CAROL)}
        assert steps[1].status == "180 Ringing"
        assert talk(goes.call, carol.call)
        await until(lambda: stays.calls[0].ended_by == "BYE")
        info = await office.info()
        assert (info.callid, info.held) == (callid, [])
        assert {info.caller, info.callee} == {goes.uri, CAROL}
        assert str(carol.call.invites[0].from_.uri) == goes.uri
        await office.end()


@in_virtual_time
async def test_the_call_keeps_its_name_and_takes_those_of_its_legs() -> None:
    async with sip_office("alice", "bob", "carol") as office:
        alice, bob, carol = office.phones.values()
        callid = await office.start(alice, bob)
        of_bob = CallId(bob.call.callid)

        await move(office, "callee")

        for name in (callid, of_bob, CallId(carol.call.callid)):
            await read(office.backend.hold(name, ["caller"]))
        with pytest.raises(UnknownCall):
            await office.backend.end(CallId("nobody's"))
        await office.end()


@in_virtual_time
async def test_the_old_call_goes_on_while_the_destination_rings() -> None:
    async with sip_office("alice", "bob", "carol") as office:
        alice, bob, carol = office.phones.values()
        carol.answer_after = 30.0
        await office.start(alice, bob)
        steps = move(office, "caller")

        await until(lambda: carol.live)
        assert talk(alice.call, bob.call)
        await steps

        assert talk(alice.call, carol.call)
        await office.end()


@in_virtual_time
async def test_the_phone_that_goes_is_told_whom_it_talks_to() -> None:
    async with sip_office("alice", "bob", "carol") as office:
        alice, bob, _ = office.phones.values()
        await office.start(alice, bob)

        await move(office, "caller")

        assert alice.call.invites[-1].headers.get("P-Asserted-Identity") == f"<{CAROL}>"


@in_virtual_time
async def test_a_phone_that_has_moved_its_media_is_followed() -> None:
    async with sip_office("alice", "bob", "carol") as office:
        alice, bob, carol = office.phones.values()
        await office.start(alice, bob)
        steps = move(office, "caller")
        await until(lambda: carol.live)

        alice.call.media = ("127.0.0.99", 7000)
        await steps

        assert talk(alice.call, carol.call)


@in_virtual_time
async def test_a_call_on_hold_talks_again_after_a_transfer() -> None:
    async with sip_office("alice", "bob", "carol") as office:
        alice, bob, carol = office.phones.values()
        callid = await office.start(alice, bob)
        await read(office.backend.hold(callid, ["caller", "callee"]))
        assert silent(alice.call, bob.call)

        await move(office, "callee")

        assert talk(bob.call, carol.call)
        assert (await office.info()).held == []
        await office.end()


@in_virtual_time
async def test_of_the_destinations_phones_the_first_that_answers_wins() -> None:
    async with sip_office("alice", "bob", "carol") as office:
        alice, bob, carol = office.phones.values()
        desk = await office.phone("desk", user="carol")
        carol.answer_after = 9.0
        await office.start(alice, bob)

        await move(office, "caller")

        assert talk(alice.call, desk.call)
        await until(lambda: carol.calls[0].ended_by == "CANCEL")
        await office.end()


@LEGS
@pytest.mark.parametrize(
    ("status", "reason"), [(486, "Busy Here"), (603, "Decline"), (488, "Not Acceptable Here")]
)
@in_virtual_time
async def test_a_destination_that_refuses_leaves_the_call_as_it_was(
    leg: LegName, status: int, reason: str
) -> None:
    async with sip_office("alice", "bob", "carol") as office:
        alice, bob, carol = office.phones.values()
        await office.start(alice, bob)
        carol.refuse_with = (status, ())

        assert await failure(move(office, leg)) == (status, reason)

        assert talk(alice.call, bob.call)
        assert (await office.info()).state == "answered"
        await office.end()


@in_virtual_time
async def test_a_destination_that_is_unknown_is_refused_before_anything_is_told() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        callid = await office.start(alice, bob)

        with pytest.raises(CallFailed, match="404 Not Found"):
            async with office.backend.transfer(callid, "caller", CAROL):
                raise AssertionError("it was accepted")

        await read(office.backend.hold(callid, ["caller"]))
        await office.end()


@in_virtual_time
async def test_a_destination_that_never_answers_leaves_the_call_as_it_was() -> None:
    async with sip_office("alice", "bob", "carol", ring_for=10.0) as office:
        alice, bob, carol = office.phones.values()
        await office.start(alice, bob)
        carol.answer_after = None

        assert await failure(move(office, "callee")) == (408, "Request Timeout")

        assert talk(alice.call, bob.call)
        await until(lambda: carol.calls[0].ended_by == "CANCEL")
        await office.end()


@LEGS
@in_virtual_time
async def test_a_phone_that_refuses_the_destinations_media_keeps_its_old_peer(
    leg: LegName,
) -> None:
    async with sip_office("alice", "bob", "carol") as office:
        alice, bob, carol = office.phones.values()
        goes = parties(office, leg)[0]
        await office.start(alice, bob)
        goes.reinvites = [(488, ())]

        assert (await failure(move(office, leg)))[0] == 488

        assert talk(alice.call, bob.call)
        await until(lambda: carol.calls[0].ended_by == "BYE")
        await office.end()


@in_virtual_time
async def test_a_destination_that_hangs_up_while_it_is_joined_gives_the_old_peer_back() -> None:
    async with sip_office("alice", "bob", "carol", link=far_away) as office:
        alice, bob, carol = office.phones.values()
        await office.start(alice, bob)
        alice.call.media = ("127.0.0.99", 7000)  # so that carol is told once more
        steps = move(office, "caller")
        await until(lambda: carol.calls and carol.call.state == "up")

        await carol.call.hang_up()

        assert (await failure(steps))[0] == 487
        assert talk(alice.call, bob.call)
        await office.end()


@LEGS
@in_virtual_time
async def test_the_party_that_goes_may_hang_up_while_the_destination_rings(leg: LegName) -> None:
    async with sip_office("alice", "bob", "carol") as office:
        goes, stays, carol = parties(office, leg)
        await office.start(office.phones["alice"], office.phones["bob"])
        carol.answer_after = None
        steps = move(office, leg)
        await until(lambda: carol.live)

        await goes.call.hang_up()

        assert await failure(steps) == (487, f"{leg.title()} Hung Up")
        await until(lambda: stays.calls[0].ended_by == "BYE")
        assert carol.calls[0].ended_by == "CANCEL"
        await office.gone()


@in_virtual_time
async def test_the_party_that_is_left_may_hang_up_and_the_transfer_goes_on() -> None:
    async with sip_office("alice", "bob", "carol") as office:
        alice, bob, carol = office.phones.values()
        await office.start(alice, bob)
        carol.answer_after = 5.0
        steps = move(office, "caller")
        await until(lambda: carol.live)

        await bob.call.hang_up()
        await steps

        assert talk(alice.call, carol.call)
        await office.end()


@in_virtual_time
async def test_nobody_is_left_when_the_other_party_has_gone_and_the_destination_refuses() -> None:
    async with sip_office("alice", "bob", "carol") as office:
        alice, bob, carol = office.phones.values()
        await office.start(alice, bob)
        carol.answer_after = None
        steps = move(office, "caller")
        await until(lambda: carol.live)

        await bob.call.hang_up()
        carol.call.refuse(486)

        assert (await failure(steps))[0] == 486
        await until(lambda: alice.calls[0].ended_by == "BYE")
        await office.gone()


@in_virtual_time
async def test_while_it_is_transferred_no_other_command_changes_the_call() -> None:
    async with sip_office("alice", "bob", "carol") as office:
        alice, bob, carol = office.phones.values()
        callid = await office.start(alice, bob)
        carol.answer_after = 2.0
        steps = move(office, "caller")
        await until(lambda: carol.live)

        for stream in (
            office.backend.transfer(callid, "callee", SipUri(alice.uri)),
            office.backend.hold(callid, ["caller"]),
            office.backend.unhold(callid, ["caller"]),
        ):
            with pytest.raises(CallBusy):
                await read(stream)

        await steps
        assert talk(alice.call, carol.call)
        await office.end()


@in_virtual_time
async def test_a_call_that_still_rings_is_not_transferred() -> None:
    async with sip_office("alice", "bob", "carol") as office:
        alice, bob, _ = office.phones.values()
        bob.answer_after = None
        call = alice.dial(bob.uri)
        await until(lambda: bob.live)

        with pytest.raises(CallBusy):
            await move(office, "caller")

        call.cancel()
        await office.gone()


@in_virtual_time
async def test_a_hold_of_a_phone_while_the_destination_rings_is_passed_on() -> None:
    async with sip_office("alice", "bob", "carol") as office:
        alice, bob, carol = office.phones.values()
        await office.start(alice, bob)
        carol.answer_after = 5.0
        steps = move(office, "caller")
        await until(lambda: carol.live)

        bob.call.wish = "sendonly"
        assert await bob.call.reinvite() == 200
        assert alice.call.sends_to is None
        await steps

        assert talk(alice.call, carol.call)
        await office.end()
