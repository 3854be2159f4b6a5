"""What every user agent does with every message, whatever the network does to them."""

import logging
import random
from dataclasses import dataclass, field

import pytest

from call_api.backends.embedded.incoming_request import IncomingRequest
from call_api.sip.message import Request, Response
from call_api.sip.parser import BadMessage
from tests.fakes.manual_clock import ManualClock
from tests.fakes.recording_flow import RecordingFlow
from tests.fakes.sip_messages import make_request
from tests.fakes.sip_party import Party


@dataclass
class Scene:
    """A party whose peer is the test."""

    clock: ManualClock = field(default_factory=ManualClock)
    flow: RecordingFlow = field(default_factory=RecordingFlow)

    def __post_init__(self) -> None:
        self.party = Party(self.clock, supported=("replaces",), max_transactions=3)

    def receive(self, message: Request | Response) -> None:
        self.party.agent.receive(message.encode(), self.flow)

    def statuses(self) -> list[int]:
        return [response.status for response in self.flow.take_responses()]


@pytest.fixture
def scene() -> Scene:
    return Scene()


# Requests.


@pytest.mark.parametrize("method", ["INVITE", "BYE", "OPTIONS", "REGISTER", "REFER", "NONSENSE"])
def test_a_request_of_any_method_is_given_to_the_user(scene: Scene, method: str) -> None:
    scene.receive(make_request(method))

    assert scene.party.methods == [method]


def test_the_way_back_is_noted_in_the_via(scene: Scene) -> None:
    request = make_request("OPTIONS")
    request.headers.set("Via", "SIP/2.0/UDP 10.0.0.1:5070;rport;branch=z9hG4bK1")

    scene.receive(request)
    scene.party.incoming[0].respond(200)

    (response,) = scene.flow.take_responses()
    assert response.top_via.params == {
        "rport": "5060",
        "branch": "z9hG4bK1",
        "received": "192.0.2.1",
    }


def test_a_via_that_says_where_it_came_from_is_left_alone(scene: Scene) -> None:
    scene.receive(make_request("OPTIONS"))

    assert scene.party.incoming[0].request.headers.get("Via") == (
        "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1"
    )


def test_a_request_that_came_on_two_ways_is_taken_once(scene: Scene) -> None:
    scene.receive(make_request(branch="z9hG4bK1"))
    scene.receive(make_request(branch="z9hG4bK2"))

    assert scene.party.methods == ["INVITE"]
    assert scene.statuses() == [482]


def test_once_it_is_forgotten_the_same_request_is_a_new_one(scene: Scene) -> None:
    scene.receive(make_request("OPTIONS", branch="z9hG4bK1"))
    scene.party.incoming[0].respond(200)
    scene.clock.advance(32.0)

    scene.receive(make_request("OPTIONS", branch="z9hG4bK2"))

    assert scene.party.methods == ["OPTIONS", "OPTIONS"]


def test_in_a_dialog_requests_on_two_ways_are_its_user_s_business(scene: Scene) -> None:
    for branch in ("z9hG4bK1", "z9hG4bK2"):
        scene.receive(make_request("INFO", to="<sip:bob@h>;tag=b1", branch=branch))

    assert scene.party.methods == ["INFO", "INFO"]


@pytest.mark.parametrize(
    ("method", "to", "hops", "is_taken"),
    [
        ("INVITE", "<sip:bob@h>", "0", False),
        ("INVITE", "<sip:bob@h>", "00", False),
        ("INVITE", "<sip:bob@h>", "1", True),
        ("INVITE", "<sip:bob@h>;tag=b1", "0", True),
        ("OPTIONS", "<sip:bob@h>", "0", True),
        ("REGISTER", "<sip:bob@h>", "0", True),
    ],
)
def test_a_call_that_has_gone_through_too_many_hops_is_refused(
    scene: Scene, method: str, to: str, hops: str, is_taken: bool
) -> None:
    request = make_request(method, to=to)
    request.headers.set("Max-Forwards", hops)

    scene.receive(request)

    assert scene.party.methods == ([method] if is_taken else [])
    assert scene.statuses() == ([] if is_taken else [483])


