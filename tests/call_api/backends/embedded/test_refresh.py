"""Session timers that are ours to refresh, with phones in virtual time."""

import asyncio

import pytest

from call_api.model import LEGS
from call_api.sip.dialog import HeaderLines
from tests.fakes.scripted_call import ScriptedCall
from tests.fakes.sip_office import read, silent, sip_office, talk
from tests.fakes.virtual_time import in_virtual_time, until

OURS: HeaderLines = [("Session-Expires", "90;refresher=uac"), ("Require", "timer")]


def refreshes(call: ScriptedCall) -> list[str]:
    texts = [invite.headers.get("Session-Expires") for invite in call.invites]
    return [text for text in texts if text is not None]


@in_virtual_time
async def test_a_phone_that_leaves_it_to_us_hears_in_time_that_the_call_goes_on() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        bob.said_along = OURS
        await office.start(alice, bob)
        before = list(bob.call.bodies)

        await asyncio.sleep(200.0)

        assert refreshes(bob.call) == ["90;refresher=uac"] * 4
        assert bob.call.bodies == [*before, *[before[-1]] * 4]
        assert refreshes(alice.call) == []
        assert talk(alice.call, bob.call)
        await office.end()


@in_virtual_time
async def test_a_call_on_hold_is_refreshed_and_stays_so() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        bob.said_along = OURS
        callid = await office.start(alice, bob)
        await read(office.backend.hold(callid, LEGS))

        await asyncio.sleep(100.0)

        assert len(refreshes(bob.call)) == 2
        assert silent(alice.call, bob.call)


@in_virtual_time
async def test_a_phone_that_has_moved_its_sound_by_then_is_followed() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        bob.said_along = OURS
        await office.start(alice, bob)
        bob.call.media = ("127.0.0.77", 7000)

        await asyncio.sleep(60.0)

        assert talk(alice.call, bob.call)


@in_virtual_time
async def test_a_phone_that_does_not_agree_is_asked_again_soon() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        bob.said_along = OURS
        await office.start(alice, bob)
        bob.reinvites = [(500, ()), (500, ())]

        await asyncio.sleep(80.0)

        assert len(refreshes(bob.call)) == 3
        assert talk(alice.call, bob.call)


@in_virtual_time
async def test_a_caller_that_waits_for_its_callee_is_told_nothing() -> None:
    async with sip_office("alice", "bob", ring_for=300.0) as office:
        alice, bob = office.phones.values()
        alice.said_along, bob.answer_after = OURS, 120.0
        starting = asyncio.get_running_loop().create_task(office.start(alice, bob))
        await until(lambda: bob.live)
        await asyncio.sleep(100.0)
        assert refreshes(alice.call) == []

        await starting

        await asyncio.sleep(60.0)
        assert len(refreshes(alice.call)) == 1


@pytest.mark.parametrize(
    ("headers", "agreed"),
    [
        ([("Session-Expires", "90"), ("Require", "timer")], "90;refresher=uac"),
        ([("Session-Expires", "90;refresher=uas"), ("Supported", "timer")], "90;refresher=uas"),
        ([("Session-Expires", "90")], None),
    ],
)
@in_virtual_time
async def test_a_phone_that_calls_gets_the_timer_that_it_asks_for(
    headers: HeaderLines, agreed: str | None
) -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        call = alice.dial(bob.uri, headers=headers)
        await until(lambda: call.state == "up")

        answers = office.answers_with("Session-Expires")
        said = [answer.headers.get("Session-Expires") for answer in answers]
        assert said == ([] if agreed is None else [agreed])
        await asyncio.sleep(50.0)
        assert bool(refreshes(call)) is (agreed == "90;refresher=uas")
        assert talk(call, bob.call)


@in_virtual_time
async def test_a_timer_that_is_too_fast_is_refused_with_what_would_do() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        headers = [("Session-Expires", "30"), ("Supported", "timer")]

        first = alice.dial(bob.uri, headers=headers)
        await until(lambda: first.ended_by == 422)
        call = await office.dial(alice, bob)
        assert await call.reinvite(headers=headers) == 422

        assert talk(call, bob.call)
        assert office.answers_with("Min-SE")[0].headers.get("Min-SE") == "90"
