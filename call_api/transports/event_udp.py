"""Events of the proxies by UDP: one socket for all of them."""

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import Final

from call_api.transports.datagram_client import MAX_DATAGRAM, widen

logger = logging.getLogger(__name__)

Receive = Callable[[bytes], None]

_AT_A_TIME: Final = 64  # datagrams until others have their turn
_WARN_EVERY: Final = 1000  # datagrams of strangers


class EventUdp:
    """Takes in the datagrams of some hosts.

    Attributes:
        dropped: Datagrams so far that came from elsewhere.
    """

    def __init__(self, sock: socket.socket, senders: set[str], receive: Receive) -> None:
        self.dropped = 0
        self._sock = sock
        self._senders = senders
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(sock, self._readable)

    @property
    def port(self) -> int:
        """Where datagrams come in."""
        return int(self._sock.getsockname()[1])

    def close(self) -> None:
        """Close the socket."""
        self._loop.remove_reader(self._sock)
        self._sock.close()

    def _readable(self) -> None:
        for _ in range(_AT_A_TIME):
            try:
                data, address = self._sock.recvfrom(MAX_DATAGRAM)
            except OSError:  # nothing more, or nothing that can be done about it
                return
            host = address[0]
            if host in self._senders or plain_host(host) in self._senders:
                self._receive(data)
            else:
                self._drop(host)

    def _drop(self, host: str) -> None:
        if self.dropped % _WARN_EVERY == 0:
            logger.warning("an event from %s, which is no proxy, is dropped", host)
        self.dropped += 1


def open_event_udp(host: str, port: int, senders: set[str], receive: Receive) -> EventUdp:
    """Return a socket that events come in on.

    Args:
        host: Our address; empty for all of them.
        port: 0 takes a free one.
        senders: The addresses whose datagrams are taken in; may change later.
        receive: Is given each datagram. Must not raise.

    Raises:
        OSError: Address or port are not to be had.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host or "0.0.0.0",  # noqa: S104  who may send is checked
        port,
        type=socket.SOCK_DGRAM,
        flags=socket.AI_PASSIVE,
    )[0]
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        widen(sock)
        sock.bind(address)
        return EventUdp(sock, senders, receive)
    except BaseException:
        sock.close()
        raise


def plain_host(host: str) -> str:
    """Return an address as IPv4 writes it, if it is one of IPv4 inside IPv6."""
    return host.removeprefix("::ffff:")
