"""The socket of one media stream: it counts what comes and sends what it is given."""

import asyncio
import logging
import socket
from collections.abc import Callable

from call_api.sip.flow import Address

logger = logging.getLogger(__name__)

_PACKET_BYTES = 2048
_PER_TURN = 32  # packets that are read before others get their turn


class RtpSocket:
    """A UDP socket on a free port.

    Args:
        host: IP address to listen on.
        on_packet: Told of each packet. Must not raise.
    """

    def __init__(self, host: str, on_packet: Callable[[bytes], None]) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._sock.setblocking(False)
            self._sock.bind((host, 0))
        except OSError:
            self._sock.close()
            raise
        name = self._sock.getsockname()
        self.host: str = name[0]
        self.port: int = name[1]
        self.is_open = True
        self._on_packet = on_packet
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._sock, self._drain)

    def send(self, packet: bytes, peer: Address) -> bool:
        """Send a packet; False if it is lost here, as media may be."""
        try:
            self._sock.sendto(packet, peer)
        except OSError as exc:
            logger.debug("RTP %s:%d: %s", *peer, exc)
            return False
        return True

    def close(self) -> None:
        """Stop reading, and free the port."""
        if self.is_open:
            self.is_open = False
            self._loop.remove_reader(self._sock)
            self._sock.close()

    def _drain(self) -> None:
        for _ in range(_PER_TURN):
            if not self.is_open:
                return
            try:
                packet = self._sock.recv(_PACKET_BYTES)
            except BlockingIOError:
                return
            except OSError as exc:  # an ICMP error of what was sent
                logger.debug("RTP %s:%d: %s", self.host, self.port, exc)
                continue
            self._on_packet(packet)
