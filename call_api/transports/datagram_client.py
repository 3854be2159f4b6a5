"""A datagram socket for one peer: sends without waiting, takes in what comes, both in bursts."""

import asyncio
import logging
import socket
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

logger = logging.getLogger(__name__)

RECEIVE_BUFFER: Final = 4 << 20
"""Bytes that may wait in the kernel: answers come in bursts."""

MAX_DATAGRAM: Final = 65536 * 2  # a Unix datagram may be longer than one of UDP
_AT_A_TIME: Final = 64  # datagrams until others have their turn
_MAX_UNSENT: Final = 10_000


class DatagramClient:
    """Sends datagrams without ever waiting: those of one turn of the loop at its end.

    The first of a burst wakes the peer up, which costs more than all the rest, and the others find
    it awake. What the kernel does not take at once is kept, in order, up to a bound; beyond it the
    newest is lost, as any datagram may be.

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
        self._is_due = False  # `_send_all` is going to be called
        self._is_closed = False
        self._is_full = False  # the kernel takes no more for now
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._fd, self._readable)

    def send(self, data: bytes) -> None:
        """Send a datagram at the end of this turn, or as soon as the kernel takes it."""
        if len(self._unsent) >= _MAX_UNSENT:
            logger.warning("too much to send, one datagram is lost")
            return
        self._unsent.append(data)
        if not self._is_due:
            self._is_due = True
            self._loop.call_soon(self._send_all)

    def close(self) -> None:
        """Close the socket, once what was sent in this turn is."""
        with suppress(OSError):
            while self._unsent:
                self._send_now(self._unsent.popleft())
        self._is_closed = True
        self._loop.remove_reader(self._fd)
        self._loop.remove_writer(self._fd)
        self._sock.close()

    def _send_all(self) -> None:
        unsent, send = self._unsent, self._send_now
        try:
            while unsent:
                send(unsent[0])
                unsent.popleft()
        except (BlockingIOError, InterruptedError):
            self._wait()
            return
        except OSError as exc:
            # It may be about an earlier datagram; what was to be sent is lost all the same.
            unsent.clear()
            self._tell_failed(exc)
        self._is_due = False
        if self._is_full:
            self._is_full = False
            self._loop.remove_writer(self._fd)

    def _wait(self) -> None:
        if not self._is_full:
            self._is_full = True
            self._loop.add_writer(self._fd, self._send_all)

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
            if self._is_closed:  # by what was received
                return

    def _tell_failed(self, exc: OSError) -> None:
        if not self._is_closed:
            # uvloop stops reading a socket at its first error, and does not say so.
            self._loop.remove_reader(self._fd)
            self._loop.add_reader(self._fd, self._readable)
            self._fail(exc.strerror or str(exc))


def widen(sock: socket.socket) -> None:
    """Ask for a large receive buffer; the kernel gives what it allows."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
