"""A datagram socket for one peer: sends without waiting, takes in what comes, in bursts."""

import asyncio
import logging
import socket
from collections import deque
from collections.abc import Callable
from typing import Final

logger = logging.getLogger(__name__)

RECEIVE_BUFFER: Final = 4 << 20
"""Bytes that may wait in the kernel: answers come in bursts."""

MAX_DATAGRAM: Final = 65536 * 2  # a Unix datagram may be longer than one of UDP
_AT_A_TIME: Final = 64  # datagrams until others have their turn
_MAX_UNSENT: Final = 10_000


class DatagramClient:
    """Sends datagrams without ever waiting.

    What the kernel does not take at once is kept, in order, up to a bound; beyond it the newest
    is lost, as any datagram may be.

    Args:
        sock: Not blocking.
        peer: Where to send to, for a socket that is not connected.
        receive: Is given each datagram that comes in. Must not raise.
        fail: Is told when the peer is not there: nothing that was sent reaches it.
    """

    def __init__(
        self,
        sock: socket.socket,
        receive: Callable[[bytes], None],
        fail: Callable[[str], None],
        peer: str | None = None,
    ) -> None:
        self._sock = sock
        self._fd = sock.fileno()  # by its number: uvloop keeps a socket it knows as such open
        self._send_now: Callable[[bytes], object] = (
            sock.send if peer is None else lambda data: sock.sendto(data, peer)
        )
        self._receive = receive
        self._fail = fail
        self._unsent: deque[bytes] = deque()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._fd, self._readable)

    def send(self, data: bytes) -> None:
        """Send a datagram, now or as soon as the kernel takes it."""
        if self._unsent:
            self._keep(data)
            return
        try:
            self._send_now(data)
        except (BlockingIOError, InterruptedError):
            self._keep(data)
            self._loop.add_writer(self._fd, self._writable)
        except OSError as exc:
            # It may be about an earlier datagram; this one is lost all the same.
            self._loop.call_soon(self._tell_failed, exc)

    def close(self) -> None:
        """Close the socket."""
        self._loop.remove_reader(self._fd)
        self._loop.remove_writer(self._fd)
        self._sock.close()

    def _keep(self, data: bytes) -> None:
        if len(self._unsent) < _MAX_UNSENT:
            self._unsent.append(data)
        else:
            logger.warning("too much to send, one datagram is lost")

    def _writable(self) -> None:
        while self._unsent:
            try:
                self._send_now(self._unsent[0])
            except (BlockingIOError, InterruptedError):
                return
            except OSError as exc:
                self._unsent.clear()
                self._tell_failed(exc)
                break
            self._unsent.popleft()
        self._loop.remove_writer(self._fd)

    def _readable(self) -> None:
        for _ in range(_AT_A_TIME):
            try:
                data = self._sock.recv(MAX_DATAGRAM)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as exc:
                self._tell_failed(exc)
                return
            self._receive(data)
            if self._sock.fileno() < 0:  # closed by what was received
                return

    def _tell_failed(self, exc: OSError) -> None:
        if self._sock.fileno() >= 0:
            # uvloop stops reading a socket at its first error, and does not say so.
            self._loop.remove_reader(self._fd)
            self._loop.add_reader(self._fd, self._readable)
            self._fail(exc.strerror or str(exc))


def widen(sock: socket.socket) -> None:
    """Ask for a large receive buffer; the kernel gives what it allows."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
