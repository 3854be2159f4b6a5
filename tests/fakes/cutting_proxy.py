"""A TCP proxy before a daemon that cuts connections at the byte where a test wants it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Way: TypeAlias = Literal["up", "down"]
"""To the daemon, or from it."""

HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True)
class Cut:
    """Where a connection ends: so many bytes of one way have passed, and no more do."""

    way: Way
    after: int


@dataclass
class CuttingProxy:
    """What a test sees of it.

    Attributes:
        cuts: Where the first connection is cut, the second, and so on; None: it is not.
        passed: What went through each connection, by way.
        is_shut: Nobody is let in.
        is_stuck: What comes from clients is not passed on.
        is_left: A client has closed its connection, or broken it off.
    """

    daemon: tuple[str, int]
    cuts: Sequence[Cut | None] = ()
    passed: list[dict[Way, bytearray]] = field(default_factory=list)
    is_shut: bool = False
    is_stuck: bool = False
    is_left: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/call-api"

    def cut(self) -> None:
        """Cut whatever is open now."""
        for writer in self.writers:
            writer.transport.abort()
        self.writers.clear()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_shut:
            writer.transport.abort()
            return
        number = len(self.passed)
        self.passed.append({"up": bytearray(), "down": bytearray()})
        cut = self.cuts[number] if number < len(self.cuts) else None
        far_reader, far_writer = await asyncio.open_connection(*self.daemon)
        both = [writer, far_writer]
        self.writers += both
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(number, "up", reader, far_writer, cut, both))
                group.create_task(self._pump(number, "down", far_reader, writer, cut, both))
        finally:
            for one in both:
                one.transport.abort()

    async def _pump(
        self,
        number: int,
        way: Way,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        cut: Cut | None,
        both: list[asyncio.StreamWriter],
    ) -> None:
        passed = self.passed[number][way]
        try:
            while data := await reader.read(65536):
                if self.is_stuck and way == "up":
                    continue
                is_last = cut is not None and cut.way == way and len(passed) + len(data) > cut.after
                if is_last and cut is not None:
                    data = data[: cut.after - len(passed)]
                passed += data
                writer.write(data)
                await writer.drain()
                if is_last:
                    writer.close()  # what was written still arrives
                    break
        except ConnectionError:
            pass
        if way == "up":
            self.is_left.set()
        for one in both:
            one.close()


@asynccontextmanager
async def cutting_proxy(daemon: tuple[str, int], *cuts: Cut | None) -> AsyncIterator[CuttingProxy]:
    """Run it."""
    proxy = CuttingProxy(daemon, cuts)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    try:
        proxy.port = server.sockets[0].getsockname()[1]
        yield proxy
    finally:
        server.close()
        proxy.cut()
        await server.wait_closed()


def frame_ends(stream: bytes) -> list[int]:
    """Return where the handshake ends, and each frame after it (RFC 6455, section 5.2)."""
    at = stream.index(HEAD_END) + len(HEAD_END)
    ends = [at]
    while at + 2 <= len(stream):
        size, at_mask = stream[at + 1] & 0x7F, at + 2
        if size == 126:
            size, at_mask = int.from_bytes(stream[at + 2 : at + 4], "big"), at + 4
        at = at_mask + (4 if stream[at + 1] & 0x80 else 0) + size
        ends.append(at)
    return ends
