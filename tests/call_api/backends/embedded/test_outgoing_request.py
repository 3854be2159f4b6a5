"""Our requests: what the TU is told, and what goes over the wire without its doing."""

from collections.abc import Callable

import pytest

from call_api.sip.dialog import Dialog
from call_api.sip.message import Request
from call_api.sip.transaction import Failure
from tests.fakes.manual_clock import ManualClock
from tests.fakes.recording_flow import RecordingFlow
from tests.fakes.sip_messages import make_request
from tests.fakes.sip_party import Party
from tests.fakes.sip_scene import ClientScene


@pytest.fixture
def scene() -> ClientScene:
    return ClientScene()


@pytest.fixture
def tcp() -> ClientScene:
    return ClientScene("TCP")


def test_a_request_gets_a_via_of_its_own_and_keeps_no_other(scene: ClientScene) -> None:
    request = make_request("OPTIONS")

    scene.party.send(request, scene.flow)
    (first,) = scene.flow.take_requests()
    scene.party.send(request, scene.flow)
    (second,) = scene.flow.take_requests()

    for sent in (first, second):
        assert len(sent.headers.all("Via")) == 1
        assert sent.top_via.sent_by == "192.0.2.2:5060"
        assert "rport" in sent.top_via.params
    assert first.top_via.branch != second.top_via.branch


def test_progress_is_told_as_it_comes_and_the_final_response_once(scene: ClientScene) -> None:
    outgoing = scene.party.send(make_request(), scene.flow)
    (invite,) = scene.flow.take_requests()

    for status in (100, 180, 180, 486, 486, 200):
        scene.answer(invite, status)

    assert scene.party.told == [100, 180, 180, 486]
    assert outgoing.is_done
    assert outgoing.failure is None
    assert scene.methods() == ["ACK", "ACK"]


def test_silence_ends_in_a_408_that_was_made_up(scene: ClientScene) -> None:
    outgoing = scene.party.send(make_request(), scene.flow)

    scene.clock.advance(31.9)
    assert not outgoing.is_done
    scene.clock.advance(0.1)

    assert scene.party.told == [408]
    assert outgoing.failure is Failure.TIMEOUT
    assert scene.methods() == ["INVITE"] * 7
    assert scene.party.agent.transactions == 0
    assert scene.clock.pending == 0


def test_what_cannot_be_sent_is_told_as_503_but_not_before_the_request_is_known(
    scene: ClientScene,
) -> None:
    scene.flow.refuses = True

    outgoing = scene.party.send(make_request(), scene.flow)
    assert scene.party.told == []
    scene.clock.advance(0.0)

    assert scene.party.told == [503]
    assert outgoing.failure is Failure.TRANSPORT
    assert scene.party.agent.transactions == 0


def test_a_network_that_fails_while_we_repeat_is_told_as_503(scene: ClientScene) -> None:
    scene.party.send(make_request("OPTIONS"), scene.flow)
    scene.flow.refuses = True

    scene.clock.advance(0.5)

    assert scene.party.told == [503]
    assert scene.party.agent.transactions == 0


def test_an_ack_that_cannot_be_sent_changes_nothing_that_was_told(scene: ClientScene) -> None:
    scene.party.send(make_request(), scene.flow)
    (invite,) = scene.flow.take_requests()
    scene.flow.refuses = True

    scene.answer(invite, 486)
    scene.clock.advance(40.0)

    assert scene.party.told == [486]
    assert scene.party.agent.transactions == 0


def test_beyond_the_limit_a_request_is_refused_without_being_sent() -> None:
    clock, flow = ManualClock(), RecordingFlow()
    party = Party(clock, max_transactions=1)

    party.send(make_request("OPTIONS"), flow)
    party.send(make_request("OPTIONS"), flow)
    clock.advance(0.0)

    assert party.told == [503]
    assert len(flow.sent) == 1


# A connection that is lost.


