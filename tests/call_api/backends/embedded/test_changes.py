"""What those who watch are told, over phones in virtual time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from call_api.backends.base import CallChange
from call_api.errors import CallFailed
from call_api.model import LEGS, LegName, SipUri
from tests.fakes.sip_office import Office, read, sip_office
from tests.fakes.virtual_time import in_virtual_time, until

CAROL = SipUri("sip:carol@localhost")


class Watcher:
    """One who watches all calls of an office."""

    def __init__(self, office: Office) -> None:
        self.changes: list[CallChange] = []
        self.watching = office.backend.watch(self.changes.append)

    def told(self) -> list[str]:
        """Return what was told since the last time."""
        told = [str(change.event) for change in self.changes]
        self.changes.clear()
        return told

    def held(self) -> list[tuple[str, list[LegName]]]:
        """Return what was told of holds since the last time."""
        told = [(str(change.event), list(change.call.held)) for change in self.changes]
        self.changes.clear()
        return told


@asynccontextmanager
async def watched(*names: str) -> AsyncIterator[tuple[Office, Watcher]]:
    """An office whose calls are watched."""
    async with sip_office(*names) as office:
        yield office, Watcher(office)


@in_virtual_time
async def test_a_call_by_command_is_told_from_its_beginning_to_its_end() -> None:
    async with watched("alice", "bob") as (office, watcher):
        alice, bob = office.phones.values()

        callid = await office.start(alice, bob)
        await office.end()

        assert [change.event for change in watcher.changes] == [
            "created",
            "ringing",
            "answered",
            "ended",
        ]
        assert [change.call.state for change in watcher.changes] == [
            "created",
            "ringing",
            "answered",
            "ended",
        ]
        assert {change.call.callid for change in watcher.changes} == {callid}
        assert {change.call.caller for change in watcher.changes} == {alice.uri}


@in_virtual_time
async def test_a_call_between_phones_is_told_as_well() -> None:
    async with watched("alice", "bob") as (office, watcher):
        alice, bob = office.phones.values()
        alice.dial(bob.uri)
        await until(lambda: [change.event for change in watcher.changes][-1:] == ["answered"])
        assert watcher.told() == ["created", "ringing", "answered"]

        await bob.call.hang_up()

        assert watcher.told() == ["ended"]


@in_virtual_time
async def test_each_phone_that_fails_is_told_with_its_status() -> None:
    async with watched("alice") as (office, watcher):
        alice = office.phones["alice"]
        for number, status in enumerate((486, 503)):
            phone = await office.phone(f"bob{number}", user="bob")
            phone.refuse_with = (status, ())

        with pytest.raises(CallFailed):
            await read(office.backend.start(SipUri(alice.uri), SipUri("sip:bob@localhost")))

        failed = [change for change in watcher.changes if change.event == "branch_failed"]
        assert [(change.target, change.status) for change in failed] == [
            ("sip:bob@localhost", 486),
            ("sip:bob@localhost", 503),
        ]
        assert watcher.told()[-1] == "ended"


@in_virtual_time
async def test_phones_that_stop_ringing_for_another_one_have_not_failed() -> None:
    async with watched("alice", "bob") as (office, watcher):
        alice, bob = office.phones.values()
        slow = await office.phone("desk", user="bob")
        slow.answer_after = None

        await office.start(alice, bob)

        assert watcher.told() == ["created", "ringing", "answered"]
        await office.end()


@in_virtual_time
async def test_holds_by_command_are_told_once_each() -> None:
    async with watched("alice", "bob") as (office, watcher):
        callid = await office.start(*office.phones.values())
        watcher.told()

        for _ in range(2):
            await read(office.backend.hold(callid, LEGS))
        await read(office.backend.unhold(callid, ["caller"]))
        await read(office.backend.unhold(callid, LEGS))

        assert watcher.held() == [
            ("held", ["caller", "callee"]),
            ("resumed", ["callee"]),
            ("resumed", []),
        ]
        await office.end()


@in_virtual_time
async def test_a_phone_that_holds_its_peer_by_itself_is_told_as_well() -> None:
    async with watched("alice", "bob") as (office, watcher):
        callid = await office.start(*office.phones.values())
        own = office.phones["alice"].call
        watcher.told()

        own.wish = "sendonly"
        assert await own.reinvite() == 200
        await until(lambda: bool(watcher.changes))
        assert watcher.held() == [("held", ["callee"])]
        # While a command holds somebody, a phone is answered for its peer.
        await read(office.backend.hold(callid, ["caller"]))
        own.wish = "sendrecv"
        assert await own.reinvite() == 200

        assert watcher.held() == [("held", ["caller", "callee"]), ("resumed", ["caller"])]
        await office.end()


@in_virtual_time
async def test_a_hold_that_a_phone_refuses_is_not_told() -> None:
    async with watched("alice", "bob") as (office, watcher):
        callid = await office.start(*office.phones.values())
        watcher.told()
        office.phones["bob"].reinvites = [(488, ())]

        with pytest.raises(CallFailed):
            await read(office.backend.hold(callid, LEGS))

        assert watcher.told() == []
        await office.end()


@in_virtual_time
async def test_a_transfer_is_told_with_the_new_parties_and_ends_the_hold() -> None:
    async with watched("alice", "bob", "carol") as (office, watcher):
        alice, bob, carol = office.phones.values()
        callid = await office.start(alice, bob)
        await read(office.backend.hold(callid, ["callee"]))
        of_bob = bob.call.callid
        watcher.told()

        await read(office.backend.transfer(callid, "caller", CAROL))

        (change,) = watcher.changes
        assert (change.event, change.call.callid, change.call.held) == ("transferred", callid, [])
        assert (change.call.caller, change.call.callee) == (alice.uri, carol.uri)
        assert {callid, of_bob, carol.call.callid} <= set(change.names)
        watcher.told()
        await office.end()
        assert watcher.told() == ["ended"]


@in_virtual_time
async def test_a_transfer_that_fails_is_told_as_a_branch_that_has() -> None:
    async with watched("alice", "bob", "carol") as (office, watcher):
        alice, bob, carol = office.phones.values()
        callid = await office.start(alice, bob)
        watcher.told()
        carol.refuse_with = (486, ())

        with pytest.raises(CallFailed):
            await read(office.backend.transfer(callid, "caller", CAROL))

        (change,) = watcher.changes
        assert (change.event, change.target, change.status) == ("branch_failed", CAROL, 486)
        assert change.call.callee == bob.uri
        await office.end()


@in_virtual_time
async def test_of_two_calls_that_are_joined_one_is_transferred_and_one_ends() -> None:
    async with watched("alice", "bob", "carol", "dave") as (office, watcher):
        alice, bob, carol, dave = office.phones.values()
        first, second = await office.start(alice, bob), await office.start(carol, dave)
        watcher.told()

        await read(office.backend.join(first, "caller", second, "callee"))

        moved, ended = watcher.changes
        assert (moved.event, moved.call.callid) == ("transferred", first)
        assert (moved.call.caller, moved.call.callee) == (alice.uri, dave.uri)
        assert {first, second} <= set(moved.names)
        assert (ended.event, ended.call.callid, ended.call.state) == ("ended", second, "ended")
        await office.end()


@in_virtual_time
async def test_who_watches_no_more_is_told_nothing() -> None:
    async with watched("alice", "bob") as (office, watcher):
        other = Watcher(office)
        for _ in range(2):
            watcher.watching.close()

        await office.start(*office.phones.values())
        await office.end()

        assert watcher.told() == []
        assert other.told() == ["created", "ringing", "answered", "ended"]


@in_virtual_time
async def test_who_begins_to_watch_is_not_told_of_a_hold_before() -> None:
    async with sip_office("alice", "bob") as office:
        callid = await office.start(*office.phones.values())
        await read(office.backend.hold(callid, LEGS))
        watcher = Watcher(office)

        await read(office.backend.unhold(callid, LEGS))

        assert watcher.held() == [("resumed", [])]
        await office.end()


@in_virtual_time
async def test_every_call_that_goes_down_with_the_back_end_is_told_to_have_ended() -> None:
    async with watched("alice", "bob") as (office, watcher):
        await office.start(*office.phones.values())
        watcher.told()

        await office.board.close(CallFailed(503), 4.0)

        assert watcher.told() == ["ended"]
