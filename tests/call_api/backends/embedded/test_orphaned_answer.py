"""2xx to an INVITE of a daemon that died: a phone that picks up is hung up on."""

import pytest

from call_api.sip.message import Response
from tests.fakes.sip_messages import make_request
from tests.fakes.sip_scene import ClientScene

OURS = "SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK-of-the-dead"


def answer(
    status: int = 200, *, method: str = "INVITE", via: str = OURS, tag: str | None = "b1"
) -> Response:
    request = make_request(method, number=7)
    request.headers.remove("Via")
    request.headers.prepend("Via", via)
    contact = [("Contact", "<sip:bob@192.0.2.1:5070>"), ("Record-Route", "<sip:p1;lr>")]
    return request.response(status, to_tag=tag, headers=contact)


def receive(response: Response, *, has_dialog: bool = False) -> ClientScene:
    scene = ClientScene(has_dialog=lambda *dialog: has_dialog and dialog == ("c1", "a1"))
    scene.party.agent.receive(response.encode(), scene.flow)
    return scene


def test_who_answers_is_acknowledged_and_hung_up_on_once() -> None:
    scene = receive(answer())

    ack, bye = scene.flow.take_requests()
    assert (ack.method, ack.cseq.number, bye.method, bye.cseq.number) == ("ACK", 7, "BYE", 8)
    for request in (ack, bye):
        assert (request.callid, request.to_tag, request.from_tag) == ("c1", "b1", "a1")
        assert request.uri == "sip:bob@192.0.2.1:5070"
        assert request.headers.all("Route") == ["<sip:p1;lr>"]
    scene.clock.advance(60.0)
    assert scene.flow.sent == []
    assert scene.party.agent.transactions == 0


@pytest.mark.parametrize(
    "response",
    [
        answer(180),
        answer(486),
        answer(method="BYE"),
        answer(via="SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK1"),
    ],
)
def test_nothing_else_that_nobody_waits_for_is_answered(response: Response) -> None:
    assert receive(response).flow.sent == []


def test_an_answer_that_is_for_another_hop_is_not_ours() -> None:
    response = answer()
    response.headers.add("Via", "SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK7")

    assert receive(response).flow.sent == []


def test_an_answer_that_comes_again_late_does_not_end_the_call_that_it_made() -> None:
    assert receive(answer(), has_dialog=True).flow.sent == []