def test_losing_the_connection_fails_what_waits_on_it_and_nothing_else(tcp: ClientScene) -> None:
    other = RecordingFlow("TCP", peer="192.0.2.9")
    waiting = [tcp.party.send(make_request(method), tcp.flow) for method in ("INVITE", "INFO")]
    elsewhere = tcp.party.send(make_request("INFO"), other)
    tcp.answer(tcp.flow.take_requests()[0], 180)
    tcp.flow.is_open = False

    tcp.party.agent.flow_lost(tcp.flow)
    tcp.party.agent.flow_lost(tcp.flow)

    assert tcp.party.told == [180, 503, 503]
    assert [outgoing.failure for outgoing in waiting] == [Failure.TRANSPORT] * 2
    assert not elsewhere.is_done
    assert tcp.party.agent.transactions == 1


def test_a_call_that_was_answered_does_not_fail_with_its_connection(tcp: ClientScene) -> None:
    tcp.party.send(make_request(), tcp.flow)
    tcp.answer(tcp.flow.take_requests()[0], 200)

    tcp.party.agent.flow_lost(tcp.flow)

    assert tcp.party.told == [200]


# CANCEL: RFC 3261, section 9.1.


def test_a_cancel_waits_for_the_first_sign_of_life(scene: ClientScene) -> None:
    outgoing = scene.party.send(make_request(), scene.flow)
    (invite,) = scene.flow.take_requests()

    outgoing.cancel()
    assert scene.methods() == []
    scene.answer(invite, 100)

    (cancel,) = scene.flow.take_requests()
    assert (cancel.method, cancel.uri) == ("CANCEL", invite.uri)
    assert str(cancel.top_via) == str(invite.top_via)
    assert cancel.cseq.number == invite.cseq.number


def test_a_cancelled_invite_ends_with_487(scene: ClientScene) -> None:
    outgoing = scene.party.send(make_request(), scene.flow)
    (invite,) = scene.flow.take_requests()
    scene.answer(invite, 180)

    outgoing.cancel()
    outgoing.cancel()
    (cancel,) = scene.flow.take_requests()
    scene.answer(cancel, 200)
    scene.answer(invite, 180)
    scene.answer(invite, 487)
    outgoing.cancel()

    assert scene.party.told == [180, 180, 487]
    assert outgoing.failure is None
    assert scene.methods() == ["ACK"]
    scene.clock.advance(40.0)
    assert scene.party.agent.transactions == 0


def test_a_cancel_that_crosses_the_answer_leaves_the_call_to_its_user(scene: ClientScene) -> None:
    outgoing = scene.party.send(make_request(), scene.flow)
    (invite,) = scene.flow.take_requests()
    scene.answer(invite, 180)

    outgoing.cancel()
    scene.answer(invite, 200)

    assert scene.party.told == [180, 200]
    assert scene.methods() == ["CANCEL"]


def test_a_cancel_without_effect_is_given_up_after_64_t1(scene: ClientScene) -> None:
    outgoing = scene.party.send(make_request(), scene.flow)
    (invite,) = scene.flow.take_requests()
    scene.answer(invite, 180)

    outgoing.cancel()
    scene.clock.advance(31.9)
    assert not outgoing.is_done
    scene.clock.advance(0.2)

    assert scene.party.told == [180, 487]
    assert outgoing.failure is Failure.TIMEOUT
    assert scene.party.agent.transactions == 0
    scene.answer(invite, 200)
    assert scene.party.told == [180, 487]


def test_a_cancelled_invite_that_nobody_ever_answers_is_a_408(scene: ClientScene) -> None:
    outgoing = scene.party.send(make_request(), scene.flow)

    outgoing.cancel()
    scene.clock.advance(32.0)

    assert scene.party.told == [408]
    assert set(scene.methods()) == {"INVITE"}


def test_only_an_invite_can_be_cancelled(scene: ClientScene) -> None:
    outgoing = scene.party.send(make_request("OPTIONS"), scene.flow)
    (options,) = scene.flow.take_requests()

    outgoing.cancel()
    scene.answer(options, 100)

    assert scene.methods() == []


# Timer C.


