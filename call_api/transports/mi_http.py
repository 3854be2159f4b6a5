"""Management requests to a proxy over HTTP: connections are kept and used again."""

import asyncio
import os
import re
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Final, cast

from call_api.transports.mi_udp import Fail, Receive

Spawn = Callable[[Coroutine[Any, Any, None], str], object]
"""Runs something beside, under a name, until it is done or everything ends."""

MAX_CONNECTIONS: Final = 8
"""At the same time; beyond it requests wait for their turn. OpenSIPS answers one by one anyway."""

IDLE_FOR: Final = 10.0
"""Seconds after which an idle connection is not used again: the server is about to close it, and
a request lost in that would be lost for good."""

MAX_ANSWER: Final = 16 << 20
_MAX_HEAD: Final = 16 << 10
_CONNECT_WITHIN: Final = 5.0
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: [^\r\n]*)?\r\n")
_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,9})[ \t]*\r\n", re.IGNORECASE)
_CHUNKED: Final = re.compile(rb"\r\ntransfer-encoding:[^\r\n]*chunked", re.IGNORECASE)
_CLOSES: Final = re.compile(rb"\r\nconnection:[ \t]*close", re.IGNORECASE)
_CHUNK: Final = re.compile(rb"([0-9A-Fa-f]{1,8})[^\r\n]{0,100}\r\n")


class BadAnswer(Exception):
    """What came is no answer of an HTTP/1.1 server (RFC 9112)."""


class AnswerReader:
    """Cuts what a server sends into answers (RFC 9112, section 6).

    Attributes:
        closes: Whether the server closes the connection after the answer.
    """

    def __init__(self) -> None:
        self.closes = False
        self._data = bytearray()

    def feed(self, data: bytes) -> tuple[int, bytes] | None:
        """Take in what came; return status and body of the answer once it is complete.

        Raises:
            BadAnswer: It is none, or too long.
        """
        self._data += data
        while (at := self._data.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._data[: at + 2])
            line = _STATUS_LINE.match(head)
            if line is None:
                raise BadAnswer("no HTTP")
            if line[1] != b"100":
                break
            del self._data[: at + 4]  # an interim answer; the real one follows
        else:
            if len(self._data) > _MAX_HEAD:
                raise BadAnswer("a head that does not end")
            return None
        body = self._chunks(at + 4) if _CHUNKED.search(head) else self._body(head, at + 4)
        if body is None:
            return None
        self.closes = head.startswith(b"HTTP/1.0") or _CLOSES.search(head) is not None
        return int(line[1]), body

    def _body(self, head: bytes, at: int) -> bytes | None:
        found = _LENGTH.search(head)
        length = int(found[1]) if found else 0
        if length > MAX_ANSWER:
            raise BadAnswer("an answer that is too long")
        if len(self._data) < at + length:
            return None
        body = bytes(self._data[at : at + length])
        del self._data[: at + length]
        return body

    def _chunks(self, at: int) -> bytes | None:
        body = bytearray()
        while True:
            found = _CHUNK.match(self._data, at)
            if found is None:
                if len(self._data) - at > _MAX_HEAD:
                    raise BadAnswer("a chunk without a length")
                return None
            size = int(found[1], 16)
            at = found.end() + size + 2
            if len(body) + size > MAX_ANSWER:
                raise BadAnswer("an answer that is too long")
            if len(self._data) < at:
                return None
            body += self._data[found.end() : found.end() + size]
            if size == 0:
                del self._data[:at]
                return bytes(body)


