"""CallAttendedTransfer, over phones in virtual time."""

import asyncio
from typing import Any

import pytest

from call_api.errors import CallBusy, CallFailed, UnknownCall
from call_api.model import CallId, LegName, SipUri
from tests.fakes.scripted_phone import ScriptedPhone
from tests.fakes.sip_office import Office, far_away, read, sip_office, talk
from tests.fakes.virtual_time import in_virtual_time, until

FOUR = ("alice", "bob", "carol", "dave")
EVERY_PAIR = pytest.mark.parametrize(
    ("leg_a", "leg_b"),
    [("caller", "caller"), ("caller", "callee"), ("callee", "caller"), ("callee", "callee")],
)


class Scene:
    """Two calls: alice with bob, carol with dave."""

    def __init__(
        self, office: Office, leg_a: LegName = "caller", leg_b: LegName = "callee"
    ) -> None:
        self.office = office
        self.leg_a, self.leg_b = leg_a, leg_b
        alice, bob, carol, dave = office.phones.values()
        self.x, self.left_a = (alice, bob) if leg_a == "caller" else (bob, alice)
        self.y, self.left_b = (carol, dave) if leg_b == "caller" else (dave, carol)
        self.callid_a = self.callid_b = CallId("")

    async def begin(self) -> "Scene":
        alice, bob, carol, dave = self.office.phones.values()
        self.callid_a = await self.office.start(alice, bob)
        self.callid_b = await self.office.start(carol, dave)
        return self

    def join(self, to: SipUri | None = None) -> asyncio.Task[list[Any]]:
        stream = self.office.backend.join(self.callid_a, self.leg_a, self.callid_b, self.leg_b, to)
        return asyncio.get_running_loop().create_task(read(stream))

    def is_as_before(self) -> bool:
        return talk(self.x.call, self.left_a.call) and talk(self.y.call, self.left_b.call)

    async def end(self) -> None:
        for callid in self.office.callids:
            await self.office.backend.end(callid)
        await self.office.gone()


async def failure(steps: asyncio.Task[list[Any]]) -> int:
    with pytest.raises(CallFailed) as caught:
        await steps
    return caught.value.status


async def is_over(phone: ScriptedPhone) -> None:
    await until(lambda: not phone.live)


@EVERY_PAIR
@in_virtual_time
async def test_any_two_parties_are_joined_and_the_others_released(
    leg_a: LegName, leg_b: LegName
) -> None:
    async with sip_office(*FOUR) as office:
        scene = await Scene(office, leg_a, leg_b).begin()

        steps = await scene.join()

        assert [step.state for step in steps] == ["start", "ok"]
        assert {(s.callid, s.destination) for s in steps} == {(scene.callid_a, scene.y.uri)}
        await until(lambda: talk(scene.x.call, scene.y.call))
        assert (scene.left_a.calls[0].ended_by, scene.left_b.calls[0].ended_by) == ("BYE", "BYE")
        info = await office.info()
        assert info.callid == scene.callid_a
        assert {info.caller, info.callee} == {scene.x.uri, scene.y.uri}
        await office.end()


@in_virtual_time
async def test_the_joined_call_is_named_by_both_of_its_legs_and_takes_commands() -> None:
    async with sip_office(*FOUR) as office:
        scene = await Scene(office).begin()
        await scene.join()

        for callid in (scene.callid_a, scene.x.call.callid, scene.y.call.callid):
            await read(office.backend.hold(CallId(callid), ["caller"]))
            await read(office.backend.unhold(CallId(callid), ["caller"]))
        with pytest.raises(UnknownCall):
            await office.backend.end(scene.callid_b)
        await until(lambda: talk(scene.x.call, scene.y.call))
        await office.end()


@in_virtual_time
async def test_a_phone_that_consults_one_with_the_other_joins_them() -> None:
    async with sip_office("alice", "bob", "carol") as office:
        alice, bob, carol = office.phones.values()
        first = await office.start(alice, bob)
        await read(office.backend.hold(first, ["caller", "callee"]))
        second = await office.start(bob, carol)

        await read(office.backend.join(first, "caller", second, "callee"))

        await until(lambda: talk(alice.call, carol.call))
        await is_over(bob)
        assert (await office.info()).held == []
        await office.end()


@pytest.mark.parametrize("to", [None, SipUri("sip:reception@localhost")])
@in_virtual_time
async def test_each_party_is_told_whom_it_talks_to(to: SipUri | None) -> None:
    async with sip_office(*FOUR) as office:
        scene = await Scene(office).begin()

        steps = await scene.join(to)

        expected = to or scene.y.uri
        assert steps[-1].destination == expected
        told = [p.call.invites[-1].headers.get("P-Asserted-Identity") for p in (scene.x, scene.y)]
        assert told == [f"<{expected}>", f"<{scene.x.uri}>"]


# It does not come about.


@EVERY_PAIR
@pytest.mark.parametrize("refuser", ["x", "y"])
@in_virtual_time
async def test_a_phone_that_refuses_leaves_both_calls_talking(
    leg_a: LegName, leg_b: LegName, refuser: str
) -> None:
    async with sip_office(*FOUR) as office:
        scene = await Scene(office, leg_a, leg_b).begin()
        (scene.x if refuser == "x" else scene.y).reinvites = [(488, ())]

        assert await failure(scene.join()) == 488

        await until(scene.is_as_before)
        assert set(office.callids) == {scene.callid_a, scene.callid_b}
        await scene.end()


