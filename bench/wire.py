"""A WebSocket client that costs next to nothing, so that a load is not its own limit."""

import asyncio
import base64
import os
from collections.abc import Callable
from typing import cast

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
NO_MASK = bytes(4)  # a mask of zeros leaves the text as it is (RFC 6455, section 5.3)


class Wire(asyncio.Protocol):
    """One connection: whole text frames in, whole text frames out."""

    def __init__(
        self,
        host: str,
        port: int,
        path: str,
        on_text: Callable[[bytes], None],
        token: str = "",
    ) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        who = f"Authorization: Bearer {token}\r\n" if token else ""
        self._hello = (
            f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"{who}\r\n"
        )
        self._on_text = on_text
        self._transport: asyncio.WriteTransport | None = None
        self._data = b""
        self.is_open = asyncio.get_running_loop().create_future()
        self.is_closed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's is no subclass
        self._transport.write(self._hello.encode())

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_closed.set()
        if not self.is_open.done():
            self.is_open.set_exception(exc or ConnectionError("closed during the handshake"))

    def data_received(self, data: bytes) -> None:
        self._data += data
        if not self.is_open.done():
            head, found, rest = self._data.partition(b"\r\n\r\n")
            if not found:
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self.is_open.set_exception(ConnectionError(head.decode("latin-1")))
                return
            self._data = rest
            self.is_open.set_result(None)
        self._read_frames()

    def _read_frames(self) -> None:
        data, at = self._data, 0
        while len(data) - at >= 2:
            start, size = at + 2, data[at + 1]
            if size == 126:
                start, size = at + 4, int.from_bytes(data[at + 2 : at + 4])
            elif size == 127:
                start, size = at + 10, int.from_bytes(data[at + 2 : at + 10])
            if len(data) < start + size or start > len(data):
                break
            self._take(data[at] & 0x0F, data[start : start + size])
            at = start + size
        self._data = data[at:]

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == TEXT:
            self._on_text(payload)
        elif opcode == PING:
            self._write(PONG, payload)
        elif opcode == CLOSE:
            self.close()

    def send(self, text: bytes) -> None:
        self._write(TEXT, text)

    def _write(self, opcode: int, payload: bytes) -> None:
        size = len(payload)
        length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2)
        assert self._transport is not None
        self._transport.write(bytes([0x80 | opcode]) + length + NO_MASK + payload)

    def close(self) -> None:
        assert self._transport is not None
        self._transport.close()


async def connect(
    host: str, port: int, path: str, on_text: Callable[[bytes], None], token: str = ""
) -> Wire:
    """Open a connection.

    Raises:
        OSError: Nobody listens, or it is no WebSocket.
    """
    _, wire = await asyncio.get_running_loop().create_connection(
        lambda: Wire(host, port, path, on_text, token), host, port
    )
    await wire.is_open
    return wire
