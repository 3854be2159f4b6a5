"""A phone takes another one's place by INVITE with Replaces."""

import asyncio

import pytest

from call_api.backends.embedded.take_over import Replaces
from call_api.model import LEGS, LegName
from tests.fakes.scripted_call import ScriptedCall
from tests.fakes.sip_office import Office, far_away, read, silent, sip_office, talk
from tests.fakes.virtual_time import in_virtual_time, until

ANYBODY = "sip:alice@localhost"
BOTH_WAYS = pytest.mark.parametrize("offers", [True, False])


class Scene:
    """A call of alice with bob, of whom one is replaced by carol."""

    def __init__(self, office: Office, replaced: ScriptedCall, stays: ScriptedCall) -> None:
        self.office = office
        self.replaced = replaced
        self.stays = stays

    def take_over(self, *, offers: bool = True, more: str = "") -> ScriptedCall:
        headers = [("Replaces", self.replaced.replaces() + more)]
        return self.office.phones["carol"].dial(ANYBODY, offers=offers, headers=headers)


async def begun(office: Office, who: LegName = "callee") -> Scene:
    alice, bob, _ = office.phones.values()
    near = await office.dial(alice, bob)
    return Scene(office, *((near, bob.call) if who == "caller" else (bob.call, near)))


@BOTH_WAYS
@pytest.mark.parametrize("who", LEGS)
@in_virtual_time
async def test_a_phone_takes_the_place_of_either_party(who: LegName, offers: bool) -> None:
    async with sip_office("alice", "bob", "carol") as office:
        scene = await begun(office, who)

        carol = scene.take_over(offers=offers)

        await until(lambda: talk(carol, scene.stays))
        await until(lambda: scene.replaced.ended_by == "BYE")
        info = await office.info()
        assert "sip:carol@localhost" in (info.caller, info.callee)
        told = scene.stays.invites[-1].headers.get("P-Asserted-Identity")
        assert told == "<sip:carol@localhost>"
        await office.end()


@BOTH_WAYS
@in_virtual_time
async def test_a_peer_that_refuses_leaves_the_call_as_it_was(offers: bool) -> None:
    async with sip_office("alice", "bob", "carol") as office:
        scene = await begun(office)
        scene.stays.phone.reinvites = [(488, ())]

        carol = scene.take_over(offers=offers)

        await until(lambda: carol.ended_by == 488)
        assert talk(scene.stays, scene.replaced)
        await office.end()


@BOTH_WAYS
@in_virtual_time
async def test_a_phone_that_gives_up_leaves_the_call_as_it_was(offers: bool) -> None:
    async with sip_office("alice", "bob", "carol", link=far_away) as office:
        scene = await begun(office)
        scene.stays.phone.reinvites = [(0, ())]
        carol = scene.take_over(offers=offers)
        await until(lambda: 100 in carol.statuses)

        carol.cancel()
        await until(lambda: carol.ended_by == 487)
        scene.stays.answer_late()

        await asyncio.sleep(10.0)
        assert talk(scene.stays, scene.replaced)
        await office.end()


@in_virtual_time
async def test_a_phone_whose_ack_has_no_answer_is_hung_up_and_the_call_goes_on() -> None:
    async with sip_office("alice", "bob", "carol") as office:
        scene = await begun(office)
        carol = scene.take_over(offers=False)
        carol._describe = lambda offer: b"nonsense"  # type: ignore[method-assign]  # this phone

        await until(lambda: carol.ended_by == "BYE")

        await until(lambda: talk(scene.stays, scene.replaced))
        await office.end()


@in_virtual_time
async def test_the_one_who_is_replaced_may_hang_up_before() -> None:
    async with sip_office("alice", "bob", "carol", link=far_away) as office:
        scene = await begun(office)
        carol = scene.take_over()
        await asyncio.sleep(0.06)

        await scene.replaced.hang_up()

        await until(lambda: talk(carol, scene.stays))
        await office.end()


