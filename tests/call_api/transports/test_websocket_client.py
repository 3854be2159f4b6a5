import asyncio
import socket
from collections.abc import Callable

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from call_api.transports.websocket_failures import (
    BadUrl,
    ConnectFailed,
    ConnectForbidden,
    DaemonUnreachable,
    NoDaemon,
)
from tests.fakes.websocket_peers import connected, daemon, refused, stranger, upgrade


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


HOSTS = ["127.0.0.1", "localhost", *(["::1"] if has_ipv6() else [])]


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.parametrize("host", HOSTS)
async def test_text_goes_there_and_back(host: str) -> None:
    async with daemon(echo, host) as url, connected(url) as (client, heard):
        client.send('{"text":"ü☎"}')

        assert await heard.text() == '{"text":"ü☎"}'
    assert heard.losses.empty()


async def test_a_name_with_two_addresses_finds_the_one_that_listens() -> None:
    async with daemon(echo) as url, connected(url.replace("127.0.0.1", "localhost")) as (c, heard):
        c.send("x")

        assert await heard.text() == "x"


async def test_proxies_of_the_environment_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")

    async with daemon(echo) as url, connected(url) as (client, heard):
        client.send("x")

        assert await heard.text() == "x"


async def test_a_text_in_fragments_arrives_whole() -> None:
    async def handler(connection: ServerConnection) -> None:
        await connection.send(["one ", "tw\u00f6", " three"])
        await connection.wait_closed()

    async with daemon(handler) as url, connected(url) as (_, heard):
        assert await heard.text() == "one tw\u00f6 three"


async def test_a_ping_is_answered() -> None:
    answered = asyncio.Event()

    async def handler(connection: ServerConnection) -> None:
        await (await connection.ping())
        answered.set()

    async with daemon(handler) as url, connected(url), asyncio.timeout(5):
        await answered.wait()


async def test_a_close_tells_code_and_reason() -> None:
    async def handler(connection: ServerConnection) -> None:
        await connection.close(1001, "shutdown")

    async with daemon(handler) as url, connected(url) as (client, heard):
        loss = await heard.loss()
        client.send("into the void")

    assert (loss.code, loss.reason) == (1001, "shutdown")


async def test_a_close_without_a_reason_is_put_in_words() -> None:
    async def handler(connection: ServerConnection) -> None:
        await connection.close(1013)

    async with daemon(handler) as url, connected(url) as (_, heard):
        loss = await heard.loss()

    assert str(loss) == "connection lost: we read too slowly (1013)"


async def test_a_daemon_that_dies_is_a_loss() -> None:
    async def handler(connection: ServerConnection) -> None:
        connection.transport.abort()

    async with daemon(handler) as url, connected(url) as (_, heard):
        loss = await heard.loss()

    assert loss.code == 1006
    assert loss.reason in ("it is gone", "connection reset by peer")


async def test_a_daemon_that_falls_silent_is_a_loss() -> None:
    async def handler(connection: ServerConnection) -> None:
        connection.transport.pause_reading()
        await connection.wait_closed()

    async with daemon(handler) as url, connected(url, ping_every=0.1) as (_, heard):
        loss = await heard.loss()

    assert (loss.code, loss.reason) == (1006, "no sign of life for 0.1 s")


async def test_a_quiet_daemon_that_answers_pings_is_kept() -> None:
    pings = asyncio.Queue[bytes]()

    async def handler(connection: ServerConnection) -> None:
        connection.protocol.recv_frame = remember(connection.protocol.recv_frame)  # type: ignore[method-assign]  # only a server sees its pings
        await connection.wait_closed()

    def remember(receive: Callable[..., None]) -> Callable[..., None]:
        def and_remember(frame: object) -> None:
            pings.put_nowait(b"")
            receive(frame)

        return and_remember

    async with daemon(handler) as url, connected(url, ping_every=0.05) as (_, heard):
        async with asyncio.timeout(5):
            for _ in range(4):
                await pings.get()
        assert heard.losses.empty()


@pytest.mark.parametrize(
    ("message", "code", "reason"),
    [
        (b"\x82\x01x", 1003, "it sent a binary message"),
        (b"\x81\x01\xff", 1007, "it sent text that is not UTF-8"),
        (b"\x81\x7f\x00\x00\x00\x00\x02\x00\x00\x00", 1009, "limit"),
        (b"\x83\x00", 1002, "invalid opcode"),
        (b"\x82\x01x\x82\x01x\x81\x01x", 1003, "it sent a binary message"),
    ],
)
async def test_a_daemon_that_breaks_the_rules_is_left(
    message: bytes, code: int, reason: str
) -> None:
    async def handler(connection: ServerConnection) -> None:
        connection.transport.write(message)
        with pytest.raises(ConnectionClosed):
            await connection.recv()

    async with daemon(handler) as url, connected(url) as (_, heard):
        loss = await heard.loss()

    assert loss.code == code
    assert reason in loss.reason
    assert heard.texts.empty()