def test_after_its_ring_time_an_invite_is_a_408_and_is_cancelled(
    scene: ClientScene,
) -> None:
    outgoing = scene.party.send(make_request(), scene.flow, ring_for=20.0)
    (invite,) = scene.flow.take_requests()
    scene.answer(invite, 180)

    scene.clock.advance(20.0)

    assert scene.party.told == [180, 408]
    assert outgoing.failure is Failure.TIMEOUT
    assert scene.methods() == ["CANCEL"]
    scene.answer(invite, 180)
    scene.answer(invite, 487)
    assert scene.party.told == [180, 408]
    assert scene.methods() == ["ACK"]
    scene.clock.advance(40.0)
    assert scene.party.agent.transactions == 0


def test_who_is_silent_for_the_ring_time_is_cancelled_at_the_first_sign_of_life(
    scene: ClientScene,
) -> None:
    scene.party.send(make_request(), scene.flow, ring_for=5.0)
    (invite,) = scene.flow.take_requests()

    scene.clock.advance(5.0)
    assert scene.party.told == [408]
    assert set(scene.methods()) == {"INVITE"}
    scene.answer(invite, 180)

    assert scene.methods() == ["CANCEL"]
    assert scene.party.told == [408]
    scene.clock.advance(33.0)
    assert scene.party.agent.transactions == 0


def test_who_stays_silent_after_the_ring_time_is_forgotten_by_timer_b(scene: ClientScene) -> None:
    scene.party.send(make_request(), scene.flow, ring_for=5.0)

    scene.clock.advance(32.0)

    assert scene.party.told == [408]
    assert scene.party.agent.transactions == 0


def test_an_answer_ends_the_ring_time(scene: ClientScene) -> None:
    scene.party.send(make_request(), scene.flow, ring_for=5.0)
    (invite,) = scene.flow.take_requests()

    scene.answer(invite, 200)
    scene.clock.advance(31.0)

    assert scene.party.told == [200]
    assert scene.methods() == []


# The 2xx of an INVITE: RFC 3261, section 13.2.2.4.


def accept(scene: ClientScene, *, acks: bool = True) -> tuple[Request, Callable[[], None]]:
    """Let a call be answered; return the INVITE, and what repeats the 2xx."""
    request = make_request()
    scene.party.send(request, scene.flow)
    (invite,) = scene.flow.take_requests()
    response = scene.answer(invite, 200)
    if acks:
        ack = Dialog.from_response(request, response).ack(1, body=b"v=0\r\n")
        scene.party.agent.send_ack(ack, scene.flow)
    return invite, lambda: scene.party.agent.receive(response.encode(), scene.flow)


def test_a_2xx_that_comes_again_gets_the_same_ack_again(scene: ClientScene) -> None:
    _, repeat = accept(scene)
    (sent,) = scene.flow.sent

    scene.flow.sent.clear()
    repeat()
    repeat()

    assert scene.flow.sent == [sent, sent]
    assert scene.party.told == [200]


def test_a_2xx_that_comes_again_before_the_user_acks_is_absorbed(scene: ClientScene) -> None:
    _, repeat = accept(scene, acks=False)

    repeat()

    assert scene.flow.sent == []
    assert scene.party.told == [200]


def test_after_timer_m_nothing_is_left_of_a_call_that_was_answered(scene: ClientScene) -> None:
    _, repeat = accept(scene)
    scene.flow.take()

    scene.clock.advance(32.0)
    repeat()

    assert scene.party.agent.transactions == 0
    assert scene.clock.pending == 0
    assert scene.flow.sent == []


def test_an_ack_that_comes_very_late_is_sent_once(scene: ClientScene) -> None:
    request = make_request()
    scene.party.send(request, scene.flow)
    (invite,) = scene.flow.take_requests()
    dialog = Dialog.from_response(request, scene.answer(invite, 200))
    scene.clock.advance(32.0)

    scene.party.agent.send_ack(dialog.ack(1), scene.flow)

    assert scene.methods() == ["ACK"]
