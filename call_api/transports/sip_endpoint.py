"""Where SIP reaches us: UDP and TCP on one port."""

import asyncio
import errno
import ipaddress
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from call_api.sip.flow import Address, Flow, Transport
from call_api.sip.parser import BadMessage
from call_api.transports.tcp import TcpLimits, TcpListener, keep_alive
from call_api.transports.udp import Receive, UdpSocket

_TRIES = 50  # to find a port that is free for both
_BACKLOG = 1024


class SipEndpoint:
    """Both transports, open. Made by `sip_endpoint`.

    Attributes:
        host: The IP address that we listen on.
        port: The port, for UDP and TCP.
    """

    def __init__(self, udp: UdpSocket, tcp: TcpListener, group: asyncio.TaskGroup) -> None:
        self.host: str = udp.host
        self.port: int = udp.port
        self._udp = udp
        self._tcp = tcp
        self._group = group

    @property
    def connections(self) -> int:
        """How many TCP connections there are."""
        return len(self._tcp)

    def flow(self, transport: Transport, peer: Address) -> Flow:
        """Return a way to a peer that we have not heard of, or whose connection is gone.

        It can be sent on at once: over TCP the bytes wait until the connection is made. If it
        cannot be made, ``on_lost`` tells.

        Args:
            peer: An IP address, without brackets, and a port.

        Raises:
            ValueError: It is a name. Looking that up would take time, which nobody has here.
        """
        ipaddress.ip_address(peer[0])
        return self._udp.flow(peer) if transport == "UDP" else self._tcp.flow(peer, self._group)


@asynccontextmanager
async def sip_endpoint(
    host: str,
    port: int,
    receive: Receive,
    *,
    on_lost: Callable[[Flow], None] | None = None,
    on_broken: Callable[[BadMessage, Flow], None] | None = None,
    limits: TcpLimits | None = None,
) -> AsyncIterator[SipEndpoint]:
    """Listen for SIP as long as the block runs.

    Args:
        host: IP address or name to listen on, of both protocol families.
        port: 0 takes one that is free for UDP and TCP.
        receive: Told of each datagram and each message of a connection. Must not raise.
        on_lost: Told of each connection that is lost, but not of those that are left at the
            end. Must not raise.
        on_broken: Told of a message that makes its connection unreadable; answering on it is
            still possible. Must not raise.

    Raises:
        OSError: The host is unknown, or the port is in use.
    """
    loop = asyncio.get_running_loop()
    infos = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, address = infos[0]
    udp_sock, tcp_sock = _bind(family, str(address[0]), port)
    udp = UdpSocket(udp_sock, receive)
    tcp = TcpListener(
        udp.host,
        udp.port,
        receive=receive,
        on_lost=on_lost or _ignore,
        on_broken=on_broken or _ignore,
        limits=limits or TcpLimits(),
    )
    server = await loop.create_server(tcp.accept, sock=tcp_sock, backlog=_BACKLOG)
    try:
        async with asyncio.TaskGroup() as group:
            try:
                yield SipEndpoint(udp, tcp, group)
            finally:
                server.close()
                await tcp.close()
    except BaseExceptionGroup as exc:
        # The tasks here see to their own errors, so this is the block's one, to be left as it is.
        raise exc.exceptions[0] from exc.exceptions[0].__cause__
    finally:
        udp.close()


def _ignore(*_: object) -> None:
    """Stand in for whoever is not interested."""


def _bind(family: int, host: str, port: int) -> tuple[socket.socket, socket.socket]:
    """Return a UDP and a TCP socket on one port."""
    for attempt in range(_TRIES):
        udp = _bound(family, host, port, socket.SOCK_DGRAM)
        try:
            return udp, _bound(family, host, udp.getsockname()[1], socket.SOCK_STREAM)
        except OSError as exc:
            udp.close()
            if port or exc.errno != errno.EADDRINUSE or attempt == _TRIES - 1:
                raise
    raise AssertionError("the last attempt returns or raises")


def _bound(family: int, host: str, port: int, kind: int) -> socket.socket:
    # asyncio turns Nagle's algorithm off only for sockets that say that they are TCP.
    protocol = socket.IPPROTO_TCP if kind == socket.SOCK_STREAM else socket.IPPROTO_UDP
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        if kind == socket.SOCK_STREAM:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            keep_alive(sock)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock
