"""A 2xx to an INVITE and its ACK: RFC 3261, section 13.3.1.4."""

import pytest

from call_api.backends.embedded.incoming_request import IncomingRequest
from call_api.sip.message import Request
from tests.fakes.sip_messages import make_request
from tests.fakes.sip_scene import ServerScene, ack_of


@pytest.fixture
def scene() -> ServerScene:
    return ServerScene()


@pytest.fixture
def tcp() -> ServerScene:
    return ServerScene("TCP")


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_a_2xx_is_repeated_on_every_transport_until_its_ack(
    transport: str, scene: ServerScene, tcp: ServerScene
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


def test_a_2xx_that_gets_no_ack_is_given_up_after_64_t1(scene: ServerScene) -> None:
    incoming = scene.incoming(make_request())
    given_up: list[float] = []
    incoming.on_no_ack = lambda: given_up.append(scene.clock.time())

    incoming.respond(200)
    scene.clock.advance(100.0)

    assert given_up == [1032.0]
    assert len(scene.flow.sent) == 11


def test_nobody_has_to_wait_for_the_ack(scene: ServerScene) -> None:
    acked, unacked = (
        scene.incoming(make_request()),
        scene.incoming(make_request(branch="z9hG4bK2", callid="c2")),
    )
    for incoming in (acked, unacked):
        incoming.respond(200)

    scene.receive(ack_of(acked))
    scene.clock.advance(100.0)

    assert scene.party.agent.transactions == 0


def test_the_ack_of_another_invite_of_the_dialog_is_not_ours(scene: ServerScene) -> None:
    incoming = scene.incoming(make_request(number=2))
    acks: list[Request] = []
    incoming.on_ack = acks.append
    incoming.respond(200)

    scene.receive(ack_of(incoming, number=1))
    assert acks == []
    scene.receive(ack_of(incoming, number=2))
    assert len(acks) == 1


def reinvited(scene: ServerScene) -> tuple[IncomingRequest, IncomingRequest]:
    """Two INVITEs of one dialog, both answered, the second before the first one's ACK came."""
    first = scene.incoming(make_request())
    first.respond(200)
    to = f"<sip:bob@192.0.2.2>;tag={first.to_tag}"
    second = scene.incoming(make_request(to=to, number=2, branch="z9hG4bK2"))
    second.respond(200)
    scene.flow.take()
    return first, second


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_an_ack_that_the_next_invite_has_overtaken_is_taken(
    scene: ServerScene, order: tuple[int, int]
) -> None:
    both = reinvited(scene)
    acks: list[int] = []
    for index in order:
        both[index].on_ack = lambda ack: acks.append(ack.cseq.number)
        both[index].on_no_ack = lambda: pytest.fail("it was acknowledged")

    for index in order:
        scene.receive(ack_of(both[index], number=index + 1))
    scene.clock.advance(100.0)

    assert acks == [index + 1 for index in order]
    assert scene.statuses() == []


def test_of_two_answers_each_waits_for_its_own_ack(scene: ServerScene) -> None:
    first, second = reinvited(scene)
    given_up: list[int] = []
    first.on_no_ack = lambda: given_up.append(1)

    scene.receive(ack_of(second, number=2))
    scene.receive(ack_of(second, number=3))
    scene.clock.advance(100.0)

    assert given_up == [1]
    assert scene.party.agent.transactions == 0
    assert scene.clock.pending == 0


@pytest.mark.parametrize("is_acknowledged", [True, False])
def test_after_a_bye_the_answer_to_a_reinvite_is_repeated_and_nobody_is_told(
    scene: ServerScene, is_acknowledged: bool
) -> None:
    both = reinvited(scene)
    for incoming in both:
        incoming.on_ack = lambda ack: pytest.fail("the call is over")
        incoming.on_no_ack = lambda: pytest.fail("the call is over")

    to = f"<sip:bob@192.0.2.2>;tag={both[0].to_tag}"
    scene.incoming(make_request("BYE", to=to, number=3, branch="z9hG4bK3")).respond(200)
    scene.clock.advance(1.6)
    if is_acknowledged:
        scene.receive(ack_of(both[1], number=2))
    scene.clock.advance(100.0)

    cseqs = [response.cseq.number for response in scene.flow.take_responses()]
    assert cseqs == [3, 2, 2, *([] if is_acknowledged else [2] * 8)]
    assert scene.party.agent.transactions == 0
    assert scene.clock.pending == 0


def test_the_ack_of_a_peer_that_reuses_the_branch_is_taken_too(scene: ServerScene) -> None:
    incoming = scene.incoming(make_request())
    acks: list[Request] = []
    incoming.on_ack = acks.append
    incoming.respond(200)

    scene.receive(ack_of(incoming, branch="z9hG4bK1"))

    assert len(acks) == 1


def test_a_bye_ends_the_wait_for_the_ack(scene: ServerScene) -> None:
    incoming = scene.incoming(make_request())
    incoming.on_no_ack = lambda: pytest.fail("the call is over")
    incoming.respond(200)
    scene.flow.take()

    to = f"<sip:bob@192.0.2.2>;tag={incoming.to_tag}"
    scene.incoming(make_request("BYE", to=to, number=2, branch="z9hG4bK2")).respond(200)
    scene.clock.advance(100.0)

    assert scene.statuses() == [200]


def test_losing_the_connection_ends_the_wait_for_the_ack_early(tcp: ServerScene) -> None:
    incoming = tcp.incoming(make_request())
    given_up: list[float] = []
    incoming.on_no_ack = lambda: given_up.append(tcp.clock.time())
    incoming.respond(200)

    tcp.flow.is_open = False
    tcp.clock.advance(1.0)

    assert given_up == [1000.5]


def test_a_lost_connection_hurts_nobody_who_asked_for_nothing(tcp: ServerScene) -> None:
    tcp.incoming(make_request()).respond(200)

    tcp.flow.is_open = False
    tcp.clock.advance(100.0)

    assert tcp.party.agent.transactions == 0
