"""Who may answer a WebSocket client: a daemon, or a stranger; and what the client hears of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.utils import accept_key

from call_api.transports.websocket_client import WebSocketClient, open_websocket
from call_api.transports.websocket_failures import ConnectFailed, ConnectionLost

Handler = Callable[[ServerConnection], Awaitable[None]]
RawHandler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Listener:
    """Remembers what a connection tells, and lets a test wait for it."""

    def __init__(self) -> None:
        self.texts: asyncio.Queue[str] = asyncio.Queue()
        self.losses: asyncio.Queue[ConnectionLost] = asyncio.Queue()

    async def text(self) -> str:
        async with asyncio.timeout(5):
            return await self.texts.get()

    async def loss(self) -> ConnectionLost:
        async with asyncio.timeout(5):
            return await self.losses.get()


@asynccontextmanager
async def daemon(handler: Handler, host: str = "127.0.0.1") -> AsyncIterator[str]:
    async with serve(handler, host, 0, ping_interval=None, close_timeout=1) as server:
        port = server.sockets[0].getsockname()[1]
        yield f"ws://{'[::1]' if host == '::1' else host}:{port}/call-api"


@asynccontextmanager
async def stranger(handler: RawHandler) -> AsyncIterator[str]:
    """Somebody on a port who is no daemon."""
    over = asyncio.Event()

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()
            over.set()

    server = await asyncio.start_server(serve_one, "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/call-api"
        async with asyncio.timeout(5):
            await over.wait()
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def connected(url: str, **limits: float) -> AsyncIterator[tuple[WebSocketClient, Listener]]:
    heard = Listener()
    client = await open_websocket(url, heard.texts.put_nowait, heard.losses.put_nowait, **limits)  # type: ignore[arg-type]  # every limit is a number
    try:
        yield client, heard
    finally:
        await client.close()


async def refused(url: str, **limits: float) -> ConnectFailed:
    with pytest.raises(ConnectFailed) as caught:
        async with connected(url, **limits):
            pass
    return caught.value


async def upgrade(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A WebSocket handshake (RFC 6455, section 4.2.2), and nothing behind it."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    key = next(line for line in head.splitlines() if line.startswith("Sec-WebSocket-Key: "))
    accept = accept_key(key.partition(": ")[2])
    writer.write(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept.encode() + b"\r\n\r\n"
    )
