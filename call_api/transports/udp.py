"""SIP over UDP: one socket, a flow for each peer."""

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import Literal, TypeAlias

from call_api.sip.flow import Address, Flow
from call_api.transports.local_address import LocalAddress

logger = logging.getLogger(__name__)

Receive: TypeAlias = Callable[[bytes, Flow], None]
"""Told of each datagram, or message of a stream, and of the way it came."""

_DATAGRAM_BYTES = 65535
_BUFFER_BYTES = 4 * 1024 * 1024  # the system may grant less
_PER_TURN = 64  # datagrams that are read before others get their turn


class UdpSocket:
    """A bound socket that is read until it is closed.

    Args:
        sock: Bound, not blocking. Belongs to this object from now on.
        receive: Must not raise.
    """

    def __init__(self, sock: socket.socket, receive: Receive) -> None:
        self.host, self.port = sock.getsockname()[:2]
        self.is_open = True
        self._sock = sock
        self._receive = receive
        self._local = LocalAddress(self.host, self.port)
        self._loop = asyncio.get_running_loop()
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            sock.setsockopt(socket.SOL_SOCKET, option, _BUFFER_BYTES)
        self._loop.add_reader(sock, self._drain)

    def flow(self, peer: Address) -> "UdpFlow":
        """Return the way to a peer."""
        return UdpFlow(self, peer)

    def local_toward(self, peer: Address) -> Address:
        """Return what this socket is called towards a peer."""
        return self._local.toward(peer[0])

    def send(self, data: bytes, peer: Address) -> None:
        """Send a datagram; one that finds the buffer full is lost, as on any network.

        Raises:
            OSError: The socket is closed, the datagram too long, or there is no route.
        """
        if not self.is_open:
            raise ConnectionAbortedError("the socket is closed")
        try:
            self._sock.sendto(data, peer)
        except BlockingIOError:
            logger.debug("UDP %s:%d: the send buffer is full", *peer)

    def close(self) -> None:
        """Stop reading, and free the port."""
        if self.is_open:
            self.is_open = False
            self._loop.remove_reader(self._sock)
            self._sock.close()

    def _drain(self) -> None:
        for _ in range(_PER_TURN):
            if not self.is_open:  # closed by what the last datagram caused
                return
            try:
                data, peer = self._sock.recvfrom(_DATAGRAM_BYTES)
            except BlockingIOError:
                return
            except OSError as exc:  # an ICMP error of something that was sent: no datagram
                logger.debug("UDP %s:%d: %s", self.host, self.port, exc)
                continue
            self._receive(data, UdpFlow(self, peer[:2]))


class UdpFlow:
    """The way to one peer; made anew for each datagram, so it is cheap and keeps nothing."""

    __slots__ = ("_socket", "peer")

    transport: Literal["UDP"] = "UDP"
    reliable = False

    def __init__(self, udp_socket: UdpSocket, peer: Address) -> None:
        self._socket = udp_socket
        self.peer = peer

    @property
    def local(self) -> Address:
        """Where the peer reaches us."""
        return self._socket.local_toward(self.peer)

    @property
    def is_open(self) -> bool:
        """Whether the socket is."""
        return self._socket.is_open

    def send(self, data: bytes) -> None:
        """Send one message.

        Raises:
            OSError: See `UdpSocket.send`.
        """
        self._socket.send(data, self.peer)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, UdpFlow) and self._socket is other._socket and self.peer == other.peer
        )

    def __hash__(self) -> int:
        return hash(self.peer)

    def __repr__(self) -> str:
        return f"<UDP {self.peer[0]}:{self.peer[1]}>"
