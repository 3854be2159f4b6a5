"""Events of the proxies by TCP: they connect to us, and nothing is lost on the way."""

import asyncio
import logging
import socket
from collections.abc import Callable, Collection
from typing import Final, Protocol, cast

from call_api.transports.event_udp import plain_host

logger = logging.getLogger(__name__)

MAX_CONNECTIONS: Final = 256
"""At the same time: a proxy opens one for each of its processes that raise events, at most."""


class Framing(Protocol):
    """Cuts what one connection brings into events."""

    def feed(self, data: bytes) -> bool:
        """Take in some bytes; return whether they still make sense."""


class EventStream:
    """A listening socket, and what has connected to it."""

    def __init__(
        self, server: asyncio.Server, listener: socket.socket, connections: "set[_Connection]"
    ) -> None:
        self._server = server
        self._listener = listener
        self._connections = connections

    @property
    def port(self) -> int:
        """Where proxies connect to."""
        return int(self._listener.getsockname()[1])

    def close(self) -> None:
        """Close the socket and all connections."""
        self._server.close()
        for connection in tuple(self._connections):
            connection.abort()


class _Connection(asyncio.Protocol):
    def __init__(
        self,
        framing: Framing,
        senders: Collection[str],
        connections: "set[_Connection]",
        max_connections: int,
    ) -> None:
        self._framing = framing
        self._senders = senders
        self._connections = connections
        self._max_connections = max_connections
        self._transport: asyncio.Transport | None = None
        self._peer = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance
        self._peer = plain_host(str((transport.get_extra_info("peername") or ("",))[0]))
        if self._peer not in self._senders or len(self._connections) >= self._max_connections:
            logger.warning("a connection for events from %s is refused", self._peer)
            self._transport.abort()
            return
        self._connections.add(self)
        logger.info("events come from %s", self._peer)

    def data_received(self, data: bytes) -> None:
        if not self._framing.feed(data):
            logger.warning("what %s sends are no events, the connection is closed", self._peer)
            self.abort()

    def connection_lost(self, _: Exception | None) -> None:
        self._connections.discard(self)

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()


async def open_event_stream(
    host: str,
    port: int,
    senders: Collection[str],
    framing: Callable[[], Framing],
    *,
    max_connections: int = MAX_CONNECTIONS,
) -> EventStream:
    """Return a socket that proxies connect to for their events.

    Args:
        port: 0 takes a free one.
        senders: The addresses that may connect; may change later.
        framing: Makes what the bytes of one connection are given to.

    Raises:
        OSError: Address or port are not to be had.
    """
    connections: set[_Connection] = set()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: _Connection(framing(), senders, connections, max_connections), host or None, port
    )
    return EventStream(server, server.sockets[0], connections)