class MiHttp:
    """One request at a time on each connection; connections are opened as they are needed.

    Args:
        receive: Is given each answer. Must not raise.
        fail: Is told of each request that has no answer, and why. Must not raise.
        spawn: Opens connections beside.
    """

    def __init__(
        self, host: str, port: int, path: str, receive: Receive, fail: Fail, spawn: Spawn
    ) -> None:
        self._host, self._port, self._path = host, port, path
        self._receive = receive
        self._fail = fail
        self._idle: list[_Connection] = []
        self._busy: dict[int, _Connection] = {}  # by request id
        self._queue: deque[tuple[int, bytes]] = deque()
        self._opening = 0
        self._spawn = spawn
        self._is_closed = False
        self._loop = asyncio.get_running_loop()
        self._local_host = ""
        self._peer_host = ""

    @property
    def local_host(self) -> str:
        """Our address, as the proxy reached it last."""
        return self._local_host

    @property
    def peer_host(self) -> str:
        """The proxy's address."""
        return self._peer_host

    def send(self, request_id: int, data: bytes) -> None:
        """Send a request on a free connection, or as soon as there is one. Never waits."""
        self._queue.append((request_id, data))
        self._next()

    def forget(self, request_id: int) -> None:
        """Give up a request: its connection cannot be used again."""
        connection = self._busy.pop(request_id, None)
        if connection is not None:
            connection.abort()
            self._next()
        else:
            self._queue = deque(item for item in self._queue if item[0] != request_id)

    def close(self) -> None:
        """Close all connections."""
        self._is_closed = True
        self._queue.clear()
        for connection in (*self._idle, *self._busy.values()):
            connection.abort()
        self._idle.clear()
        self._busy.clear()

    def answered(self, connection: "_Connection", status: int, body: bytes) -> None:
        """An answer has come. Called by the connection."""
        request_id = self._release(connection)
        if not connection.is_closing:
            self._idle.append(connection)
        self._next()
        if request_id is None:
            return
        if body and (status == 200 or body.lstrip().startswith(b"{")):
            self._receive(body)
        # The body may have been no answer at all: nobody else will ever have one.
        self._fail(request_id, f"HTTP {status}")

    def lost(self, connection: "_Connection", reason: str) -> None:
        """A connection is gone. Called by the connection."""
        if connection in self._idle:
            self._idle.remove(connection)
        request_id = self._release(connection)
        if request_id is not None:
            self._fail(request_id, reason)
        if not self._is_closed:
            self._next()

    def _release(self, connection: "_Connection") -> int | None:
        for request_id, busy in self._busy.items():
            if busy is connection:
                del self._busy[request_id]
                return request_id
        return None

    def _next(self) -> None:
        while self._queue and self._idle:
            connection = self._idle.pop()
            if self._loop.time() - connection.used_at > IDLE_FOR:
                connection.abort()
                continue
            request_id, data = self._queue.popleft()
            self._busy[request_id] = connection
            connection.post(self._request(data))
        open_now = len(self._busy) + self._opening
        if len(self._queue) > self._opening and open_now < MAX_CONNECTIONS:
            self._opening += 1
            self._spawn(self._open(), f"connect to {self._host}")

    async def _open(self) -> None:
        try:
            async with asyncio.timeout(_CONNECT_WITHIN):
                _, connection = await self._loop.create_connection(
                    lambda: _Connection(self), self._host, self._port
                )
        except OSError as exc:  # TimeoutError is one
            reason = os.strerror(exc.errno) if exc.errno else "no connection"
            waiting, self._queue = self._queue, deque()
            for request_id, _ in waiting:
                self._fail(request_id, reason)
            return
        finally:
            self._opening -= 1
        if self._is_closed:
            connection.abort()
            return
        self._local_host, self._peer_host = connection.hosts
        self._idle.append(connection)
        self._next()

    def _request(self, body: bytes) -> bytes:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return (
            f"POST {self._path} HTTP/1.1\r\nHost: {host}:{self._port}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode("ascii") + body


class _Connection(asyncio.Protocol):
    """One connection; knows no requests, only that answers come one after the other."""

    def __init__(self, owner: MiHttp) -> None:
        self._owner = owner
        self._reader = AnswerReader()
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self.used_at = self._loop.time()
        self.is_closing = False

    @property
    def hosts(self) -> tuple[str, str]:
        """Our address and the server's."""
        assert self._transport is not None
        own, peer = map(self._transport.get_extra_info, ("sockname", "peername"))
        return str(own[0]), str(peer[0])

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance

    def post(self, request: bytes) -> None:
        if self._transport is not None:
            self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        try:
            answer = self._reader.feed(data)
        except BadAnswer as exc:
            self._close(str(exc))
            return
        if answer is not None:
            self.used_at = self._loop.time()
            self.is_closing = self._reader.closes
            if self.is_closing and self._transport is not None:
                self._transport.close()
            self._owner.answered(self, *answer)

    def connection_lost(self, exc: Exception | None) -> None:
        self._close("connection reset" if exc else "connection closed")

    def abort(self) -> None:
        self.is_closing = True
        if self._transport is not None:
            self._transport.abort()

    def _close(self, reason: str) -> None:
        was_closing = self.is_closing
        self.abort()
        if not was_closing:
            self._owner.lost(self, reason)
