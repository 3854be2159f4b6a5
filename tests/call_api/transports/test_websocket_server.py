"""The server on real sockets, on asyncio's own loop and on uvloop's."""

import asyncio
import gc
import os
import resource
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import uvloop
from websockets.asyncio.client import connect

from call_api.access.standing import Standing
from call_api.config import WsServer
from call_api.config_access import Tls
from call_api.model import DialectName
from call_api.transports.listener import CannotListen, Conversation
from call_api.transports.websocket_server import WebSocketServer
from tests.fakes.certificates import Authority
from tests.wire.raw_client import CLOSE, PING, PONG, TEXT, RawClient, upgrade


class Echo:
    """Sends every text back, with the dialect in front of it."""

    def __init__(self, dialect: DialectName, send: Callable[[bytes], None], peer: str) -> None:
        self.dialect = dialect
        self.send = send
        self.peer = peer
        self.closed = asyncio.Event()

    def receive(self, text: str) -> None:
        self.send(f"{self.dialect} {text}".encode())

    def close(self) -> None:
        self.closed.set()


class Server:
    """The server under test, and the conversations it opened."""

    def __init__(self, **settings: object) -> None:
        self.conversations: list[Echo] = []
        self.problem: str | None = None
        self.server = WebSocketServer(
            WsServer(**{"host": "127.0.0.1", "port": 0} | settings),  # type: ignore[arg-type]  # as told
            self._open,
            lambda: self.problem,
        )

    def _open(
        self, dialect: DialectName, send: Callable[[bytes], None], peer: str, standing: Standing
    ) -> Conversation:
        self.conversations.append(Echo(dialect, send, peer))
        return self.conversations[-1]

    @property
    def address(self) -> tuple[str, int]:
        return self.server.addresses[0]

    @property
    def url(self) -> str:
        return self.server.urls[0]


@asynccontextmanager
async def serving(**settings: object) -> AsyncIterator[Server]:
    server = Server(**settings)
    async with server.server:
        yield server


Scenario = Callable[[], Awaitable[None]]
SCENARIOS: list[Scenario] = []


def scenario(run: Scenario) -> Scenario:
    SCENARIOS.append(run)
    return run


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
@pytest.mark.parametrize("number", range(13))
def test_on_both_loops(number: int, new_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def bounded() -> None:
        problems: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, what: problems.append(what))
        async with asyncio.timeout(30):
            await SCENARIOS[number]()
        gc.collect()
        assert problems == []

    with asyncio.Runner(debug=True, loop_factory=new_loop) as runner:
        runner.run(bounded())


@scenario
async def a_client_of_another_library_is_served() -> None:
    async with serving() as server, connect(server.url + "/v2") as client:
        await client.send('{"é": 1}')
        assert await client.recv() == 'v2 {"é": 1}'
        assert client.response is not None
        assert "Sec-WebSocket-Extensions" not in client.response.headers
    await server.conversations[0].closed.wait()


@scenario
async def a_long_text_and_many_short_ones_arrive() -> None:
    async with (
        serving(max_message=2**20) as server,
        connect(server.url, max_size=None) as client,
    ):
        await client.send("x" * 1_000_000)
        assert len(await client.recv()) == 1_000_003
        for number in range(1000):
            await client.send(str(number))
        assert [await client.recv() for _ in range(1000)] == [f"v1 {n}" for n in range(1000)]


@scenario
async def probes_are_answered_and_the_connection_is_closed() -> None:
    async with serving() as server:
        server.problem = "the proxy is silent"
        for path, status, body in [
            ("healthz", 200, b"ok\n"),
            ("readyz", 503, b"the proxy is silent\n"),
            ("other", 404, b"no such path, clients connect to /call-api\n"),
        ]:
            async with await RawClient.connect(server.address) as client:
                client.write(f"GET /{path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                assert (await client.head()).startswith(f"HTTP/1.1 {status} ")
                assert await client.rest() == body
        async with await RawClient.connect(server.address) as client:
            client.write(b"HEAD /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert "Content-Length: 20\r\n" in await client.head()
            assert await client.rest() == b""


@scenario
async def who_hangs_up_halfway_still_gets_a_page() -> None:
    async with serving() as server, await RawClient.connect(server.address) as client:
        client.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        client.writer.write_eof()
        assert (await client.head()).startswith("HTTP/1.1 200 ")
        assert await client.rest() == b"ok\n"


@scenario
async def a_silent_client_is_pinged_and_dropped() -> None:
    async with serving(ping_every=0.1, silent_for=0.2) as server:
        async with await RawClient.open(server.address) as client:
            for _ in range(5):
                assert await client.next() == (PING, b"")
                client.send(PONG)
            await client.gone()
        await server.conversations[0].closed.wait()


@scenario
async def a_connection_that_says_nothing_is_dropped() -> None:
    async with serving(handshake_within=0.1) as server:
        client = await RawClient.connect(server.address)
        await client.gone()
        await client.close()


@scenario
async def a_client_that_does_not_read_is_closed_and_dropped() -> None:
    async with serving(max_queue=4096) as server:
        client = await RawClient.open(server.address)
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]  # it can read, too
        while not server.conversations[0].closed.is_set():
            server.conversations[0].send(b"x" * 100_000)
            await asyncio.sleep(0)
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]  # likewise
        assert await client.closed() == (1013, "does not read")
        client.send(CLOSE, (1013).to_bytes(2))
        assert await client.rest() == b""
        await client.close()