@in_virtual_time
async def test_parties_that_were_on_hold_are_so_again_after_a_failure() -> None:
    async with sip_office(*FOUR) as office:
        scene = await Scene(office).begin()
        await read(office.backend.hold(scene.callid_a, ["caller", "callee"]))
        scene.y.reinvites = [(488, ())]

        assert await failure(scene.join()) == 488

        assert (scene.x.call.local, scene.left_a.call.local) == ("inactive", "inactive")
        assert talk(scene.y.call, scene.left_b.call)
        await scene.end()


@pytest.mark.parametrize("who", ["x", "y"])
@in_virtual_time
async def test_a_party_that_hangs_up_meanwhile_leaves_the_other_call_alone(who: str) -> None:
    async with sip_office(*FOUR, link=far_away) as office:
        scene = await Scene(office).begin()
        steps = scene.join()
        await asyncio.sleep(0.12)

        await (scene.x if who == "x" else scene.y).call.hang_up()

        assert await failure(steps) == 487
        await is_over(scene.left_a if who == "x" else scene.left_b)
        one, other = (scene.y, scene.left_b) if who == "x" else (scene.x, scene.left_a)
        await until(lambda: talk(one.call, other.call))
        assert len(office.callids) == 1
        await scene.end()


@in_virtual_time
async def test_those_who_are_to_be_released_may_hang_up_before() -> None:
    async with sip_office(*FOUR, link=far_away) as office:
        scene = await Scene(office).begin()
        steps = scene.join()
        await asyncio.sleep(0.02)

        for phone in (scene.left_a, scene.left_b):
            await phone.call.hang_up()
        await steps

        await until(lambda: talk(scene.x.call, scene.y.call))
        await office.end()


@pytest.mark.parametrize("who", ["left_a", "left_b"])
@in_virtual_time
async def test_after_a_failure_nobody_is_left_alone(who: str) -> None:
    async with sip_office(*FOUR, link=far_away) as office:
        scene = await Scene(office).begin()
        scene.y.reinvites = [(488, ())]
        steps = scene.join()
        await asyncio.sleep(0.02)

        await getattr(scene, who).call.hang_up()

        assert await failure(steps) == 488
        await is_over(scene.x if who == "left_a" else scene.y)
        assert len(office.callids) == 1
        await scene.end()


@in_virtual_time
async def test_a_phone_that_is_dead_ends_only_its_own_call() -> None:
    async with sip_office(*FOUR) as office:
        scene = await Scene(office).begin()
        scene.y.is_dead = True

        assert await failure(scene.join()) == 408

        await until(lambda: talk(scene.x.call, scene.left_a.call))
        await is_over(scene.left_b)
        assert office.callids == [scene.callid_a]
        scene.y.calls.clear()
        await scene.end()


@in_virtual_time
async def test_both_legs_of_one_call_cannot_be_joined() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        callid = await office.start(alice, bob)

        with pytest.raises(CallFailed, match="482 Both Legs Are Of One Call"):
            await read(office.backend.join(callid, "caller", CallId(bob.call.callid), "callee"))

        assert talk(alice.call, bob.call)
        await office.end()


@pytest.mark.parametrize("unknown", ["a", "b"])
@in_virtual_time
async def test_an_unknown_call_leaves_the_other_one_alone(unknown: str) -> None:
    async with sip_office(*FOUR) as office:
        scene = await Scene(office).begin()
        setattr(scene, f"callid_{unknown}", CallId("nobody's"))

        with pytest.raises(UnknownCall):
            await scene.join()

        assert scene.is_as_before()
        await scene.end()


@in_virtual_time
async def test_while_one_of_the_calls_is_changed_they_are_not_joined() -> None:
    async with sip_office(*FOUR, "erin") as office:
        alice, bob, carol, dave, erin = office.phones.values()
        a, b = await office.start(alice, bob), await office.start(carol, dave)
        erin.answer_after = None
        transfer = office.backend.transfer(b, "caller", SipUri(erin.uri))
        moving = asyncio.get_running_loop().create_task(read(transfer))
        await until(lambda: erin.live)

        with pytest.raises(CallBusy, match=b):
            await read(office.backend.join(a, "caller", b, "callee"))

        await read(office.backend.hold(a, ["caller"]))
        moving.cancel()


@EVERY_PAIR
@pytest.mark.parametrize("wait_ms", range(0, 320, 20))
@in_virtual_time
async def test_left_at_any_moment_the_parties_talk_as_before_or_as_they_should(
    leg_a: LegName, leg_b: LegName, wait_ms: int
) -> None:
    async with sip_office(*FOUR, link=far_away) as office:
        scene = await Scene(office, leg_a, leg_b).begin()
        steps = scene.join()
        await asyncio.sleep(wait_ms / 1000)

        steps.cancel()
        await asyncio.wait([steps])

        await asyncio.sleep(40.0)
        if len(office.callids) == 2:
            assert scene.is_as_before()
        else:
            assert talk(scene.x.call, scene.y.call)
        await scene.end()


@pytest.mark.parametrize("ended", ["a", "b"])
@in_virtual_time
async def test_a_call_that_ends_meanwhile_leaves_the_other_one_talking(ended: str) -> None:
    async with sip_office(*FOUR, link=far_away) as office:
        scene = await Scene(office).begin()
        steps = scene.join()
        await asyncio.sleep(0.12)

        await office.backend.end(scene.callid_a if ended == "a" else scene.callid_b)

        assert await failure(steps) == 487
        one, other = (scene.y, scene.left_b) if ended == "a" else (scene.x, scene.left_a)
        await until(lambda: talk(one.call, other.call))
        await office.end()
