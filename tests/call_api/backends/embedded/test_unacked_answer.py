"""A 2xx to an INVITE and its ACK: RFC 3261, section 13.3.1.4."""

import pytest

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
