"""Requests that come: how the TU answers them, and what the answers go through."""

import pytest

from tests.fakes.manual_clock import ManualClock
from tests.fakes.recording_flow import RecordingFlow
from tests.fakes.sip_messages import make_request
from tests.fakes.sip_party import Party
from tests.fakes.sip_scene import ServerScene, ack_of


@pytest.fixture
def scene() -> ServerScene:
    return ServerScene()


@pytest.fixture
def tcp() -> ServerScene:
    return ServerScene("TCP")


def test_all_answers_to_a_request_have_one_tag_but_a_100_has_none(scene: ServerScene) -> None:
    incoming = scene.incoming(make_request())

    for status in (100, 180, 183, 486):
        assert incoming.respond(status)

    tags = [response.to_tag for response in scene.flow.take_responses()]
    assert tags == [None, *[incoming.to_tag] * 3]


def test_in_a_dialog_our_tag_is_the_one_that_the_peer_knows(scene: ServerScene) -> None:
    incoming = scene.incoming(make_request("INFO", to="<sip:bob@192.0.2.2>;tag=b1"))

    incoming.respond(200)

    (response,) = scene.flow.take_responses()
    assert incoming.to_tag == response.to_tag == "b1"


def test_an_answer_says_what_its_body_is(scene: ServerScene) -> None:
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


def test_only_the_first_final_answer_counts(scene: ServerScene) -> None:
    incoming = scene.incoming(make_request())

    assert incoming.respond(486)
    assert not incoming.respond(200)
    assert not incoming.respond(180)

    assert incoming.is_answered
    assert scene.statuses() == [486]


def test_a_header_that_would_break_the_message_is_refused_and_nothing_is_sent(
    scene: ServerScene,
) -> None:
    incoming = scene.incoming(make_request())

    with pytest.raises(ValueError, match="line break"):
        incoming.respond(302, headers=[("Contact", "<sip:x>\r\nEvil: 1")])

    assert not incoming.is_answered
    assert incoming.respond(486)


def test_a_request_that_comes_again_is_answered_without_its_user(scene: ServerScene) -> None:
    request = make_request("OPTIONS")
    scene.incoming(request).respond(200)

    scene.receive(request)

    first, again = scene.flow.sent
    assert first == again
    assert scene.party.methods == ["OPTIONS"]
    scene.clock.advance(32.0)
    assert scene.party.agent.transactions == 0


def test_a_failure_is_repeated_until_its_ack(scene: ServerScene) -> None:
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


def test_a_user_who_says_nothing_has_a_100_sent_for_it(scene: ServerScene) -> None:
    incoming = scene.incoming(make_request())

    scene.clock.advance(0.2)

    assert scene.statuses() == [100]
    assert not incoming.is_answered


# CANCEL: RFC 3261, section 9.2.


def test_a_cancel_ends_a_ringing_invite_with_487(scene: ServerScene) -> None:
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


def test_a_cancel_that_nobody_watches_for_is_answered_all_the_same(scene: ServerScene) -> None:
    incoming = scene.incoming(make_request())

    scene.receive(make_request("CANCEL"))

    assert scene.statuses() == [200, 487]
    assert incoming.is_cancelled


def test_a_cancel_that_crosses_the_answer_changes_nothing(scene: ServerScene) -> None:
    incoming = scene.incoming(make_request())
    incoming.on_cancel = lambda: pytest.fail("too late")
    incoming.respond(200)

    scene.receive(make_request("CANCEL"))

    assert scene.statuses() == [200, 200]
    assert not incoming.is_cancelled


def test_a_cancel_of_another_request_than_invite_has_no_effect(scene: ServerScene) -> None:
    incoming = scene.incoming(make_request("OPTIONS"))

    scene.receive(make_request("CANCEL"))
    incoming.cancel()

    assert scene.statuses() == [481]
    assert incoming.respond(200)


# Flows.


def test_an_answer_that_cannot_be_sent_is_no_error(scene: ServerScene) -> None:
    incoming, options = scene.incoming(make_request()), scene.incoming(make_request("OPTIONS"))
    scene.flow.refuses = True

    assert incoming.respond(180)
    assert options.respond(200)
    scene.flow.refuses = False
    assert incoming.respond(486)

    assert scene.statuses() == [486]
    assert scene.party.agent.transactions == 1


def test_a_peer_that_connects_again_gets_the_answer_on_the_new_connection(tcp: ServerScene) -> None:
    incoming = tcp.incoming(make_request())
    incoming.respond(180)
    tcp.flow.is_open = False
    again = RecordingFlow("TCP")

    tcp.party.agent.receive(make_request().encode(), again)
    incoming.respond(486)

    assert [response.status for response in again.take_responses()] == [180, 486]
    assert incoming.flow is again


def test_an_answer_is_repeated_on_the_connection_that_asks_for_it(tcp: ServerScene) -> None:
    tcp.incoming(make_request()).respond(486)
    tcp.flow.is_open = False
    again = RecordingFlow("TCP")

    tcp.party.agent.receive(make_request().encode(), again)

    assert [response.status for response in again.take_responses()] == [486]
