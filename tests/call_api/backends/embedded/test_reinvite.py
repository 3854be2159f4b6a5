"""Re-INVITEs of ours; `test_hold` has them in their place."""

import asyncio

import pytest

from call_api.backends.embedded import reinvite
from call_api.backends.embedded.leg import Leg
from call_api.backends.embedded.reinvite import ANSWER_WITHIN, gone, pause_before_retry
from call_api.errors import CallFailed
from call_api.sip.message import Response
from call_api.sip.sdp import make_offer
from tests.fakes.scripted_call import ScriptedCall
from tests.fakes.sip_office import Office, far_away, sip_office
from tests.fakes.virtual_time import in_virtual_time

ELSEWHERE = make_offer("127.0.0.50", 5000)


async def called(office: Office) -> tuple[Leg, ScriptedCall]:
    """A leg that is up, and the phone's side of it."""
    alice, bob = office.phones.values()
    call = office.board.calls.find(await office.start(alice, bob))
    return call.legs["callee"], bob.call


@in_virtual_time
async def test_an_offer_is_answered() -> None:
    async with sip_office("alice", "bob") as office:
        leg, bob = await called(office)

        answer = await reinvite.offer(leg, ELSEWHERE, [("P-Asserted-Identity", "<sip:x@y>")])

        assert bob.sends_to == ("127.0.0.50", 5000)
        assert (answer.address, answer.media[0].port) == bob.media
        assert bob.invites[-1].headers.get("P-Asserted-Identity") == "<sip:x@y>"
        assert not leg.turn.is_taken


@pytest.mark.parametrize("is_accepted", [True, False])
@in_virtual_time
async def test_an_offer_that_was_asked_for_is_answered_in_the_ack(is_accepted: bool) -> None:
    async with sip_office("alice", "bob") as office:
        leg, bob = await called(office)

        await reinvite.ask(leg)
        assert leg.turn.is_taken
        if is_accepted:
            leg.accept(ELSEWHERE)
        else:
            leg.decline()
        leg.decline()  # there is nothing any more
        await asyncio.sleep(1.0)

        assert bob.sends_to == (("127.0.0.50", 5000) if is_accepted else None)
        assert not leg.turn.is_taken


@in_virtual_time
async def test_two_reinvites_of_one_leg_go_one_after_the_other() -> None:
    async with sip_office("alice", "bob", link=far_away) as office:
        leg, bob = await called(office)

        async with asyncio.TaskGroup() as group:
            for port in (5000, 5002):
                sdp = make_offer("127.0.0.50", port)
                group.create_task(reinvite.offer(leg, sdp), name=str(port))

        assert bob.sends_to == ("127.0.0.50", 5002)
        assert not leg.turn.is_taken


@in_virtual_time
async def test_who_waits_too_long_for_its_turn_gives_up() -> None:
    async with sip_office("alice", "bob") as office:
        leg, _ = await called(office)
        leg.turn.try_take()
        began = asyncio.get_running_loop().time()

        with pytest.raises(CallFailed, match="491 Request Pending"):
            await reinvite.offer(leg, ELSEWHERE)
        with pytest.raises(CallFailed, match="491 Request Pending"):
            await reinvite.idle(leg)

        assert asyncio.get_running_loop().time() - began == pytest.approx(2 * ANSWER_WITHIN)
        leg.turn.give()
        await reinvite.idle(leg)
        assert not leg.turn.is_taken


@in_virtual_time
async def test_a_leg_that_is_gone_is_not_asked() -> None:
    async with sip_office("alice", "bob") as office:
        leg, _ = await called(office)
        await office.end()

        with pytest.raises(CallFailed, match="487"):
            await reinvite.offer(leg, ELSEWHERE)

        assert not leg.turn.is_taken


@pytest.mark.parametrize("asks", [True, False])
@pytest.mark.parametrize("wait_ms", [10, 60, 99, 100, 101, 110])
@in_virtual_time
async def test_one_that_nobody_waits_for_any_more_comes_to_its_end(
    asks: bool, wait_ms: int
) -> None:
    async with sip_office("alice", "bob", link=far_away) as office:
        leg, bob = await called(office)
        story = reinvite.ask(leg) if asks else reinvite.offer(leg, ELSEWHERE)
        task = asyncio.get_running_loop().create_task(story)
        await asyncio.sleep(wait_ms / 1000)

        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            leg.decline()

        await reinvite.idle(leg)
        await asyncio.sleep(1.0)
        assert bob.sends_to == (None if asks else ("127.0.0.50", 5000))
        await asyncio.sleep(40.0)
        assert bob.state == "up"


@in_virtual_time
async def test_a_hang_up_fails_what_is_on_its_way() -> None:
    async with sip_office("alice", "bob", link=far_away) as office:
        leg, bob = await called(office)
        task = asyncio.get_running_loop().create_task(reinvite.ask(leg))
        await asyncio.sleep(0.01)

        leg.hang_up()

        with pytest.raises(CallFailed, match="487"):
            await task
        await asyncio.sleep(1.0)
        assert bob.ended_by == "BYE"


def response(status: int, retry_after: str | None = None) -> Response:
    headers = [] if retry_after is None else [("Retry-After", retry_after)]
    return Response(status, "", headers)


@pytest.mark.parametrize(("is_ours", "shortest", "longest"), [(True, 2.1, 4.0), (False, 0.0, 2.0)])
def test_both_sides_wait_differently_long_after_glare(
    is_ours: bool, shortest: float, longest: float
) -> None:
    pauses = {pause_before_retry(response(491), is_ours=is_ours) for _ in range(100)}

    assert all(pause is not None and shortest <= pause <= longest for pause in pauses)
    assert len(pauses) > 10


@pytest.mark.parametrize(
    ("answer", "pause"),
    [
        (response(500, "0"), 0.0),
        (response(500, " 10;duration=60"), 10.0),
        (response(500, "11"), None),
        (response(500, "soon"), None),
        (response(500), None),
        (response(488, "1"), None),
        (response(200), None),
    ],
)
def test_a_phone_with_an_invite_of_its_own_says_when_to_ask_again(
    answer: Response, pause: float | None
) -> None:
    assert pause_before_retry(answer, is_ours=True) == pause


def test_a_phone_that_is_gone_is_told_as_487() -> None:
    assert (gone().status, gone().reason) == (487, "Request Terminated")
