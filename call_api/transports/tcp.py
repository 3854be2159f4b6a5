"""SIP over TCP: a listener, its connections, and those that we open ourselves."""

import asyncio
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

from call_api.sip.flow import Address, host_port
from call_api.sip.parser import BadMessage
from call_api.sip.stream_parser import (
    KEEP_ALIVE_ANSWER,
    MAX_MESSAGE_BYTES,
    KeepAlive,
    StreamParser,
)
from call_api.transports.local_address import LocalAddress
from call_api.transports.udp import Receive

logger = logging.getLogger(__name__)

_KEEP_ALIVE = {
    "TCP_KEEPIDLE": 60,  # seconds of silence before the system asks
    "TCP_KEEPINTVL": 10,
    "TCP_KEEPCNT": 3,
    "TCP_USER_TIMEOUT": 30_000,  # milliseconds that sent bytes may stay unacknowledged
}
_LINGER = 1.0  # seconds that the peers have to read the last bytes when we close


@dataclass(frozen=True, kw_only=True, slots=True)
class TcpLimits:
    """What a listener allows its peers.

    Attributes:
        connections: Most of them at a time; further ones are closed at once.
        message_bytes: Longest message that is taken; after a longer one it is closed.
        unsent_bytes: Most that wait for a peer that does not read; then it is closed.
        connect_within: Seconds that a connection of ours may take to come about.
        message_within: Seconds from connecting to the first message, and from the start of a
            later one to its end.
        idle_for: Seconds without a byte in either direction, after which a connection is
            closed: more than the hour for which phones register by default.
    """

    connections: int = 10_000
    message_bytes: int = MAX_MESSAGE_BYTES
    unsent_bytes: int = 256 * 1024
    connect_within: float = 10.0
    message_within: float = 32.0
    idle_for: float = 3900.0


class TcpFlow(asyncio.Protocol):
    """One connection, from either side. Each is a way of its own.

    Attributes:
        peer: Where the other end is.
        local: Where the peer reaches us: our listener, also when we opened the connection.
        is_open: False once the connection is lost, or could not be made.
    """

    transport: Literal["TCP"] = "TCP"
    reliable = True

    def __init__(self, listener: "TcpListener", *, peer: Address | None = None) -> None:
        self.peer: Address = peer or ("", 0)
        self.local: Address = listener.local_toward(self.peer[0]) if peer else ("", 0)
        self.is_open = True
        self._listener = listener
        self._stream: asyncio.Transport | None = None
        self._waiting: list[bytes] = []  # until the connection is made
        self._waiting_bytes = 0
        self._parser = StreamParser(max_bytes=listener.limits.message_bytes)
        self._now = listener.loop.time
        self._last_byte = self._now()
        self._message_since: float | None = self._last_byte  # when what is due has begun

    def send(self, data: bytes) -> None:
        """Send one message, or keep it until the connection is made.

        Raises:
            OSError: The connection is gone, or the peer does not read.
        """
        if not self.is_open:
            raise ConnectionResetError("the connection is gone")
        self._last_byte = self._now()
        unsent = self._waiting_bytes
        if self._stream is not None:
            self._stream.write(data)
            unsent = self._stream.get_write_buffer_size()
        else:
            self._waiting.append(data)
            self._waiting_bytes = unsent = unsent + len(data)
        if unsent > self._listener.limits.unsent_bytes:
            logger.warning("%r: does not read, closed", self)
            self.abort()
            raise ConnectionAbortedError("the peer does not read")

    def close(self) -> None:
        """Close the connection once all is sent."""
        if self._stream is not None:
            self._stream.close()
        self.lost()

    def abort(self) -> None:
        """Close the connection at once."""
        if self._stream is not None:
            self._stream.abort()
        self.lost()

    def lost(self) -> None:
        """Note that nothing goes over this connection any more."""
        if self.is_open:
            self.is_open = False
            self._waiting.clear()
            self._listener.forget(self)

    def is_overdue(self, now: float) -> bool:
        """Whether the peer has taken more time than the limits allow."""
        limits = self._listener.limits
        if self._message_since is not None and now - self._message_since > limits.message_within:
            return True
        return now - self._last_byte > limits.idle_for

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin: called by asyncio, for both sides' connections."""
        self._stream = stream = cast("asyncio.Transport", transport)
        self._listener.attach(self)
        self.peer = transport.get_extra_info("peername")[:2]
        self.local = transport.get_extra_info("sockname")[0], self._listener.port
        if not self.is_open or not self._listener.admit(self):
            self.abort()
            return
        logger.debug("%r: connected", self)
        for data in self._waiting:
            stream.write(data)
        self._waiting.clear()

    def data_received(self, data: bytes) -> None:
        """Take bytes: called by asyncio."""
        self._last_byte = self._now()
        frames = self._parser.frames(data)
        if not self._parser.is_amid:
            if frames:
                self._message_since = None
        elif frames or self._message_since is None:
            self._message_since = self._last_byte
        for frame in frames:
            if not self.is_open:
                return
            if isinstance(frame, bytes):
                self._listener.receive(frame, self)
            elif isinstance(frame, KeepAlive):
                self._pong()
            else:
                self._broken(frame)

    def connection_lost(self, exc: Exception | None) -> None:
        """End: called by asyncio."""
        logger.debug("%r: disconnected: %s", self, exc or "closed")
        self.lost()
        self._listener.detach(self)

    def _pong(self) -> None:
        try:
            self.send(KEEP_ALIVE_ANSWER)
        except OSError as exc:
            logger.debug("%r: %s", self, exc)

    def _broken(self, bad: BadMessage) -> None:
        logger.warning("%r: lost the boundaries between messages: %s", self, bad)
        self._listener.on_broken(bad, self)
        self.close()

    def __repr__(self) -> str:
        return f"<TCP {host_port(self.peer)}>"


