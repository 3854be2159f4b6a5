"""Requests that come: how the TU answers them, and what the answers go through."""

from dataclasses import dataclass

import pytest

from call_api.backends.embedded.incoming_request import IncomingRequest
from call_api.sip.message import Request
from tests.fakes.manual_clock import ManualClock
from tests.fakes.recording_flow import RecordingFlow
from tests.fakes.sip_messages import make_request
from tests.fakes.sip_party import Party


@dataclass
class Scene:
    """A party whose peer is the test."""

    clock: ManualClock
    party: Party
    flow: RecordingFlow

    def receive(self, request: Request) -> None:
        self.party.agent.receive(request.encode(), self.flow)

    def incoming(self, request: Request) -> IncomingRequest:
        """Let a request come; return it as the TU sees it."""
        self.receive(request)
        return self.party.incoming[-1]

    def statuses(self) -> list[int]:
        """What was answered since the last time."""
        return [response.status for response in self.flow.take_responses()]


@pytest.fixture
def scene() -> Scene:
    clock = ManualClock()
    return Scene(clock, Party(clock), RecordingFlow())


@pytest.fixture
def tcp() -> Scene:
    clock = ManualClock()
    return Scene(clock, Party(clock), RecordingFlow("TCP"))


def ack_of(incoming: IncomingRequest, *, number: int = 1, branch: str = "z9hG4bKack") -> Request:
    to = f"<sip:bob@192.0.2.2>;tag={incoming.to_tag}"
    return make_request("ACK", to=to, number=number, branch=branch)


def test_all_answers_to_a_request_have_one_tag_but_a_100_has_none(scene: Scene) -> None:
    incoming = scene.incoming(make_request())

    for status in (100, 180, 183, 486):
        assert incoming.respond(status)

    tags = [response.to_tag for response in scene.flow.take_responses()]
    assert tags == [None, *[incoming.to_tag] * 3]


def test_in_a_dialog_our_tag_is_the_one_that_the_peer_knows(scene: Scene) -> None:
    incoming = scene.incoming(make_request("INFO", to="<sip:bob@192.0.2.2>;tag=b1"))

    incoming.respond(200)

    (response,) = scene.flow.take_responses()
    assert incoming.to_tag == response.to_tag == "b1"


def test_an_answer_says_what_its_body_is(scene: Scene) -> None:
    incoming = scene.incoming(make_request())

    incoming.respond(183, body=b"v=0\r\n")
    incoming.respond(200, "Fine", headers=[("Content-Type", "text/plain")], body=b"hello")

    early, ok = scene.flow.take_responses()
    assert early.headers.all("Content-Type") == ["application/sdp"]
    assert ok.headers.all("Content-Type") == ["text/plain"]
    assert (ok.reason, ok.body) == ("Fine", b"hello")


def test_our_name_is_said_in_both_directions() -> None:
    clock, flow = ManualClock(), RecordingFlow()
    party = Party(clock, name="call-api/1")

    party.agent.receive(make_request("OPTIONS").encode(), flow)
    party.incoming[0].respond(200)
    party.send(make_request("OPTIONS"), flow)
    party.agent.receive(make_request("CANCEL").encode(), flow)

    ok, options, refused = flow.take()
    assert ok.headers.get("Server") == "call-api/1"
    assert options.headers.get("User-Agent") == "call-api/1"
    assert refused.headers.get("Server") == "call-api/1"


def test_a_name_that_was_given_already_is_kept() -> None:
    clock, flow = ManualClock(), RecordingFlow()
    party = Party(clock, name="call-api/1")

    party.agent.receive(make_request("OPTIONS").encode(), flow)
    party.incoming[0].respond(200, headers=[("Server", "phone/2")])
    party.send(make_request("OPTIONS", headers=(("User-Agent", "phone/2"),)), flow)

    ok, options = flow.take()
    assert ok.headers.all("Server") == ["phone/2"]
    assert options.headers.all("User-Agent") == ["phone/2"]


def test_only_the_first_final_answer_counts(scene: Scene) -> None:
    incoming = scene.incoming(make_request())

    assert incoming.respond(486)
    assert not incoming.respond(200)
    assert not incoming.respond(180)

    assert incoming.is_answered
    assert scene.statuses() == [486]


