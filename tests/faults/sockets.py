"""Clients at the level of the kernel: cheap by the thousand, and able to vanish in any way."""

import socket
import struct

from tests.wire.raw_client import upgrade

REQUEST = upgrade()


def connect(address: tuple[str, int], *, buffers: int = 0) -> socket.socket:
    """Return a TCP connection that is nothing more yet.

    Args:
        buffers: Bytes that the kernel may keep for us in each direction; 0: as many as it likes.
    """
    made = socket.socket()
    made.settimeout(10.0)
    if buffers:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffers)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffers)
    made.connect(address)
    return made


def open_websocket(address: tuple[str, int], *, buffers: int = 0) -> socket.socket:
    """Return a connection that has become a WebSocket."""
    made = connect(address, buffers=buffers)
    made.sendall(REQUEST)
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        got = made.recv(1)
        assert got, head
        head += got
    assert head.startswith(b"HTTP/1.1 101 "), head
    return made


def reset(connection: socket.socket) -> None:
    """Vanish with a RST, as a process that was killed with unread data, or a NAT that forgot."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