@scenario
async def leaving_closes_every_client_with_1001_and_drops_the_rest() -> None:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving())
        polite = [await RawClient.open(server.address) for _ in range(20)]
        undecided = await RawClient.connect(server.address)
        server.conversations[0].send(b"last words")
        closing = asyncio.get_running_loop().create_task(server.server.close())
        for client in polite:
            assert await client.closed() == (1001, "the daemon shuts down")
            client.send(CLOSE, (1001).to_bytes(2))
            assert await client.rest() == b""
        await closing
        await undecided.gone()
        for client in [*polite, undecided]:
            await client.close()
    assert all(conversation.closed.is_set() for conversation in server.conversations)


@scenario
async def after_leaving_nobody_can_connect() -> None:
    async with serving() as server:
        address = server.address
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*address)


@scenario
async def a_port_that_is_taken_is_told_in_words() -> None:
    async with serving() as server:
        with pytest.raises(CannotListen, match="another program has this port"):
            async with serving(port=server.address[1]):
                pass


@scenario
async def localhost_is_reached_under_both_addresses() -> None:
    async with serving(host="localhost") as server:
        assert len({port for _, port in server.server.addresses}) == 1
        for host, port in server.server.addresses:
            async with await RawClient.open((host, port)) as client:
                client.send(TEXT, b"x")
                assert await client.text() == "v1 x"
        assert server.server.urls[0] == f"ws://127.0.0.1:{server.address[1]}/call-api"


@scenario
async def beyond_the_limit_a_client_is_refused_until_another_has_left() -> None:
    async with serving(max_connections=2) as server, await RawClient.open(server.address):
        leaving = await RawClient.open(server.address)
        async with await RawClient.connect(server.address) as third:
            third.write(upgrade())
            assert (await third.head()).startswith("HTTP/1.1 503 ")
            assert await third.rest() == b"there are 2 clients already\n"
        await leaving.close()
        await server.conversations[1].closed.wait()
        async with await RawClient.open(server.address) as fourth:
            fourth.send(TEXT, b"x")
            assert await fourth.text() == "v1 x"


@scenario
async def many_clients_are_served_at_once() -> None:
    async with serving() as server, AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(await RawClient.open(server.address))
            for _ in range(200)
        ]
        for number, client in enumerate(clients):
            client.send(TEXT, str(number).encode())
        for number, client in enumerate(clients):
            assert await client.text() == f"v1 {number}"


def test_every_scenario_is_run() -> None:
    assert len(SCENARIOS) == 13


async def test_small_answers_do_not_wait_for_acknowledgements() -> None:
    """Nagle's algorithm against delayed acknowledgements costs 40 ms a round."""
    async with serving() as server, await RawClient.open(server.address) as client:
        its = client.writer.get_extra_info("socket")
        its.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        began = asyncio.get_running_loop().time()
        for _ in range(50):
            server.conversations[0].send(b"a")
            await asyncio.sleep(0)
            server.conversations[0].send(b"b")
            assert [await client.text(), await client.text()] == ["a", "b"]
        assert asyncio.get_running_loop().time() - began < 1.0


async def test_a_certificate_for_which_there_are_no_descriptors_changes_nothing(
    tmp_path: Path,
) -> None:
    authority = Authority.make(tmp_path / "ca")
    tls = Tls(certificate=str(authority.certify()))
    async with serving(host="localhost", tls=tls) as server:
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        os.close(free := os.dup(0))
        resource.setrlimit(resource.RLIMIT_NOFILE, (free + 1, limits[1]))  # one more: it needs two
        try:
            with pytest.raises(ValueError, match=r"tls\.certificate: .*Too many open files"):
                await server.server.reload(server.server.settings)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)

        for _ in range(2):
            async with connect(server.url, ssl=authority.trusting()) as client:
                await client.send("x")
                assert await client.recv() == "v1 x"
            await server.server.reload(server.server.settings)