OnLost: TypeAlias = Callable[[TcpFlow], None]
OnBroken: TypeAlias = Callable[[BadMessage, TcpFlow], None]


class TcpListener:
    """A listening socket and all connections; made by `sip_endpoint`.

    Args:
        host: Where we listen, as an IP address.
        receive: Must not raise.
        on_lost: Told of each connection that is lost, or could not be made.
        on_broken: Told why a stream has become unreadable; may still answer on it.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        receive: Receive,
        on_lost: OnLost,
        on_broken: OnBroken,
        limits: TcpLimits,
    ) -> None:
        self.host = host
        self.port = port
        self.receive = receive
        self.on_broken = on_broken
        self.limits = limits
        self.loop = asyncio.get_running_loop()
        self._on_lost = on_lost
        self._local = LocalAddress(host, port)
        self._flows: dict[TcpFlow, None] = {}  # made or being made
        self._to: dict[Address, TcpFlow] = {}  # the newest to each peer
        self._connecting: dict[TcpFlow, asyncio.Task[None]] = {}
        self._attached: dict[TcpFlow, None] = {}  # what asyncio keeps; a few more when closing
        self._all_detached = asyncio.Event()
        self._all_detached.set()
        self._is_closed = False
        self._every = min(limits.message_within, limits.idle_for) / 4
        self._sweeping = self.loop.call_later(self._every, self._sweep)

    def __len__(self) -> int:
        """How many connections there are, those included that are being made."""
        return len(self._flows)

    def accept(self) -> TcpFlow:
        """Return the protocol of a connection that a peer has opened: for asyncio."""
        return TcpFlow(self)

    def flow(self, peer: Address, group: asyncio.TaskGroup) -> TcpFlow:
        """Return a connection to a peer: the one there is, or else one that is being made.

        Args:
            group: Where the connecting runs.
        """
        flow = self._to.get(peer)
        if flow is not None:
            return flow
        flow = TcpFlow(self, peer=peer)
        self._flows[flow] = None
        self._to[peer] = flow
        task = group.create_task(self._connect(flow), name=f"connect to {host_port(peer)}")
        self._connecting[flow] = task
        return flow

    def local_toward(self, peer: str) -> Address:
        """Return what our listener is called towards a peer."""
        return self._local.toward(peer)

    def admit(self, flow: TcpFlow) -> bool:
        """Keep a connection that was made; False: there are too many, or we are closing."""
        if flow not in self._flows and len(self._flows) >= self.limits.connections:
            logger.warning("%r: refused: %d connections", flow, len(self._flows))
            return False
        if self._is_closed:
            return False
        self._flows[flow] = None
        self._to[flow.peer] = flow
        return True

    def forget(self, flow: TcpFlow) -> None:
        """Drop a connection that is lost, and tell of it if it was ever kept."""
        if self._to.get(flow.peer) is flow:
            del self._to[flow.peer]
        if (task := self._connecting.pop(flow, None)) is not None and flow not in self._attached:
            task.cancel()
        if flow in self._flows:
            del self._flows[flow]
            if not self._is_closed:
                self._on_lost(flow)

    def attach(self, flow: TcpFlow) -> None:
        """Note a connection that asyncio keeps."""
        self._attached[flow] = None
        self._all_detached.clear()

    def detach(self, flow: TcpFlow) -> None:
        """Note a connection that asyncio keeps no more."""
        del self._attached[flow]
        if not self._attached:
            self._all_detached.set()

    async def close(self) -> None:
        """Close all connections once what was sent is on its way; nobody is told."""
        self._is_closed = True
        self._sweeping.cancel()
        for flow in list(self._flows):
            flow.close()
        try:
            async with asyncio.timeout(_LINGER):
                await self._all_detached.wait()
        except TimeoutError:
            for flow in list(self._attached):
                flow.abort()
            await self._all_detached.wait()

    async def _connect(self, flow: TcpFlow) -> None:
        try:
            async with asyncio.timeout(self.limits.connect_within):
                sock = await self._connected_socket(flow.peer)
                await self.loop.create_connection(lambda: flow, sock=sock)
        except OSError as exc:  # TimeoutError is one
            logger.warning("%r: cannot connect: %s", flow, str(exc) or "no answer")
            self._connecting.pop(flow, None)
            flow.lost()
        finally:
            self._connecting.pop(flow, None)

    async def _connected_socket(self, peer: Address) -> socket.socket:
        sock = socket.socket(socket.AF_INET6 if ":" in peer[0] else socket.AF_INET)
        try:
            sock.setblocking(False)
            keep_alive(sock)
            sock.bind((self._local.toward(peer[0])[0], 0))
            await self.loop.sock_connect(sock, peer)
        except BaseException:
            sock.close()
            raise
        return sock

    def _sweep(self) -> None:
        now = self.loop.time()
        for flow in [flow for flow in self._flows if flow.is_overdue(now)]:
            logger.info("%r: closed, for it was idle or too slow", flow)
            flow.abort()
        self._sweeping = self.loop.call_later(self._every, self._sweep)


def keep_alive(sock: socket.socket) -> None:
    """Let the system find connections whose other end is gone without a word.

    Set on a listening socket, it holds for the connections that it accepts.
    """
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEP_ALIVE.items():
        if (option := getattr(socket, name, None)) is not None:  # not on every system
            sock.setsockopt(socket.IPPROTO_TCP, option, value)
