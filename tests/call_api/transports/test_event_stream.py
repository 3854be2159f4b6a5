import asyncio
import contextlib
import socket

from call_api.transports.event_stream import open_event_stream


class Lines:
    """A framing that takes anything but ``bad``."""

    def __init__(self, told: asyncio.Queue[bytes]) -> None:
        self._told = told

    def feed(self, data: bytes) -> bool:
        self._told.put_nowait(data)
        return data != b"bad"


async def connected(port: int, source: str = "127.0.0.1") -> asyncio.StreamWriter:
    _, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    return writer


async def is_closed(port: int, source: str, *sent: bytes) -> bool:
    """Connect, send something, and return whether the other side hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    for data in sent:
        writer.write(data)
    try:
        async with asyncio.timeout(5):
            return await reader.read(1) == b""
    except ConnectionError:
        return True
    finally:
        writer.close()


async def test_what_a_proxy_sends_comes_in() -> None:
    told: asyncio.Queue[bytes] = asyncio.Queue()
    events = await open_event_stream("127.0.0.1", 0, {"127.0.0.1"}, lambda: Lines(told))
    writer = await connected(events.port)
    writer.write(b"{}")

    async with asyncio.timeout(5):
        assert await told.get() == b"{}"
    writer.close()
    events.close()


async def test_who_is_no_proxy_is_refused() -> None:
    told: asyncio.Queue[bytes] = asyncio.Queue()
    events = await open_event_stream("127.0.0.1", 0, {"127.0.0.1"}, lambda: Lines(told))

    assert await is_closed(events.port, "127.0.0.2")
    assert told.empty()
    events.close()


async def test_what_is_no_event_ends_the_connection() -> None:
    told: asyncio.Queue[bytes] = asyncio.Queue()
    events = await open_event_stream("127.0.0.1", 0, {"127.0.0.1"}, lambda: Lines(told))

    assert await is_closed(events.port, "127.0.0.1", b"bad")
    events.close()


async def test_only_so_many_may_connect() -> None:
    told: asyncio.Queue[bytes] = asyncio.Queue()
    events = await open_event_stream(
        "127.0.0.1", 0, {"127.0.0.1"}, lambda: Lines(told), max_connections=1
    )
    first = await connected(events.port)
    first.write(b"x")
    async with asyncio.timeout(5):
        await told.get()

    assert await is_closed(events.port, "127.0.0.1")
    first.close()
    events.close()


async def test_closing_ends_all_connections_and_frees_the_port() -> None:
    told: asyncio.Queue[bytes] = asyncio.Queue()
    events = await open_event_stream("127.0.0.1", 0, {"127.0.0.1"}, lambda: Lines(told))
    port = events.port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"x")
    async with asyncio.timeout(5):
        await told.get()
        events.close()
        with contextlib.suppress(ConnectionError):
            assert await reader.read(1) == b""
    writer.close()

    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", port))