def test_a_header_that_would_break_the_message_is_refused_and_nothing_is_sent(
    scene: Scene,
) -> None:
    incoming = scene.incoming(make_request())

    with pytest.raises(ValueError, match="line break"):
        incoming.respond(302, headers=[("Contact", "<sip:x>\r\nEvil: 1")])

    assert not incoming.is_answered
    assert incoming.respond(486)


def test_a_request_that_comes_again_is_answered_without_its_user(scene: Scene) -> None:
    request = make_request("OPTIONS")
    scene.incoming(request).respond(200)

    scene.receive(request)

    first, again = scene.flow.sent
    assert first == again
    assert scene.party.methods == ["OPTIONS"]
    scene.clock.advance(32.0)
    assert scene.party.agent.transactions == 0


def test_a_failure_is_repeated_until_its_ack(scene: Scene) -> None:
    incoming = scene.incoming(make_request())
    incoming.respond(486)

    scene.clock.advance(4.0)
    assert scene.statuses() == [486] * 4
    scene.receive(ack_of(incoming, branch="z9hG4bK1"))
    scene.receive(ack_of(incoming, branch="z9hG4bK1"))
    scene.clock.advance(40.0)

    assert scene.statuses() == []
    assert scene.party.agent.transactions == 0
    assert scene.clock.pending == 0


def test_a_user_who_says_nothing_has_a_100_sent_for_it(scene: Scene) -> None:
    incoming = scene.incoming(make_request())

    scene.clock.advance(0.2)

    assert scene.statuses() == [100]
    assert not incoming.is_answered


# A 2xx to an INVITE: RFC 3261, section 13.3.1.4.


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_a_2xx_is_repeated_on_every_transport_until_its_ack(
    transport: str, scene: Scene, tcp: Scene
) -> None:
    used = scene if transport == "UDP" else tcp
    incoming = used.incoming(make_request())
    acks: list[Request] = []
    incoming.on_ack = acks.append

    incoming.respond(200)
    used.clock.advance(3.6)
    assert used.statuses() == [200] * 4
    used.receive(ack_of(incoming))
    used.receive(ack_of(incoming))
    used.clock.advance(40.0)

    assert used.statuses() == []
    assert [ack.method for ack in acks] == ["ACK"]
    assert used.party.agent.transactions == 0
    assert used.clock.pending == 0


def test_a_2xx_that_gets_no_ack_is_given_up_after_64_t1(scene: Scene) -> None:
    incoming = scene.incoming(make_request())
    given_up: list[float] = []
    incoming.on_no_ack = lambda: given_up.append(scene.clock.time())

    incoming.respond(200)
    scene.clock.advance(100.0)

    assert given_up == [1032.0]
    assert len(scene.flow.sent) == 11


def test_nobody_has_to_wait_for_the_ack(scene: Scene) -> None:
    acked, unacked = (
        scene.incoming(make_request()),
        scene.incoming(make_request(branch="z9hG4bK2", callid="c2")),
    )
    for incoming in (acked, unacked):
        incoming.respond(200)

    scene.receive(ack_of(acked))
    scene.clock.advance(100.0)

    assert scene.party.agent.transactions == 0


def test_the_ack_of_another_invite_of_the_dialog_is_not_ours(scene: Scene) -> None:
    incoming = scene.incoming(make_request(number=2))
    acks: list[Request] = []
    incoming.on_ack = acks.append
    incoming.respond(200)

    scene.receive(ack_of(incoming, number=1))
    assert acks == []
    scene.receive(ack_of(incoming, number=2))
    assert len(acks) == 1


def test_the_ack_of_a_peer_that_reuses_the_branch_is_taken_too(scene: Scene) -> None:
    incoming = scene.incoming(make_request())
    acks: list[Request] = []
    incoming.on_ack = acks.append
    incoming.respond(200)

    scene.receive(ack_of(incoming, branch="z9hG4bK1"))

    assert len(acks) == 1


