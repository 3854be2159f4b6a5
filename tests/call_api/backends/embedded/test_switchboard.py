"""What the operations have in common; each one's own test has it in its place."""

import asyncio

import pytest

from call_api.backends.embedded.operation import Operation
from call_api.errors import CallFailed
from call_api.model import CallId
from call_api.sip.uri import Uri
from tests.fakes.sip_office import sip_office
from tests.fakes.virtual_time import in_virtual_time, until

ALICE, BOB = "sip:alice@localhost", "sip:bob@localhost"


class Nothing(Operation):
    """Owns a call and leaves the rest to the test."""

    async def run(self) -> None:
        await asyncio.get_running_loop().create_future()


@in_virtual_time
async def test_a_call_gets_the_name_that_is_asked_for_or_one_that_is_free() -> None:
    async with sip_office() as office:
        board = office.board
        owner = Nothing(board)

        first = board.open("wanted", ALICE, BOB, owner)
        second = board.open("wanted", ALICE, BOB, owner)
        third = board.open("", ALICE, BOB, owner)

        assert first.callid == "wanted"
        assert len({first.callid, second.callid, third.callid, CallId("")}) == 4
        for call in (first, second, third):
            board.end(call)


@in_virtual_time
async def test_who_is_asked_for_and_who_has_no_phone() -> None:
    async with sip_office("alice") as office:
        board = office.board

        assert [target.uri for target in board.phones(BOB, ALICE).targets] == [
            "sip:alice@127.0.0.11:5060"
        ]
        assert board.decide(BOB, Uri.parse(ALICE)).ring_for == 60.0
        for callee in (BOB, "nonsense", "tel:1"):
            with pytest.raises(CallFailed, match="404 Not Found"):
                board.phones(ALICE, callee)
        with pytest.raises(CallFailed, match="416 Unsupported URI Scheme"):
            board.phones(BOB, ALICE.replace("sip:", "sips:"))


@in_virtual_time
async def test_a_leg_that_has_hung_up_takes_no_seat() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        call = office.board.calls.find(await office.start(alice, bob))
        leg, stays = call.legs["callee"], call.legs["caller"]
        leg.hang_up()

        with pytest.raises(CallFailed, match="487"):
            office.board.seat(call, "callee", leg)
        with pytest.raises(CallFailed, match="487"):
            office.board.reseat(call, "caller", leg, BOB)

        assert call.legs["caller"] is stays
        await office.end()


@in_virtual_time
async def test_a_call_that_is_whole_or_over_is_left_alone_by_tidying() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        call = office.board.calls.find(await office.start(alice, bob))

        office.board.tidy(call)
        assert office.callids == [call.callid]
        office.board.release(call.legs["caller"])
        office.board.tidy(call)
        office.board.tidy(call)

        assert office.callids == []
        await office.gone()


@in_virtual_time
async def test_a_leg_that_is_in_no_call_goes_unnoticed() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        call = office.board.calls.find(await office.start(alice, bob))
        leg = call.legs["caller"]
        office.board.calls.detach(leg)

        office.board.leg_gone(leg)

        assert office.callids == [call.callid]
        leg.hang_up()
        await office.end()


@in_virtual_time
async def test_waiting_for_the_end_of_legs_is_bounded() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        callid = await office.start(alice, bob)
        bob.is_dead = True
        loop = asyncio.get_running_loop()
        legs = office.board.end(office.board.calls.find(callid))
        began = loop.time()

        await office.board.until_dead(legs, 3.0)
        assert loop.time() - began == pytest.approx(3.0)
        await office.board.until_dead(legs, 100.0)
        assert loop.time() - began == pytest.approx(32.0, abs=0.1)
        await office.board.until_dead(legs, 100.0)

        assert loop.time() - began < 33.0


@in_virtual_time
async def test_closing_hangs_up_every_call_and_waits_for_the_phones() -> None:
    async with sip_office("alice", "bob", "carol", "dave") as office:
        alice, bob, carol, dave = office.phones.values()
        await office.start(alice, bob)
        dave.answer_after = None
        ringing = carol.dial(dave.uri)
        await until(lambda: dave.live)

        await office.exchange.close()

        assert (alice.calls[0].ended_by, bob.calls[0].ended_by) == ("BYE", "BYE")
        assert ringing.ended_by == 487
        assert dave.calls[0].ended_by == "CANCEL"
        assert office.backend.is_ready() is not None


@in_virtual_time
async def test_a_lost_connection_is_replaced_by_that_of_the_same_phone() -> None:
    async with sip_office("alice") as office:
        alice = office.phones["alice"]
        bob = await office.phone("bob", transport="TCP")
        call = office.board.calls.find(await office.start(alice, bob))
        leg = call.legs["callee"]
        same = office.board.way_to(leg)
        assert same == leg.flow

        desk = await office.phone("desk", user="bob", transport="TCP")
        assert office.board.way_to(leg) == leg.flow
        office.disconnect(bob)
        assert office.board.way_to(leg).peer == desk.flow.local  # the only one that is left
        await office.phone("mobile", user="bob", transport="TCP")
        assert office.board.way_to(leg) == leg.flow  # nobody knows which one
        await bob.register()

        assert office.board.way_to(leg).peer == bob.flow.local
        await office.end()


@in_virtual_time
async def test_a_phone_that_registers_from_elsewhere_is_followed_in_its_calls_alone() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        call = office.board.calls.find(await office.start(alice, bob))
        there = call.legs["callee"].flow

        for _ in range(2):  # with the address of somebody else's phone
            office.move(alice)
            claim = [("Contact", bob.contact)]
            assert (await alice.request("REGISTER", alice.uri, claim)).status == 200
        assert call.legs["callee"].flow is there

        office.move(bob)  # as a NAT does
        assert await bob.register() == 200
        await office.backend.end(call.callid)

        assert bob.calls[0].ended_by == "BYE"


@in_virtual_time
async def test_only_phones_of_which_nothing_was_heard_are_asked() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        await office.start(alice, bob)
        alice.heard.clear()
        bob.heard.clear()

        await asyncio.sleep(60.0)
        await alice.call.request("OPTIONS")
        await asyncio.sleep(40.0)
        assert (alice.heard, bob.heard) == ([], ["OPTIONS"])
        await asyncio.sleep(60.0)
        assert (alice.heard, bob.heard) == (["OPTIONS"], ["OPTIONS"])

        await office.end()
