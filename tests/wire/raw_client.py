"""A WebSocket client that can be as rude as a test wants: every byte is up to the caller."""

import asyncio
import base64
import os
import ssl
import struct
from typing import ClassVar, Self

TEXT, BINARY, CONT, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10
LIMIT = 10.0
"""Seconds after which a test gives up waiting."""


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, masked: bool = True) -> bytes:
    """Return one frame as a client sends it (RFC 6455, section 5.2)."""
    size = len(payload)
    first, mask_bit = opcode | (0x80 if fin else 0), 0x80 if masked else 0
    if size < 126:
        head = struct.pack("!BB", first, mask_bit | size)
    elif size < 65536:
        head = struct.pack("!BBH", first, mask_bit | 126, size)
    else:
        head = struct.pack("!BBQ", first, mask_bit | 127, size)
    if not masked:
        return head + payload
    key = b"\x37\xfa\x21\x3d"  # the RFC's example: a frame may be a test's parameter and its name
    return head + key + bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))


def upgrade(path: str = "/call-api", **headers: str) -> bytes:
    """Return the request that opens a WebSocket."""
    fields = {
        "Host": "localhost",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        "Sec-WebSocket-Version": "13",
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode()


class RawClient:
    """A TCP connection on which HTTP and WebSocket frames can be read.

    Attributes:
        limit: Seconds to wait for a frame.
    """

    limit: ClassVar[float] = LIMIT

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(
        cls, address: tuple[str, int], *, tls: ssl.SSLContext | None = None, source: str = ""
    ) -> Self:
        """Connect.

        Args:
            tls: None: without TLS.
            source: The address to come from; empty: any.
        """
        local = (source, 0) if source else None
        async with asyncio.timeout(LIMIT):
            streams = await asyncio.open_connection(
                *address, limit=2**24, ssl=tls, local_addr=local
            )
        return cls(*streams)

    @classmethod
    async def open(
        cls,
        address: tuple[str, int],
        path: str = "/call-api",
        *,
        tls: ssl.SSLContext | None = None,
        source: str = "",
        **headers: str,
    ) -> Self:
        """Connect and become a WebSocket."""
        client = await cls.connect(address, tls=tls, source=source)
        try:
            client.write(upgrade(path, **headers))
            head = await client.head()
            assert head.startswith("HTTP/1.1 101 "), head
        except BaseException:
            await client.close()
            raise
        return client

    def write(self, data: bytes) -> None:
        self.writer.write(data)

    def send(self, opcode: int, payload: bytes = b"", *, fin: bool = True) -> None:
        self.writer.write(frame(opcode, payload, fin=fin))

    async def head(self) -> str:
        """Return the head of an HTTP response."""
        async with asyncio.timeout(LIMIT):
            return (await self.reader.readuntil(b"\r\n\r\n")).decode()

    async def rest(self) -> bytes:
        """Return everything up to the end of the connection."""
        async with asyncio.timeout(LIMIT):
            return await self.reader.read()

    async def gone(self) -> None:
        """Return when the connection has ended, in whatever way."""
        try:
            await self.rest()
        except ConnectionError:
            return

    async def next(self) -> tuple[int, bytes]:
        """Return opcode and payload of the next frame, and check how servers must send it."""
        async with asyncio.timeout(self.limit):
            first, size = await self.reader.readexactly(2)
            assert first & 0xF0 == 0x80, "servers here send neither fragments nor extensions"
            assert size < 128, "a server's frames are not masked"
            if size >= 126:
                data = await self.reader.readexactly(2 if size == 126 else 8)
                size = int.from_bytes(data)
            return first & 0x0F, await self.reader.readexactly(size)

    async def text(self) -> str:
        """Return the next text, answering pings on the way."""
        opcode, payload = await self.next()
        while opcode == PING:
            self.send(PONG, payload)
            opcode, payload = await self.next()
        assert opcode == TEXT, (opcode, payload)
        return payload.decode()

    async def closed(self) -> tuple[int, str]:
        """Return code and reason of the close frame, skipping what comes before it."""
        opcode, payload = await self.next()
        while opcode != CLOSE:
            opcode, payload = await self.next()
        return int.from_bytes(payload[:2]), payload[2:].decode()

    async def close(self) -> None:
        """Go, without a word."""
        self.writer.transport.abort()
        try:
            await self.writer.wait_closed()
        except OSError:
            return

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
