"""One dialog with a phone, message by message."""

import asyncio

import pytest

from call_api.backends.embedded.leg import Leg
from call_api.backends.embedded.leg_state import LegState
from call_api.sip.dialog import Dialog
from call_api.sip.grammar import BadHeader
from call_api.sip.message import Request, Response
from call_api.sip.sdp import make_offer
from tests.fakes.leg_scene import ANSWER, OFFER, LegScene
from tests.fakes.recording_flow import RecordingFlow
from tests.fakes.sip_messages import make_request


@pytest.fixture
def up() -> LegScene:
    """A leg that is up."""
    scene = LegScene()
    scene.answer(200, ANSWER)
    scene.requests()
    return scene


def reinvited(scene: LegScene, cseq: int = 1) -> None:
    """Let the phone open an INVITE in the dialog."""
    incoming = scene.receive("INVITE", cseq, OFFER)
    scene.leg.session.hear(OFFER, is_offer=True)
    assert scene.leg.turn.try_take()
    scene.leg.open(incoming)


def ack(scene: LegScene, cseq: int = 1) -> None:
    """Let the phone acknowledge our 2xx."""
    request = make_request("ACK", to="<sip:alice@localhost>;tag=t1", callid="c1", number=cseq)
    request.headers.set("From", "<sip:bob@localhost>;tag=b1")
    scene.leg.agent.receive(request.encode(), scene.flow)


def statuses(scene: LegScene) -> list[int]:
    return [m.status for m in scene.flow.take() if isinstance(m, Response)]


# The phone's INVITE.


def test_an_invite_of_the_phone_is_answered_and_the_turn_given_back_with_its_ack(
    up: LegScene,
) -> None:
    acks: list[Request] = []
    reinvited(up)

    assert up.leg.answer_invite(up.leg.session.answer(make_offer("192.0.2.9", 6000)), acks.append)

    (answer,) = up.flow.take_responses()
    assert answer.status == 200
    assert b"m=audio 6000" in answer.body
    assert str(answer.contact) == "<sip:192.0.2.2>"
    assert up.leg.turn.is_taken
    assert not up.leg.answer_invite(b"")
    ack(up)
    assert not up.leg.turn.is_taken
    assert len(acks) == 1
    assert up.leg.dialog is not None
    assert up.leg.dialog.remote_target == "sip:bob@192.0.2.1:5080"


def test_an_invite_of_the_phone_is_refused_and_the_old_target_stays(up: LegScene) -> None:
    reinvited(up)

    up.leg.refuse_invite(488, headers=[("Warning", "399 x y")])
    up.leg.refuse_invite(500)

    (answer,) = up.flow.take_responses()
    assert (answer.status, answer.headers.get("Warning")) == (488, "399 x y")
    assert not up.leg.turn.is_taken
    assert up.leg.dialog is not None
    assert up.leg.dialog.remote_target == "sip:bob@192.0.2.1:5070"
    assert up.leg.is_up


async def test_a_2xx_that_is_never_acknowledged_ends_the_leg_with_a_bye(up: LegScene) -> None:
    reinvited(up)
    up.leg.answer_invite(OFFER)
    up.flow.take()

    up.clock.advance(32.0)

    assert [m.method for m in up.flow.take() if isinstance(m, Request)][-1] == "BYE"
    assert up.gone == []  # who waits hears first what it was
    await asyncio.sleep(0)
    assert up.gone == [up.leg]


def test_a_bye_of_ours_waits_for_the_ack_of_our_2xx(up: LegScene) -> None:
    reinvited(up)
    up.leg.answer_invite(OFFER)
    up.flow.take()

    up.leg.hang_up()
    assert up.flow.take() == []
    ack(up)

    assert up.methods() == ["BYE"]


def test_a_bye_of_ours_that_waits_for_an_ack_in_vain_is_sent_all_the_same(up: LegScene) -> None:
    reinvited(up)
    up.leg.answer_invite(OFFER)

    up.leg.hang_up()
    up.clock.advance(32.0)

    sent = [m.method for m in up.flow.take() if isinstance(m, Request)]
    assert sent == ["BYE"]
    assert up.gone == []


def test_a_phone_that_hangs_up_before_its_ack_is_sent_no_bye(up: LegScene) -> None:
    reinvited(up)
    up.leg.answer_invite(OFFER)
    up.leg.hang_up()
    up.flow.take()

    up.receive("BYE", 2).respond(200)
    up.leg.take_bye()
    ack(up)

    assert statuses(up) == [200]
    assert up.leg.is_dead
    assert up.dead == [up.leg]
    assert up.gone == []


def test_hung_up_the_phones_open_invite_is_refused_and_its_open_offer_declined() -> None:
    scene = LegScene(offers=False)
    scene.answer(200, ANSWER)

    scene.leg.hang_up()

    declined, bye = scene.requests()
    assert (declined.method, bye.method) == ("ACK", "BYE")
    assert b"a=inactive" in declined.body

    scene = LegScene()
    scene.answer(200, ANSWER)
    reinvited(scene)
    scene.flow.take()
    scene.leg.hang_up()
    refusal, bye_after = scene.flow.take()
    assert isinstance(refusal, Response)
    assert refusal.status == 487
    assert isinstance(bye_after, Request)


# A leg that the phone begins.


