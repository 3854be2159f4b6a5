import asyncio
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from call_api.sip.flow import Flow
from call_api.transports.udp import UdpFlow, UdpSocket
from tests.fakes.inbox import Inbox


@contextmanager
def udp_socket(inbox: Inbox, host: str = "127.0.0.1") -> Iterator[UdpSocket]:
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.bind((host, 0))
    endpoint = UdpSocket(sock, inbox)
    try:
        yield endpoint
    finally:
        endpoint.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_what_one_sends_the_other_gets_with_the_way_back(host: str) -> None:
    here, there = Inbox(), Inbox()
    with udp_socket(here, host) as a, udp_socket(there, host) as b:
        a.flow((b.host, b.port)).send(b"question")
        data, flow = await there.next()
        flow.send(b"answer")
        answer, way = await here.next()

    assert (data, answer) == (b"question", b"answer")
    assert flow.peer == way.local == (host, a.port)
    assert way.peer == flow.local == (host, b.port)
    assert (flow.transport, flow.reliable) == ("UDP", False)


async def test_a_flow_is_the_same_as_long_as_the_peer_is() -> None:
    here, there = Inbox(), Inbox()
    with udp_socket(here) as a, udp_socket(there) as b:
        for _ in range(2):
            a.flow((b.host, b.port)).send(b"x")
        (_, first), (_, again) = await there.next(), await there.next()

        assert first == again == b.flow((a.host, a.port))
        assert len({first, again}) == 1
        assert first != b.flow((a.host, 9))
        assert first != a.flow((a.host, a.port))
        assert first != object()
        assert repr(first) == f"<UDP 127.0.0.1:{a.port}>"


async def test_a_burst_is_taken_whole() -> None:
    here, there = Inbox(), Inbox()
    with udp_socket(here) as a, udp_socket(there) as b:
        flow = a.flow((b.host, b.port))
        for number in range(500):
            flow.send(b"%d" % number)
        received = [(await there.next())[0] for _ in range(500)]

    assert received == [b"%d" % number for number in range(500)]


async def test_an_empty_datagram_and_the_longest_one_come_through() -> None:
    here, there = Inbox(), Inbox()
    with udp_socket(here) as a, udp_socket(there) as b:
        for data in (b"", b"x" * 65507):
            a.flow((b.host, b.port)).send(data)
        received = [(await there.next())[0] for _ in range(2)]

    assert received == [b"", b"x" * 65507]


async def test_a_peer_that_is_not_there_hurts_nobody() -> None:
    here, there = Inbox(), Inbox()
    with udp_socket(here) as a, udp_socket(there) as b:
        gone = b.port
        b.close()
        for _ in range(3):
            a.flow(("127.0.0.1", gone)).send(b"anybody?")
        a.flow((a.host, a.port)).send(b"myself")

        assert (await here.next())[0] == b"myself"


async def test_what_the_network_refuses_is_an_error() -> None:
    with udp_socket(Inbox()) as a:
        with pytest.raises(OSError, match="too long"):
            a.flow((a.host, a.port)).send(b"x" * 65508)
        with pytest.raises(OSError, match="family"):
            a.flow(("::1", a.port)).send(b"x")


async def test_a_closed_socket_sends_and_receives_no_more() -> None:
    here, there = Inbox(), Inbox()
    with udp_socket(here) as a, udp_socket(there) as b:
        flow = a.flow((b.host, b.port))
        a.close()
        a.close()

        assert not flow.is_open
        with pytest.raises(OSError, match="closed"):
            flow.send(b"x")


async def test_who_receives_may_close_the_socket() -> None:
    there = Inbox()
    closed = asyncio.Event()

    def receive(data: bytes, flow: Flow) -> None:
        there(data, flow)
        socket_.close()
        closed.set()

    with udp_socket(Inbox()) as a, udp_socket(Inbox()) as b:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.bind(("127.0.0.1", 0))
        for _ in range(3):
            a.flow(sock.getsockname()).send(b"x")
        socket_ = UdpSocket(sock, receive)
        async with asyncio.timeout(5):
            await closed.wait()
        b.flow((b.host, b.port)).send(b"y")

    assert len(there) == 1


class Awkward(socket.socket):
    """A socket whose network reports errors of the past, and whose buffer is full."""

    complaints = 2

    def recvfrom(self, *args: object) -> tuple[bytes, tuple[str, int]]:
        if self.complaints:
            self.complaints -= 1
            raise ConnectionRefusedError(111, "Connection refused")
        return super().recvfrom(*args)  # type: ignore[arg-type]  # passed on

    def sendto(self, *args: object) -> int:
        raise BlockingIOError


async def test_icmp_errors_are_survived_and_a_full_buffer_is_a_loss(
    caplog: pytest.LogCaptureFixture,
) -> None:
    inbox = Inbox()
    sock = Awkward(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.bind(("127.0.0.1", 0))
    awkward = UdpSocket(sock, inbox)
    try:
        with udp_socket(Inbox()) as a, caplog.at_level(logging.DEBUG):
            a.flow((awkward.host, awkward.port)).send(b"at last")
            assert (await inbox.next())[0] == b"at last"
            UdpFlow(awkward, (a.host, a.port)).send(b"lost")
    finally:
        awkward.close()

    texts = " ".join(caplog.messages)
    assert texts.count("Connection refused") == 2
    assert "the send buffer is full" in texts
