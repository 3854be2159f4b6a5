import asyncio
import importlib.util
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from call_api.transports.datagram_client import DatagramClient, widen

LOOPS: list[Callable[[], asyncio.AbstractEventLoop]] = [asyncio.new_event_loop]
if importlib.util.find_spec("uvloop"):
    import uvloop

    LOOPS.append(uvloop.new_event_loop)


class Peer:
    """The other end, and what has come of it.

    Attributes:
        got: What the client has received.
        failed: What it was told.
    """

    def __init__(self) -> None:
        self.got: list[bytes] = []
        self.failed: list[str] = []
        self.news = asyncio.Event()

    def receive(self, data: bytes) -> None:
        self.got.append(data)
        self.news.set()

    def fail(self, reason: str) -> None:
        self.failed.append(reason)
        self.news.set()

    async def wait(self) -> None:
        async with asyncio.timeout(5):
            await self.news.wait()
        self.news.clear()


def udp(host: str = "127.0.0.1") -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.bind((host, 0))
    return sock


def connected(server: socket.socket) -> socket.socket:
    sock = udp()
    sock.connect(server.getsockname())
    return sock


async def received(server: socket.socket) -> tuple[bytes, tuple[str, int]]:
    async with asyncio.timeout(5):
        return await asyncio.get_running_loop().sock_recvfrom(server, 65536)


async def test_what_is_sent_arrives_and_what_comes_is_told() -> None:
    peer = Peer()
    with udp() as server:
        client = DatagramClient(connected(server), peer.receive, peer.fail)
        client.send(b"ping")
        data, address = await received(server)
        for reply in (b"pong", b"pong again"):
            server.sendto(reply, address)
        while len(peer.got) < 2:
            await peer.wait()
        client.close()

    assert data == b"ping"
    assert peer.got == [b"pong", b"pong again"]


async def test_what_others_send_is_not_taken_in() -> None:
    peer = Peer()
    with udp() as server, udp() as stranger:
        sock = connected(server)
        client = DatagramClient(sock, peer.receive, peer.fail)
        stranger.sendto(b"evil", sock.getsockname())
        client.send(b"ping")
        _, address = await received(server)
        server.sendto(b"pong", address)
        await peer.wait()
        client.close()

    assert peer.got == [b"pong"]


async def test_a_peer_that_is_not_there_is_told() -> None:
    peer = Peer()
    server = udp()
    sock = connected(server)
    server.close()
    client = DatagramClient(sock, peer.receive, peer.fail)

    client.send(b"ping")
    await peer.wait()
    client.send(b"ping")
    client.close()

    assert set(peer.failed) == {"Connection refused"}


async def test_a_client_may_be_closed_by_what_it_receives() -> None:
    got: list[bytes] = []
    done = asyncio.Event()

    def receive(data: bytes) -> None:
        got.append(data)
        client.close()
        done.set()

    with udp() as server:
        client = DatagramClient(connected(server), receive, lambda _: None)
        client.send(b"ping")
        _, address = await received(server)
        server.sendto(b"one", address)
        server.sendto(b"two", address)
        async with asyncio.timeout(5):
            await done.wait()

    assert got == [b"one"]


def unix(path: Path) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.bind(str(path))
    return sock


async def test_what_the_kernel_does_not_take_at_once_is_sent_later_in_order(
    tmp_path: Path,
) -> None:
    peer = Peer()
    path = tmp_path / "server"
    with unix(path) as server:
        client = DatagramClient(unix(tmp_path / "own"), peer.receive, peer.fail, str(path))
        sent = [b"%d" % number + b"x" * 10_000 for number in range(500)]
        for data in sent:
            client.send(data)
        got: list[bytes] = []
        async with asyncio.timeout(10):
            while len(got) < len(sent):
                try:
                    got.append(server.recv(65536))
                except BlockingIOError:
                    await asyncio.sleep(0)
        client.close()

    assert got == sent
    assert peer.failed == []


async def test_a_peer_that_leaves_while_something_waits_loses_it(tmp_path: Path) -> None:
    peer = Peer()
    path = tmp_path / "server"
    server = unix(path)
    client = DatagramClient(unix(tmp_path / "own"), peer.receive, peer.fail, str(path))
    for _ in range(500):
        client.send(b"x" * 10_000)
    server.close()
    path.unlink()
    await peer.wait()
    client.send(b"again")
    await peer.wait()
    client.close()

    assert set(peer.failed) <= {"No such file or directory", "Connection refused"}


async def test_more_than_can_be_kept_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "server"
    with unix(path):
        client = DatagramClient(unix(tmp_path / "own"), lambda _: None, lambda _: None, str(path))
        for _ in range(12_000):
            client.send(b"x")
        client.close()


async def test_nothing_is_told_after_the_end(tmp_path: Path) -> None:
    peer = Peer()
    client = DatagramClient(
        unix(tmp_path / "own"), peer.receive, peer.fail, str(tmp_path / "nobody")
    )
    client.send(b"x")
    client.close()
    await asyncio.sleep(0)

    assert peer.failed == []


def test_a_buffer_may_be_wanted_larger_than_the_kernel_gives() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        before = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        widen(sock)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) >= before


@pytest.mark.parametrize("new_loop", LOOPS)
def test_a_peer_that_comes_back_is_heard_again(
    new_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    async def story() -> None:
        peer = Peer()
        server = udp()
        place = server.getsockname()
        client = DatagramClient(connected(server), peer.receive, peer.fail)
        server.close()
        client.send(b"anybody there?")
        await peer.wait()
        assert peer.failed
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
            again.settimeout(5.0)
            again.bind(place)
            client.send(b"hello")
            await asyncio.sleep(0)
            again.sendto(b"back again", again.recvfrom(65536)[1])
            while not peer.got:
                await peer.wait()
        client.close()

        assert peer.got == [b"back again"]

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(story())