def test_a_bye_ends_the_wait_for_the_ack(scene: Scene) -> None:
    incoming = scene.incoming(make_request())
    incoming.on_no_ack = lambda: pytest.fail("the call is over")
    incoming.respond(200)
    scene.flow.take()

    to = f"<sip:bob@192.0.2.2>;tag={incoming.to_tag}"
    scene.incoming(make_request("BYE", to=to, number=2, branch="z9hG4bK2")).respond(200)
    scene.clock.advance(100.0)

    assert scene.statuses() == [200]


def test_losing_the_connection_ends_the_wait_for_the_ack_early(tcp: Scene) -> None:
    incoming = tcp.incoming(make_request())
    given_up: list[float] = []
    incoming.on_no_ack = lambda: given_up.append(tcp.clock.time())
    incoming.respond(200)

    tcp.flow.is_open = False
    tcp.clock.advance(1.0)

    assert given_up == [1000.5]


def test_a_lost_connection_hurts_nobody_who_asked_for_nothing(tcp: Scene) -> None:
    tcp.incoming(make_request()).respond(200)

    tcp.flow.is_open = False
    tcp.clock.advance(100.0)

    assert tcp.party.agent.transactions == 0


# CANCEL: RFC 3261, section 9.2.


def test_a_cancel_ends_a_ringing_invite_with_487(scene: Scene) -> None:
    incoming = scene.incoming(make_request())
    incoming.respond(180)
    seen: list[bool] = []
    incoming.on_cancel = lambda: seen.append(incoming.is_cancelled)
    scene.flow.take()

    scene.receive(make_request("CANCEL"))
    scene.receive(make_request("CANCEL"))

    ok, terminated, again = scene.flow.take_responses()
    assert (ok.status, str(ok.cseq)) == (200, "1 CANCEL")
    assert (terminated.status, str(terminated.cseq)) == (487, "1 INVITE")
    assert (again.status, str(again.cseq)) == (200, "1 CANCEL")
    assert ok.to_tag == terminated.to_tag == incoming.to_tag
    assert seen == [True]
    assert not incoming.respond(200)


def test_a_cancel_that_nobody_watches_for_is_answered_all_the_same(scene: Scene) -> None:
    incoming = scene.incoming(make_request())

    scene.receive(make_request("CANCEL"))

    assert scene.statuses() == [200, 487]
    assert incoming.is_cancelled


def test_a_cancel_that_crosses_the_answer_changes_nothing(scene: Scene) -> None:
    incoming = scene.incoming(make_request())
    incoming.on_cancel = lambda: pytest.fail("too late")
    incoming.respond(200)

    scene.receive(make_request("CANCEL"))

    assert scene.statuses() == [200, 200]
    assert not incoming.is_cancelled


def test_a_cancel_of_another_request_than_invite_has_no_effect(scene: Scene) -> None:
    incoming = scene.incoming(make_request("OPTIONS"))

    scene.receive(make_request("CANCEL"))
    incoming.cancel()

    assert scene.statuses() == [481]
    assert incoming.respond(200)


# Flows.


def test_an_answer_that_cannot_be_sent_is_no_error(scene: Scene) -> None:
    incoming, options = scene.incoming(make_request()), scene.incoming(make_request("OPTIONS"))
    scene.flow.refuses = True

    assert incoming.respond(180)
    assert options.respond(200)
    scene.flow.refuses = False
    assert incoming.respond(486)

    assert scene.statuses() == [486]
    assert scene.party.agent.transactions == 1


def test_a_peer_that_connects_again_gets_the_answer_on_the_new_connection(tcp: Scene) -> None:
    incoming = tcp.incoming(make_request())
    incoming.respond(180)
    tcp.flow.is_open = False
    again = RecordingFlow("TCP")

    tcp.party.agent.receive(make_request().encode(), again)
    incoming.respond(486)

    assert [response.status for response in again.take_responses()] == [180, 486]
    assert incoming.flow is again


def test_an_answer_is_repeated_on_the_connection_that_asks_for_it(tcp: Scene) -> None:
    tcp.incoming(make_request()).respond(486)
    tcp.flow.is_open = False
    again = RecordingFlow("TCP")

    tcp.party.agent.receive(make_request().encode(), again)

    assert [response.status for response in again.take_responses()] == [486]
