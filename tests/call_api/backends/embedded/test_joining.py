"""Two legs and their media; the stories are in `test_hold`, `test_transfer`, `test_attended`."""

import pytest

from call_api.backends.embedded.joining import Before, blaming, follow, join, settle
from call_api.errors import CallFailed
from call_api.sip.sdp import make_offer
from tests.fakes.sip_office import sip_office, talk
from tests.fakes.virtual_time import in_virtual_time, until

ELSEWHERE = make_offer("127.0.0.50", 5000)


@in_virtual_time
async def test_legs_that_are_joined_talk_whatever_they_were_told_before() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        call = office.board.calls.find(await office.start(alice, bob))
        x, y = call.legs["caller"], call.legs["callee"]
        alice.call.media = ("127.0.0.98", 6000)
        bob.call.media = ("127.0.0.99", 7000)

        await join(x, y)

        await until(lambda: talk(alice.call, bob.call))


@in_virtual_time
async def test_settling_what_is_settled_asks_nobody() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        call = office.board.calls.find(await office.start(alice, bob))
        x, y = call.legs["caller"], call.legs["callee"]
        assert x.session.said is not None
        asked = len(alice.call.invites), len(bob.call.invites)

        await settle(x, y, x.session.said)
        await follow(x, y)
        await Before(x, y).put_back()

        assert (len(alice.call.invites), len(bob.call.invites)) == asked


@in_virtual_time
async def test_a_peer_is_told_where_the_other_one_has_gone_but_not_to_speak() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        callid = await office.start(alice, bob)
        async with office.backend.hold(callid, ["caller"]) as steps:
            assert [step.state async for step in steps] == ["start", "ok"]
        call = office.board.calls.find(callid)
        x, y = call.legs["caller"], call.legs["callee"]
        x.session.hear(ELSEWHERE.encode())

        await follow(x, y)

        assert bob.call.remote is not None
        assert bob.call.remote.media[0].port == 5000
        assert bob.call.local == "inactive"


@in_virtual_time
async def test_what_one_phone_refuses_is_put_back_at_the_other_all_the_same() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        call = office.board.calls.find(await office.start(alice, bob))
        x, y = call.legs["caller"], call.legs["callee"]
        before = Before(x, y)
        x.session.told = y.session.told = ELSEWHERE
        alice.reinvites = [(488, ())]
        asked = len(bob.call.invites)

        with pytest.raises(CallFailed, match="488"):
            await before.put_back()

        assert len(bob.call.invites) == asked + 1


def test_a_failure_names_the_party_it_is_asked_to() -> None:
    with pytest.raises(CallFailed) as caught, blaming("callee"):
        raise CallFailed(488, "Not Acceptable Here")

    assert (caught.value.status, caught.value.leg) == (488, "callee")
    with pytest.raises(CallFailed) as caught, blaming(None):
        raise CallFailed(488)
    assert caught.value.leg is None