async def test_a_server_that_never_closes_is_left_behind() -> None:
    """It sends its close frame, and then keeps the connection."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await upgrade(reader, writer)
        writer.write(b"\x88\x02\x03\xe9")
        while await reader.read(100):
            pass

    async with stranger(handler) as url, connected(url, close_within=0.05) as (_, heard):
        loss = await heard.loss()

    assert (loss.code, loss.reason) == (1001, "it shuts down")


async def test_a_server_that_goes_on_after_its_close_is_left_behind_too() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await upgrade(reader, writer)
        writer.write(b"\x88\x02\x03\xe9")
        while not writer.is_closing():
            writer.write(b"\x8a\x00")
            await asyncio.sleep(0.01)

    async with stranger(handler) as url, connected(url, close_within=0.05) as (_, heard):
        loss = await heard.loss()

    assert (loss.code, loss.reason) == (1001, "it shuts down")


async def test_closing_does_not_wait_for_a_server_that_does_not_answer() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await upgrade(reader, writer)
        while await reader.read(100):
            pass

    async with stranger(handler) as url, connected(url, close_within=0.05) as (client, heard):
        await client.close()

    assert heard.losses.empty()


async def test_nobody_there_is_said_once_whatever_number_of_addresses() -> None:
    for host in ("127.0.0.1", "localhost"):
        failure = await refused(f"ws://{host}:{free_port()}/call-api")

        assert isinstance(failure, DaemonUnreachable)
        assert failure.problem == "connection refused"


async def test_an_unknown_host_is_said_so() -> None:
    failure = await refused("ws://no-such-host.invalid:5059/")

    assert isinstance(failure, DaemonUnreachable)
    assert failure.problem in ("no such host", "temporary failure in name resolution")


async def test_silence_ends_in_bounded_time() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(100):
            pass

    async with stranger(handler) as url:
        failure = await refused(url, open_within=0.1)

    assert isinstance(failure, DaemonUnreachable)
    assert failure.problem == "no answer within 0.1 s"


@pytest.mark.parametrize(
    ("status", "kind", "problem"),
    [
        (401, ConnectForbidden, "it wants a token (HTTP 401)"),
        (403, ConnectForbidden, "access is forbidden: no (HTTP 403)"),
        (429, ConnectForbidden, "it has no room for us now: no (HTTP 429)"),
        (404, NoDaemon, "there is none at this path (HTTP 404)"),
        (503, NoDaemon, "it answered HTTP 503 Service Unavailable"),
    ],
)
async def test_a_refused_handshake_is_explained(
    status: int, kind: type[ConnectFailed], problem: str
) -> None:
    async def handler(connection: ServerConnection) -> None:
        pass

    async with serve(
        handler, "127.0.0.1", 0, process_request=lambda conn, _: conn.respond(status, "no\n")
    ) as server:
        port = server.sockets[0].getsockname()[1]
        failure = await refused(f"ws://127.0.0.1:{port}/elsewhere")

    assert type(failure) is kind
    assert failure.problem == problem
    assert failure.url == f"ws://127.0.0.1:{port}/elsewhere"


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2p1\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: tea\r\nConnection: Upgrade\r\n\r\n",
        b"\x00" * 100_000,
        b"",
    ],
)
async def test_somebody_else_on_the_port_is_no_daemon(answer: bytes) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)

    async with stranger(handler) as url:
        failure = await refused(url)

    assert isinstance(failure, NoDaemon)
    assert failure.problem.startswith("what answers there is no WebSocket server")
    assert failure.problem.endswith((", or wants TLS (wss://)", "(HTTP 200)"))


async def test_a_connection_reset_in_the_handshake_is_unreachable() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"  # on, 0 s: close() sends RST
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    async with stranger(handler) as url:
        failure = await refused(url)

    assert (type(failure), failure.problem) == (DaemonUnreachable, "connection reset by peer")


@pytest.mark.parametrize(
    ("url", "shown", "problem"),
    [
        ("http://h/", "http://h/", "scheme isn't ws or wss"),
        ("localhost:5059", "localhost:5059", "scheme isn't ws or wss"),
        ("ws://h:99999/", "ws://h:99999/", "Port out of range"),
        ("ws://h/a b", "ws://h/a b", "no blanks"),
        ("ws://user@h/", "ws://h/", "without password"),
    ],
)
async def test_a_wrong_url_is_refused_and_shown_without_its_secrets(
    url: str, shown: str, problem: str
) -> None:
    failure = await refused(url)

    assert isinstance(failure, BadUrl)
    assert failure.url == shown
    assert problem in failure.problem


async def test_a_cancelled_attempt_leaves_nothing_behind() -> None:
    reached = asyncio.Event()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        reached.set()
        assert await reader.read(1) == b""

    async with stranger(handler) as url, asyncio.TaskGroup() as tasks:
        attempt = tasks.create_task(refused(url), name="attempt")
        await reached.wait()
        attempt.cancel()
