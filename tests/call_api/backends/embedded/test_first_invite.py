"""A phone is rung; `test_ringing` has several of them."""

import pytest

from call_api.backends.embedded.leg_state import LegState
from call_api.sip.message import Response
from call_api.sip.sdp import make_offer
from tests.fakes.leg_scene import ANSWER, LegScene


def test_with_an_offer_the_ack_follows_at_once() -> None:
    scene = LegScene()
    scene.answer(100)
    scene.answer(180)
    assert scene.leg.turn.is_taken
    assert scene.leg.state is LegState.EARLY

    scene.answer(200, ANSWER)

    assert scene.news == [180, 200]
    assert scene.methods() == ["ACK"]
    assert scene.leg.is_up
    assert not scene.leg.turn.is_taken
    assert scene.leg.dialog is not None
    assert scene.leg.dialog.remote_target == "sip:bob@192.0.2.1:5070"


@pytest.mark.parametrize("is_accepted", [True, False])
def test_without_an_offer_the_ack_waits_for_an_answer(is_accepted: bool) -> None:
    scene = LegScene(offers=False)

    scene.answer(200, ANSWER)
    assert scene.methods() == []
    assert scene.leg.turn.is_taken
    if is_accepted:
        scene.leg.accept(make_offer("192.0.2.9", 6000))
    else:
        scene.leg.decline()

    (ack,) = scene.requests()
    assert (b"m=audio 6000" in ack.body) is is_accepted
    assert (b"a=inactive" in ack.body) is not is_accepted
    assert not scene.leg.turn.is_taken
    scene.leg.accept(make_offer("192.0.2.9", 6000))
    assert scene.requests() == []


def test_a_refusal_is_the_end() -> None:
    scene = LegScene()

    scene.answer(486)

    assert scene.news == [486]
    assert scene.leg.is_dead
    assert scene.dead == [scene.leg]
    assert scene.gone == []


@pytest.mark.parametrize("offers", [True, False])
@pytest.mark.parametrize("body", [b"", b"nonsense"])
def test_an_answer_without_a_description_is_hung_up_and_told_as_488(
    offers: bool, body: bytes
) -> None:
    scene = LegScene(offers=offers)

    scene.answer(200, body)

    assert scene.news == [488]
    assert scene.methods() == ["ACK", "BYE"]
    assert not scene.leg.turn.is_taken


def test_cancelled_the_invite_is_taken_back_when_the_phone_has_said_anything() -> None:
    scene = LegScene()

    scene.leg.hang_up()
    assert scene.methods() == []
    scene.answer(180)
    assert scene.methods() == ["CANCEL"]
    scene.answer(487)

    assert scene.news == []
    assert scene.leg.is_dead


@pytest.mark.parametrize("offers", [True, False])
def test_an_answer_that_crosses_the_cancel_gets_its_ack_and_a_bye(offers: bool) -> None:
    scene = LegScene(offers=offers)
    scene.answer(180)
    scene.leg.hang_up()
    scene.requests()

    scene.answer(200, ANSWER)

    assert scene.methods() == ["ACK", "BYE"]
    assert scene.news == [180]
    assert not scene.leg.turn.is_taken


def test_a_phone_that_never_answers_is_told_as_408() -> None:
    scene = LegScene()
    scene.answer(180)

    scene.clock.advance(60.0)

    assert scene.news == [180, 408]
    assert scene.leg.is_dead
    assert Response(scene.news[-1]).reason == "Request Timeout"
