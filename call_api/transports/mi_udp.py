"""Management requests to a proxy over UDP: one socket for all of them."""

import asyncio
import socket
from collections.abc import Callable
from typing import Final

from call_api.transports.datagram_client import DatagramClient, widen

Receive = Callable[[bytes], None]
Fail = Callable[[int | None, str], None]

_LOOK_UP_WITHIN: Final = 5.0  # seconds for a host name's address


class MiUdp:
    """Request and answer are one datagram each, matched by their id alone."""

    def __init__(self, sock: socket.socket, receive: Receive, fail: Fail) -> None:
        self._local_host = str(sock.getsockname()[0])
        self._peer_host = str(sock.getpeername()[0])
        self._datagrams = DatagramClient(sock, receive, lambda reason: fail(None, reason))

    @property
    def local_host(self) -> str:
        """Our address, as the proxy reaches it."""
        return self._local_host

    @property
    def peer_host(self) -> str:
        """The proxy's address."""
        return self._peer_host

    def send(self, request_id: int, data: bytes) -> None:  # noqa: ARG002  the id is in the data
        """Send a request. Never waits."""
        self._datagrams.send(data)

    def forget(self, request_id: int) -> None:
        """Nothing is kept of a request here."""

    def close(self) -> None:
        """Close the socket."""
        self._datagrams.close()


async def open_mi_udp(host: str, port: int, receive: Receive, fail: Fail) -> MiUdp:
    """Return a channel to a proxy that takes MI requests by UDP.

    Args:
        receive: Is given each answer. Must not raise.
        fail: Is told when the proxy is not there.

    Raises:
        OSError: There is no such host, or no way to it.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_LOOK_UP_WITHIN):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except TimeoutError as exc:
        raise OSError(f"no address for {host} within {_LOOK_UP_WITHIN:g} s") from exc
    family, kind, protocol, _, address = found[0]
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        widen(sock)
        sock.connect(address)
        return MiUdp(sock, receive, fail)
    except BaseException:
        sock.close()
        raise
