"""Where WebSocket clients connect: accepts them, and keeps the time for all of them."""

import asyncio
import logging
from typing import Self

from websockets.frames import CloseCode

from call_api.config import WsServer
from call_api.transports.handshake import Gate
from call_api.transports.listener import (
    IsReady,
    OpenConversation,
    Parts,
    authority,
    open_sockets,
)
from call_api.transports.websocket_connection import CLOSE_WITHIN, Connection

SWEEP_EVERY = 1.0
"""Seconds between two looks at all connections' deadlines, unless these are shorter."""

logger = logging.getLogger(__name__)


class WebSocketServer:
    """A listener for WebSockets (RFC 6455). Entered: open. Left: everybody is gone.

    One timer serves all connections: every so often it looks whose time has come.

    Args:
        open_conversation: Makes the conversation with each new client.
        is_ready: What ``/readyz`` answers.
        parts: What it tells besides.
    """

    def __init__(
        self,
        settings: WsServer,
        open_conversation: OpenConversation,
        is_ready: IsReady,
        parts: Parts = dict,
    ) -> None:
        self.settings = settings
        self.open_conversation = open_conversation
        self.gate = Gate(
            http_path=settings.http_path,
            dialect=settings.dialect,
            is_ready=is_ready,
            parts=parts,
            has_room=self._has_room,
            host=settings.host,
        )
        self._connections: set[Connection] = set()
        self._clients: set[Connection] = set()  # those of them that are WebSockets
        self._servers: list[asyncio.Server] = []
        self._sweep_every = min(
            SWEEP_EVERY,
            *(t / 4 for t in (settings.ping_every, settings.silent_for, settings.handshake_within)),
        )
        self._timer: asyncio.TimerHandle | None = None
        self._all_gone: asyncio.Future[None] | None = None

    async def __aenter__(self) -> Self:
        """Open the sockets.

        Raises:
            CannotListen: They cannot be opened.
        """
        self._loop = asyncio.get_running_loop()
        for opened in await open_sockets(self.settings.host, self.settings.port):
            self._servers.append(
                await self._loop.create_server(self._accept, sock=opened, backlog=1024)
            )
        self._sweep()
        for url in self.urls:
            logger.info("listening on %s", url)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close, if that was not done before."""
        await self.close()

    @property
    def urls(self) -> list[str]:
        """Where clients find it, with the real port."""
        return [
            f"ws://{authority(*address)}{self.settings.http_path}" for address in self.addresses
        ]

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Host and port of each socket."""
        names = [opened.getsockname() for server in self._servers for opened in server.sockets]
        return [(name[0], name[1]) for name in names]

    async def close(self) -> None:
        """Accept nobody any more, close every client with 1001, and drop who does not go."""
        for server in self._servers:
            server.close()
        for connection in tuple(self._connections):
            connection.send_away(CloseCode.GOING_AWAY, "the daemon shuts down")
        if not await self._gone_within(CLOSE_WITHIN):
            for connection in tuple(self._connections):
                connection.abort()
            await self._gone_within(CLOSE_WITHIN)
        if self._timer is not None:
            self._timer.cancel()
        self._servers.clear()

    async def _gone_within(self, seconds: float) -> bool:
        if not self._connections:
            return True
        self._all_gone = self._loop.create_future()
        try:
            async with asyncio.timeout(seconds):
                await self._all_gone
        except TimeoutError:
            return False
        finally:
            self._all_gone = None
        return True

    # What connections call.

    def is_here(self, connection: Connection) -> None:
        """Take a new connection into the account."""
        self._connections.add(connection)

    def is_client(self, connection: Connection) -> None:
        """Count it among the clients: it has become a WebSocket."""
        self._clients.add(connection)

    def is_gone(self, connection: Connection) -> None:
        """Take it off."""
        self._connections.discard(connection)
        self._clients.discard(connection)
        if self._all_gone is not None and not self._connections and not self._all_gone.done():
            self._all_gone.set_result(None)

    def _accept(self) -> Connection:
        return Connection(self, clock=self._loop.time, call_soon=self._loop.call_soon)

    def _has_room(self) -> str | None:
        clients = len(self._clients)
        is_full = clients >= self.settings.max_connections
        return f"there are {clients} clients already" if is_full else None

    def _sweep(self) -> None:
        now = self._loop.time()
        for connection in tuple(self._connections):
            if connection.due <= now:
                connection.handle_timer(now)
        self._timer = self._loop.call_later(self._sweep_every, self._sweep)