def test_a_request_without_max_forwards_is_taken(scene: Scene) -> None:
    request = make_request()
    request.headers.remove("Max-Forwards")

    scene.receive(request)

    assert scene.party.methods == ["INVITE"]


def test_an_extension_that_we_lack_is_refused_by_its_name(scene: Scene) -> None:
    scene.receive(make_request(headers=(("Require", "100rel, replaces, timer"),)))

    (response,) = scene.flow.take_responses()
    assert response.status == 420
    assert response.headers.all("Unsupported") == ["100rel", "timer"]
    scene.receive(make_request(headers=(("Require", "replaces"),)))
    assert scene.party.methods == ["INVITE"]


def test_beyond_the_limit_requests_are_put_off_and_the_old_ones_go_on(scene: Scene) -> None:
    for number in range(5):
        scene.receive(make_request("OPTIONS", branch=f"z9hG4bK{number}", number=number))

    responses = scene.flow.take_responses()
    assert [response.status for response in responses] == [503, 503]
    assert responses[0].headers.get("Retry-After") == "5"
    scene.receive(make_request("OPTIONS", branch="z9hG4bK1", number=1))
    assert len(scene.party.incoming) == 3


def test_a_user_that_fails_is_logged_and_the_peer_gets_a_500(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(incoming: IncomingRequest) -> None:
        raise RuntimeError("no luck")

    scene.party.on_request = fail
    scene.receive(make_request())

    assert scene.statuses() == [500]
    assert caplog.messages == ["UDP 192.0.2.1:5060: failed on a INVITE"]


def test_a_user_that_fails_after_its_answer_is_only_logged(scene: Scene) -> None:
    def fail(incoming: IncomingRequest) -> None:
        incoming.respond(200)
        raise RuntimeError("no luck")

    scene.party.on_request = fail
    scene.receive(make_request("OPTIONS"))

    assert scene.statuses() == [200]


# CANCEL and ACK that belong to nothing.


def test_a_cancel_of_nothing_gets_481_the_same_each_time(scene: Scene) -> None:
    scene.receive(make_request("CANCEL"))
    scene.receive(make_request("CANCEL"))

    first, again = scene.flow.take_responses()
    assert first.status == again.status == 481
    assert first.to_tag == again.to_tag is not None
    assert scene.party.incoming == []
    assert scene.party.agent.transactions == 0


def test_an_ack_of_nothing_is_dropped(scene: Scene) -> None:
    scene.receive(make_request("ACK"))
    scene.receive(make_request("ACK", to="<sip:bob@h>;tag=b1"))

    assert scene.flow.sent == []
    assert scene.party.incoming == []


def test_ack_and_cancel_of_a_peer_older_than_rfc_3261_find_their_invite(scene: Scene) -> None:
    def old(method: str, to: str = "<sip:bob@192.0.2.2>") -> Request:
        request = make_request(method, to=to)
        request.headers.set("Via", "SIP/2.0/UDP 192.0.2.1:5060")
        return request

    scene.receive(old("INVITE"))
    scene.receive(old("INVITE"))
    scene.receive(old("CANCEL"))
    *_, terminated = scene.flow.take_responses()
    scene.receive(old("ACK", f"<sip:bob@192.0.2.2>;tag={terminated.to_tag}"))
    scene.clock.advance(5.0)

    assert terminated.status == 487
    assert scene.party.methods == ["INVITE"]
    assert scene.flow.sent == []
    assert scene.party.agent.transactions == 0


# Responses that belong to nothing.


def test_a_stray_response_is_dropped(scene: Scene) -> None:
    scene.receive(make_request().response(200, to_tag="b1"))

    assert scene.flow.sent == []


def test_a_response_that_was_meant_for_another_hop_is_dropped(scene: Scene) -> None:
    scene.party.send(make_request("OPTIONS"), scene.flow)
    (options,) = scene.flow.take_requests()
    response = options.response(200, to_tag="b1")
    response.headers.add("Via", "SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK7")

    scene.receive(response)

    assert scene.party.told == []


# Bad SIP.


def test_the_way_back_is_noted_also_in_what_a_bad_request_is_answered_with(scene: Scene) -> None:
    request = make_request("OPTIONS")
    request.headers.set("Via", "SIP/2.0/UDP 10.0.0.1:5070;rport;branch=z9hG4bK1")
    request.headers.set("Max-Forwards", "many")

    scene.receive(request)

    (response,) = scene.flow.take_responses()
    assert response.status == 400
    assert response.top_via.params["rport"] == "5060"
    assert response.top_via.params["received"] == "192.0.2.1"


def test_a_bad_request_is_answered_with_what_is_wrong_with_it(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    request = make_request()
    request.headers.set("CSeq", "1 BYE")

    scene.receive(request)

    (response,) = scene.flow.take_responses()
    assert (response.status, response.reason) == (400, "CSeq names another method")
    assert caplog.messages[0].startswith(
        "UDP 192.0.2.1:5060: bad message: CSeq names another method: INVITE sip:bob"
    )


@pytest.mark.parametrize(
    "data", [b"\x00\xff\x00\x01", b"nonsense", b"INVITE\r\n\r\n", b"SIP/2.0 200 OK\r\n\r\n"]
)
def test_what_is_no_sip_gets_no_answer(scene: Scene, data: bytes) -> None:
    scene.party.agent.receive(data, scene.flow)

    assert scene.flow.sent == []


@pytest.mark.parametrize("data", [b"", b"\r\n", b"\r\n\r\n", b"\x00\x00\x00\x00"])
def test_what_only_keeps_a_nat_open_is_ignored_silently(
    scene: Scene, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        scene.party.agent.receive(data, scene.flow)

    assert caplog.messages == []
    assert scene.flow.sent == []


def test_what_cannot_be_answered_is_only_logged(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    bad = BadMessage("half a\nline", request=make_request())

    scene.party.agent.refuse(bad, scene.flow)
    scene.party.agent.refuse(BadMessage("a response"), scene.flow)

    assert scene.flow.sent == []
    assert len(caplog.messages) == 1


@pytest.mark.parametrize("seed", range(20))
def test_a_message_with_random_damage_never_raises(seed: int) -> None:
    scene = Scene()
    chance = random.Random(seed)
    whole = make_request(headers=(("Require", "x"),), body=b"v=0\r\n").encode()

    for _ in range(50):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            where = chance.randrange(len(data))
            data[where : where + chance.randint(0, 3)] = chance.randbytes(chance.randint(0, 3))
        scene.party.agent.receive(bytes(data), scene.flow)
        scene.clock.advance(0.1)


def test_a_callback_that_fails_does_not_reach_the_loop(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(response: Response) -> None:
        raise RuntimeError("no luck")

    tcp = RecordingFlow("TCP")
    scene.party.agent.request(make_request("OPTIONS"), scene.flow, fail)
    scene.party.agent.request(make_request("OPTIONS"), tcp, fail)
    (options,) = scene.flow.take_requests()

    scene.receive(options.response(200, to_tag="b1"))
    scene.party.agent.flow_lost(tcp)

    assert [record.exc_info is not None for record in caplog.records] == [True, True]
    assert "failed on" in caplog.messages[0]
    assert caplog.messages[1] == "TCP 192.0.2.1:5060: failed on the loss of the flow"


def test_a_closed_agent_has_nothing_and_does_nothing(scene: Scene) -> None:
    scene.party.send(make_request(), scene.flow)
    scene.receive(make_request("OPTIONS"))

    scene.party.agent.close()
    scene.flow.sent.clear()
    scene.clock.advance(100.0)

    assert scene.party.agent.transactions == 0
    assert scene.clock.pending == 0
    assert scene.flow.sent == []


def test_the_wire_is_logged_at_debug(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        scene.receive(make_request("ACK"))

    assert caplog.messages[0].startswith("UDP 192.0.2.1:5060 < ACK sip:bob@192.0.2.2 SIP/2.0")
