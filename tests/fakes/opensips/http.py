"""MI over HTTP in front of a scripted proxy, as mi_http has it: one request after the other."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

Take = Callable[[bytes, Callable[[bytes], None]], None]
"""Carries out one request, and gives the answer to its second argument, now or later."""


@asynccontextmanager
async def mi_http(take: Take) -> AsyncIterator[str]:
    """Serve on a free port; give the URL."""
    turn = asyncio.Lock()
    writers: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        try:
            while head := await _head(reader):
                body = await reader.readexactly(_length(head))
                async with turn:
                    answer = await _asked(take, body)
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer
                )
        finally:
            writer.close()
            writers.discard(writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mi"
    finally:
        server.close()
        for writer in tuple(writers):
            writer.transport.abort()
        await server.wait_closed()


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


def _length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length:")[2].split()[0])


async def _asked(take: Take, body: bytes) -> bytes:
    answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    take(body, answered.set_result)
    return await answered