@in_virtual_time
async def test_when_the_peer_hangs_up_everybody_is_released() -> None:
    async with sip_office("alice", "bob", "carol", link=far_away) as office:
        scene = await begun(office)
        carol = scene.take_over()
        await asyncio.sleep(0.06)

        await scene.stays.hang_up()

        await until(lambda: carol.ended_by == 487 and scene.replaced.ended_by == "BYE")
        await office.gone()


@pytest.mark.parametrize(
    ("header", "status"),
    [("nonsense", 400), ("nobody's;to-tag=1;from-tag=2", 481)],
)
@in_virtual_time
async def test_what_means_no_dialog_of_ours_is_refused(header: str, status: int) -> None:
    async with sip_office("carol") as office:
        call = office.phones["carol"].dial(ANYBODY, headers=[("Replaces", header)])

        await until(lambda: call.ended_by == status)


@in_virtual_time
async def test_one_who_only_wants_a_ringing_call_is_refused_an_answered_one() -> None:
    async with sip_office("alice", "bob", "carol") as office:
        scene = await begun(office)

        carol = scene.take_over(more=";early-only")

        await until(lambda: carol.ended_by == 486)
        assert talk(scene.stays, scene.replaced)


@in_virtual_time
async def test_a_call_that_still_rings_is_not_taken_over() -> None:
    async with sip_office("alice", "bob", "carol") as office:
        alice, bob, carol = office.phones.values()
        bob.answer_after = None
        near = alice.dial(bob.uri)
        await until(lambda: bob.live)
        leg = next(iter(office.board.calls.find(near.callid).legs.values()))
        text = f"{near.callid};to-tag={leg.tag};from-tag={near.tag}"

        call = carol.dial(ANYBODY, headers=[("Replaces", text)])

        await until(lambda: call.ended_by == 491)
        near.cancel()
        await office.gone()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a@b;to-tag=1;from-tag=2", Replaces("a@b", "1", "2")),
        (" a@b ; From-Tag = 2 ;TO-TAG=1;x=y;early-only", Replaces("a@b", "1", "2", True)),
        ("a@b;to-tag=1", None),
        ("a@b;from-tag=1", None),
        ("a@b;to-tag;from-tag", None),
        ("", None),
    ],
)
def test_replaces_is_read_as_its_grammar_has_it(text: str, expected: Replaces | None) -> None:
    assert Replaces.parse(text) == expected


@in_virtual_time
async def test_what_was_refused_to_the_one_who_goes_is_not_put_back_over_the_one_who_comes() -> (
    None
):
    async with sip_office("alice", "bob", "carol", link=far_away) as office:
        alice, bob, carol = office.phones.values()
        await office.dial(alice, bob)
        replaced = bob.call
        replaced.media = ("127.0.0.77", 7000)
        alice.reinvites = [(488, ())]
        changing = asyncio.get_running_loop().create_task(replaced.reinvite())
        await asyncio.sleep(0.06)  # it has been passed on

        carol.dial(alice.uri, headers=[("Replaces", replaced.replaces())])

        assert await changing in (488, 487)
        await until(lambda: not bob.live)
        await until(lambda: talk(alice.call, carol.call))
        await asyncio.sleep(10.0)
        assert talk(alice.call, carol.call)


@in_virtual_time
async def test_what_was_refused_is_not_put_back_over_a_hold() -> None:
    async with sip_office("alice", "bob", link=far_away) as office:
        alice, bob = office.phones.values()
        call = await office.dial(alice, bob)
        bob.call.media = ("127.0.0.77", 7000)
        alice.reinvites = [(488, ())]
        changing = asyncio.get_running_loop().create_task(bob.call.reinvite())
        await asyncio.sleep(0.06)

        await read(office.backend.hold(office.callid, LEGS))

        assert await changing == 488
        await asyncio.sleep(10.0)
        assert silent(call, bob.call)
