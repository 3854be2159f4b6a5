"""2xx to an INVITE that nobody wants any more: RFC 3261, section 13.2.2.4."""

import pytest

from call_api.backends.embedded.unwanted_forks import MAX_UNWANTED
from call_api.sip.dialog import Dialog
from call_api.sip.message import Request
from tests.fakes.sip_messages import make_request
from tests.fakes.sip_scene import ClientScene


@pytest.fixture
def scene() -> ClientScene:
    return ClientScene()


def accept(scene: ClientScene) -> Request:
    """Let a call be answered and ACKed; return the INVITE."""
    request = make_request()
    scene.party.send(request, scene.flow)
    (invite,) = scene.flow.take_requests()
    response = scene.answer(invite, 200)
    ack = Dialog.from_response(request, response).ack(1)
    scene.party.agent.send_ack(ack, scene.flow)
    scene.flow.take()
    return invite


def test_another_fork_that_answers_is_hung_up_once_and_acked_each_time(scene: ClientScene) -> None:
    invite = accept(scene)

    scene.answer(invite, 200, tag="b2")
    assert scene.methods() == ["ACK", "BYE"]
    scene.answer(invite, 200, tag="b2")
    assert scene.methods() == ["ACK"]

    assert scene.party.told == [200]


def test_a_fork_is_hung_up_along_its_own_route(scene: ClientScene) -> None:
    invite = accept(scene)
    routes = [("Record-Route", "<sip:p2;lr>"), ("Record-Route", "<sip:p1;lr>")]

    fork = invite.response(200, to_tag="b2", headers=routes)
    scene.party.agent.receive(fork.encode(), scene.flow)

    ack, bye = scene.flow.take_requests()
    for request in (ack, bye):
        assert request.headers.all("Route") == ["<sip:p1;lr>", "<sip:p2;lr>"]
        assert request.uri == "sip:bob@192.0.2.2"


def test_there_is_an_end_to_the_forks_that_are_hung_up(scene: ClientScene) -> None:
    invite = accept(scene)

    for number in range(MAX_UNWANTED + 5):
        scene.answer(invite, 200, tag=f"fork{number}")

    assert scene.methods() == ["ACK", "BYE"] * MAX_UNWANTED


def test_who_answers_just_after_the_ring_time_is_hung_up(scene: ClientScene) -> None:
    scene.party.send(make_request(), scene.flow, ring_for=5.0)
    (invite,) = scene.flow.take_requests()
    scene.answer(invite, 180)
    scene.clock.advance(5.0)
    scene.flow.take()

    scene.answer(invite, 200)

    ack, bye = scene.flow.take_requests()
    assert (ack.method, bye.method) == ("ACK", "BYE")
    assert ack.uri == bye.uri == "sip:bob@192.0.2.1:5070"
    assert (ack.cseq.number, bye.cseq.number) == (1, 2)
    assert (bye.from_tag, bye.to_tag, bye.callid) == ("a1", "b1", "c1")
    scene.answer(bye, 200)
    assert scene.party.told == [180, 408]
