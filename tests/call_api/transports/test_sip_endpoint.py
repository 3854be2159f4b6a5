import errno
import socket

import pytest

from call_api.transports.sip_endpoint import sip_endpoint
from tests.fakes.inbox import Inbox


async def test_udp_and_tcp_share_a_free_port() -> None:
    inbox = Inbox()
    async with sip_endpoint("127.0.0.1", 0, inbox) as endpoint:
        assert endpoint.port != 0
        udp = endpoint.flow("UDP", (endpoint.host, endpoint.port))
        assert udp.local == udp.peer == (endpoint.host, endpoint.port)
        udp.send(b"x")
        assert (await inbox.next())[0] == b"x"
        assert endpoint.connections == 0


async def test_a_name_may_be_listened_on() -> None:
    async with sip_endpoint("localhost", 0, Inbox()) as endpoint:
        assert endpoint.host in ("127.0.0.1", "::1")


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
async def test_a_port_that_is_taken_for_either_is_refused(kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]

        with pytest.raises(OSError, match="in use") as refused:
            async with sip_endpoint("127.0.0.1", port, Inbox()):
                pytest.fail("the port was taken")

    assert refused.value.errno == errno.EADDRINUSE


async def test_a_port_is_free_again_afterwards() -> None:
    async with sip_endpoint("127.0.0.1", 0, Inbox()) as endpoint:
        port = endpoint.port

    async with sip_endpoint("127.0.0.1", port, Inbox()) as endpoint:
        assert endpoint.port == port


async def test_a_port_that_only_udp_could_have_is_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        first_choice = taken.getsockname()[1]
        bind, choices = socket.socket.bind, [first_choice]

        def steered(sock: socket.socket, address: tuple[str, int]) -> None:
            if sock.type == socket.SOCK_DGRAM and choices:
                address = (address[0], choices.pop())
            bind(sock, address)

        monkeypatch.setattr(socket.socket, "bind", steered)
        async with sip_endpoint("127.0.0.1", 0, Inbox()) as endpoint:
            assert endpoint.port != first_choice
    assert choices == []


async def test_a_peer_must_be_an_address_because_names_take_time() -> None:
    async with sip_endpoint("127.0.0.1", 0, Inbox()) as endpoint:
        with pytest.raises(ValueError, match=r"phone\.example"):
            endpoint.flow("UDP", ("phone.example", 5060))
        with pytest.raises(ValueError, match=r"phone\.example"):
            endpoint.flow("TCP", ("phone.example", 5060))


async def test_an_error_in_the_block_comes_out_as_it_is() -> None:
    with pytest.raises(KeyError, match="mine"):
        async with sip_endpoint("127.0.0.1", 0, Inbox()):
            raise KeyError("mine")
