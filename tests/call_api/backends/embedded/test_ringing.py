"""A set of branches; `test_start` and `test_dial` have it in its place."""

import asyncio

import pytest

from call_api.backends.embedded.operation import Operation
from call_api.backends.embedded.ringing import MAX_PROGRESS, Progress, Ringing
from call_api.backends.embedded.routing import Target
from call_api.errors import CallFailed
from call_api.sip.headers import NameAddr
from call_api.sip.sdp import make_offer
from tests.fakes.scripted_phone import ScriptedPhone
from tests.fakes.sip_office import Office, sip_office
from tests.fakes.virtual_time import in_virtual_time, until

OFFER = make_offer("127.0.0.1", 4000)
WHO = NameAddr.parse("<sip:reception@localhost>")
BOB = "sip:bob@localhost"


class Nothing(Operation):
    """Owns a call and leaves the rest to the test."""

    async def run(self) -> None:
        await asyncio.get_running_loop().create_future()


class Scene:
    """A call whose callee rings."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.call = office.board.open("", "sip:reception@localhost", BOB, Nothing(office.board))
        self.ringing = Ringing(office.board, self.call, who=WHO, to=BOB, offer=OFFER)

    def add(self, *phones: ScriptedPhone, ring_for: float = 60.0) -> None:
        targets = [
            Target(target.uri, target.flow)
            for phone in phones
            for target in self.office.exchange.board.phones("x", BOB).targets
            if target.flow.peer == phone.flow.local
        ]
        self.ringing.add(targets, ring_for)

    def close(self) -> None:
        self.office.board.end(self.call)


@in_virtual_time
async def test_progress_is_told_and_then_the_leg_that_won() -> None:
    async with sip_office("bob") as office:
        scene, bob = Scene(office), office.phones["bob"]
        bob.progress = (180, 180, 181, 183)
        scene.add(bob)
        assert (await office.info()).state == "created"

        told: list[Progress] = []
        leg = await scene.ringing.winner(told.append)

        assert [str(progress) for progress in told] == [
            "180 Ringing",
            "181 Call Is Being Forwarded",
            "183 Session Progress",
        ]
        assert [bool(progress.body) for progress in told] == [False, False, True]
        assert leg.is_up
        assert (await office.info()).state == "ringing"
        assert scene.ringing.count == 0
        scene.close()
        await office.gone()


@in_virtual_time
async def test_phones_can_be_added_while_others_ring() -> None:
    async with sip_office("bob") as office:
        scene, bob = Scene(office), office.phones["bob"]
        desk = await office.phone("desk", user="bob")
        bob.answer_after = None
        scene.add(bob)
        await until(lambda: bob.live)

        scene.add(desk)
        assert scene.ringing.count == 2
        await scene.ringing.winner()

        assert desk.call.state == "up"
        await until(lambda: bob.calls[0].ended_by == "CANCEL")
        scene.close()
        await office.gone()


@in_virtual_time
async def test_each_phone_rings_for_its_own_time() -> None:
    async with sip_office("bob") as office:
        scene, bob = Scene(office), office.phones["bob"]
        desk = await office.phone("desk", user="bob")
        bob.answer_after, desk.answer_after = None, 20.0
        scene.add(bob, ring_for=5.0)
        scene.add(desk, ring_for=60.0)

        leg = await scene.ringing.winner()

        assert leg.flow.peer == desk.flow.local
        assert bob.calls[0].ended_by == "CANCEL"
        scene.close()
        await office.gone()


@in_virtual_time
async def test_two_answers_at_once_have_one_winner_and_the_other_is_hung_up() -> None:
    async with sip_office("bob") as office:
        scene, bob = Scene(office), office.phones["bob"]
        desk = await office.phone("desk", user="bob")
        scene.add(bob, desk)

        leg = await scene.ringing.winner()

        await until(lambda: len(bob.live) + len(desk.live) == 1)
        assert leg.is_up
        loser = desk if bob.live else bob
        assert loser.calls[0].ended_by in ("BYE", "CANCEL")
        scene.close()
        await office.gone()


@pytest.mark.parametrize(
    ("statuses", "best"),
    [((486, 503), 486), ((503, 486), 486), ((404, 302), 302), ((486, 404), 486), ((486, 600), 600)],
)
@in_virtual_time
async def test_of_the_refusals_the_best_is_told(statuses: tuple[int, int], best: int) -> None:
    async with sip_office("bob") as office:
        scene, bob = Scene(office), office.phones["bob"]
        desk = await office.phone("desk", user="bob")
        for phone, status in zip((bob, desk), statuses, strict=True):
            phone.refuse_with = (status, ())
        scene.add(bob)
        await asyncio.sleep(0.0005)
        scene.add(desk)

        with pytest.raises(CallFailed) as caught:
            await scene.ringing.winner()

        assert caught.value.status == best
        scene.close()
        await office.gone()


@in_virtual_time
async def test_stopped_nothing_rings_any_more_and_nothing_is_told() -> None:
    async with sip_office("bob") as office:
        scene, bob = Scene(office), office.phones["bob"]
        bob.answer_after = None
        scene.add(bob)
        await until(lambda: bob.live)

        scene.ringing.stop()
        scene.ringing.stop()

        await until(lambda: bob.calls[0].ended_by == "CANCEL")
        assert scene.call.branches == set()
        scene.close()
        await office.gone()


@in_virtual_time
async def test_a_phone_that_tells_without_end_is_bounded() -> None:
    async with sip_office("bob") as office:
        scene, bob = Scene(office), office.phones["bob"]
        bob.progress = tuple(180 + (number % 2) for number in range(4 * MAX_PROGRESS))
        scene.add(bob)
        await asyncio.sleep(1.0)

        told: list[Progress] = []
        await scene.ringing.winner(told.append)

        assert len(told) == MAX_PROGRESS
        scene.close()
        await office.gone()