class Calling(LegScene):
    """A leg whose phone calls us."""

    def __init__(self, contact: str = "<sip:bob@192.0.2.1>") -> None:
        super().__init__()
        self.leg.hang_up()
        self.answer(180)
        self.answer(487)
        self.flow.take()
        self.dead.clear()
        request = make_request(callid="c2", headers=(("Content-Type", "application/sdp"),))
        request.headers.set("Contact", contact)
        request.body = OFFER
        self.leg.agent.receive(request.encode(), self.flow)
        incoming = self.came[-1]
        self.leg = Leg(
            self.leg.agent,
            self.flow,
            callid="c2",
            tag=incoming.to_tag,
            uri="sip:alice@localhost",
            home=self,
            now=0.0,
        )
        self.leg.take_invite(incoming, "<sip:192.0.2.2>")


def test_a_leg_that_the_phone_begins_is_up_with_our_answer() -> None:
    scene = Calling()
    assert scene.leg.state is LegState.INCOMING
    assert not scene.leg.is_ours

    scene.leg.answer_invite(ANSWER)

    assert scene.leg.is_up
    assert scene.leg.dialog is not None
    assert not scene.leg.dialog.is_early


@pytest.mark.parametrize(("args", "status"), [((), 487), ((486, "Busy Here"), 486)])
def test_hung_up_before_our_answer_the_phone_is_refused(
    args: tuple[()] | tuple[int, str], status: int
) -> None:
    scene = Calling()

    scene.leg.hang_up(*args)

    assert statuses(scene) == [status]
    assert scene.dead == [scene.leg]
    assert scene.gone == []
    assert not scene.leg.turn.is_taken


def test_a_phone_that_takes_its_call_back_is_gone() -> None:
    scene = Calling()
    cancel = make_request("CANCEL", callid="c2")

    scene.leg.agent.receive(cancel.encode(), scene.flow)

    assert sorted(statuses(scene)) == [200, 487]
    assert scene.gone == scene.dead == [scene.leg]
    assert not scene.leg.answer_invite(ANSWER)


def test_a_phone_without_an_address_begins_nothing() -> None:
    with pytest.raises(BadHeader):
        Calling(contact="<tel:1>")


# The end.


def test_hung_up_twice_there_is_one_bye_and_one_death(up: LegScene) -> None:
    up.leg.hang_up()
    up.leg.hang_up()
    (bye,) = up.requests()
    assert up.leg.state is LegState.BYE
    assert up.dead == []

    up.leg.agent.receive(bye.response(100).encode(), up.flow)
    assert up.dead == []
    up.leg.agent.receive(bye.response(200).encode(), up.flow)

    assert up.dead == [up.leg]
    assert up.gone == []


def test_a_bye_that_nobody_answers_is_the_end_as_well(up: LegScene) -> None:
    up.leg.hang_up()

    up.clock.advance(32.0)

    assert up.dead == [up.leg]


def test_byes_that_cross_end_the_leg_once(up: LegScene) -> None:
    up.leg.hang_up()
    (bye,) = up.requests()

    up.leg.take_bye()
    up.leg.agent.receive(bye.response(481).encode(), up.flow)

    assert up.dead == [up.leg]
    assert up.gone == []
    up.leg.take_bye()
    assert up.dead == [up.leg]


def test_the_phones_bye_breaks_what_is_on_its_way(up: LegScene) -> None:
    broken: list[bool] = []
    up.leg.on_broken = lambda: broken.append(True)

    up.leg.take_bye()

    assert broken == [True]
    assert up.gone == up.dead == [up.leg]
    up.leg.lose()
    assert up.gone == [up.leg]


def test_a_new_leg_has_nothing_to_end() -> None:
    scene = LegScene()
    leg = Leg(
        scene.leg.agent, scene.flow, callid="c9", tag="t9", uri="sip:x@y", home=scene, now=0.0
    )

    leg.hang_up()
    leg.take_bye()

    assert leg.state is LegState.NEW


# Probing, and the way to the phone.


@pytest.mark.parametrize(("status", "is_lost"), [(200, False), (405, False), (481, True)])
async def test_a_phone_is_asked_whether_it_is_there(
    up: LegScene, status: int, is_lost: bool
) -> None:
    up.leg.probe()
    (options,) = up.requests()
    assert options.method == "OPTIONS"

    up.leg.agent.receive(options.response(status, to_tag="b1").encode(), up.flow)
    await asyncio.sleep(0)

    assert up.leg.is_up is not is_lost
    assert up.gone == ([up.leg] if is_lost else [])


async def test_a_phone_that_is_silent_is_lost(up: LegScene) -> None:
    up.leg.probe()

    up.clock.advance(32.0)
    await asyncio.sleep(0)

    assert up.gone == [up.leg]


@pytest.mark.parametrize("is_open", [True, False])
async def test_a_phone_is_lost_with_its_connection_but_not_when_the_network_is_down(
    up: LegScene, is_open: bool
) -> None:
    up.flow.is_open, up.flow.refuses = is_open, True

    up.leg.probe()
    up.clock.advance(0.0)
    await asyncio.sleep(0)

    assert up.leg.is_up is is_open


def test_a_phone_whose_connection_is_lost_is_sought_elsewhere(up: LegScene) -> None:
    old, new = up.flow, RecordingFlow("TCP")
    old.is_open = False
    up.flow = new

    up.leg.probe()

    assert up.leg.flow is new
    assert [request.method for request in new.take_requests()] == ["OPTIONS"]
    assert isinstance(up.leg.dialog, Dialog)
