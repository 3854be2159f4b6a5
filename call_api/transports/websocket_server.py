"""Where WebSocket clients connect: accepts them, and keeps the time for all of them."""

import asyncio
import logging
import socket
import ssl
from functools import partial
from typing import Self

from websockets.frames import CloseCode

from call_api.access.standing import Standing
from call_api.config import WsServer
from call_api.memory import give_back
from call_api.transports.handshake import Gate, anybody
from call_api.transports.listener import (
    BACKLOG,
    Admit,
    IsReady,
    OpenConversation,
    Parts,
    authority,
    open_sockets,
)
from call_api.transports.tls import server_context
from call_api.transports.websocket_connection import CLOSE_WITHIN, Connection

SWEEP_EVERY = 1.0
"""Seconds between two looks at all connections' deadlines, unless these are shorter."""

CROWD = 500
"""So many connections have to go until memory is given back."""

logger = logging.getLogger(__name__)


class WebSocketServer:
    """A listener for WebSockets (RFC 6455). Entered: open. Left: everybody is gone.

    One timer serves all connections: every so often it looks whose time has come.

    Args:
        open_conversation: Makes the conversation with each new client.
        is_ready: What ``/readyz`` answers.
        parts: What it tells besides.
        admit: Judges each client by its token; a client that it sends away is closed with 1008.
    """

    def __init__(
        self,
        settings: WsServer,
        open_conversation: OpenConversation,
        is_ready: IsReady,
        parts: Parts = dict,
        admit: Admit = anybody,
    ) -> None:
        self.settings = settings
        self.open_conversation = open_conversation
        self.gate = Gate(
            settings, is_ready=is_ready, has_room=self._has_room, parts=parts, admit=admit
        )
        self._connections: set[Connection] = set()
        self._clients: dict[Connection, Standing] = {}  # those of them that are WebSockets
        self._most = 0  # connections since memory was given back
        self._sockets: list[socket.socket] = []
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
            ValueError: The certificate cannot be used: ``key: what was expected``.
        """
        self._loop = asyncio.get_running_loop()
        context = server_context(self.settings.tls)
        self._sockets = await open_sockets(self.settings.host, self.settings.port)
        await self._listen(context)
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
        scheme = "wss" if self.settings.tls.certificate else "ws"
        path = self.settings.http_path
        return [f"{scheme}://{authority(*address)}{path}" for address in self.addresses]

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Host and port of each socket."""
        names = [opened.getsockname() for opened in self._sockets]
        return [(name[0], name[1]) for name in names]

    async def reload(self, settings: WsServer) -> None:
        """Go by other ``hosts``, ``origins`` and certificates from now on.

        Connections go on as they are; whether they are encrypted stays as it was at the start.

        Raises:
            ValueError: The certificate cannot be used; all is as it was:
                ``key: what was expected``.
        """
        if self.settings.tls.certificate:
            context = server_context(settings.tls)
            if context is None:
                raise ValueError("ws_server.tls.certificate: expected one, as at the start")
            try:
                await self._listen(context)
            except OSError as exc:
                problem = f"expected a file descriptor for each socket: {exc.strerror}"
                raise ValueError(f"ws_server.tls.certificate: {problem}") from exc
        self.gate.adapt(settings)

    async def _listen(self, context: ssl.SSLContext | None) -> None:
        """Accept connections from now on so, each time on sockets that share what waits.

        Raises:
            OSError: The machine lacks something; all is as it was.
        """
        within = self.settings.handshake_within if context else None
        leaving, self._servers = self._servers, []
        try:
            for opened in self._sockets:
                self._servers.append(
                    await self._loop.create_server(
                        self._accept,
                        sock=opened.dup(),
                        backlog=BACKLOG,
                        ssl=context,
                        ssl_handshake_timeout=within,
                    )
                )
        except OSError:
            leaving, self._servers = self._servers, leaving
            raise
        finally:
            for server in leaving:
                server.close()

    async def close(self) -> None:
        """Accept nobody any more, close every client with 1001, and drop who does not go."""
        for server in self._servers:
            server.close()
        for opened in self._sockets:
            opened.close()
        for connection in tuple(self._connections):
            connection.send_away(CloseCode.GOING_AWAY, "the daemon shuts down")
        if not await self._gone_within(CLOSE_WITHIN):
            for connection in tuple(self._connections):
                connection.abort()
            await self._gone_within(CLOSE_WITHIN)
        if self._timer is not None:
            self._timer.cancel()
        self._servers.clear()
        self._sockets.clear()

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
        self._most = max(self._most, len(self._connections))

    def is_client(self, connection: Connection, standing: Standing) -> None:
        """Count it among the clients: it has become a WebSocket."""
        self._clients[connection] = standing
        standing.enter(connection.peer, partial(connection.send_away, CloseCode.POLICY_VIOLATION))

    def is_gone(self, connection: Connection) -> None:
        """Take it off."""
        self._connections.discard(connection)
        standing = self._clients.pop(connection, None)
        if standing is not None:
            standing.leave()
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
        self._look_at_memory()
        self._timer = self._loop.call_later(self._sweep_every, self._sweep)

    def _look_at_memory(self) -> None:
        gone = self._most - len(self._connections)
        if gone >= CROWD:
            self._most = len(self._connections)
            give_back()
            logger.info("%d clients have gone: their memory is given back", gone)
