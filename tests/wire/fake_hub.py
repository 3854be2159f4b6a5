"""One connection without a server: an invented clock, a transport that remembers."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from call_api.access.standing import Standing
from call_api.config import WsServer
from call_api.model import DialectName
from call_api.transports.handshake import Gate
from call_api.transports.listener import OpenConversation
from call_api.transports.websocket_connection import Connection
from tests.wire.raw_client import CLOSE, frame, upgrade


class FakeTransport(asyncio.Transport):
    """Remembers what is written, and takes ``room`` bytes until it is full."""

    def __init__(self, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self.protocol = protocol
        self.writes: list[bytes] = []
        self.room = 10**9
        self.reads = True
        self.has_eof = False
        self.is_closed = False
        self.is_aborted = False

    def get_extra_info(self, name: str, default: object = None) -> object:
        return ("127.0.0.1", 4711) if name == "peername" else default

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.has_eof
        if not data:
            return
        self.writes.append(bytes(data))
        self.room -= len(data)
        if self.room < 0:
            self.protocol.pause_writing()

    def drain(self) -> None:
        self.room = 10**9
        self.protocol.resume_writing()

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.has_eof = True

    def close(self) -> None:
        self.is_closed = True

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True

    def is_closing(self) -> bool:
        return self.is_aborted

    def abort(self) -> None:
        if not self.is_aborted:
            self.is_aborted = True
            self.protocol.connection_lost(None)


@dataclass
class FakeConversation:
    heard: list[str] = field(default_factory=list)
    closings: int = 0
    on_text: Callable[[str], None] = lambda text: None

    def receive(self, text: str) -> None:
        self.heard.append(text)
        self.on_text(text)

    def close(self) -> None:
        self.closings += 1


class FakeHub:
    """A server with one connection, whose loop turns when the test says so."""

    def __init__(self, settings: WsServer | None = None, *, is_open: bool = True) -> None:
        self.settings = settings or WsServer()
        self.gate = Gate(self.settings, is_ready=lambda: None, has_room=lambda: None)
        self.open_conversation: OpenConversation = self._open
        self.here: list[Connection] = []
        self.clients: list[Connection] = []
        self.opened: list[tuple[DialectName, str]] = []
        self.now = 100.0
        self.conversation = FakeConversation()
        self._soon: list[Callable[[], None]] = []
        self.connection = Connection(self, clock=lambda: self.now, call_soon=self._soon.append)
        self.transport = FakeTransport(self.connection)
        self.connection.connection_made(self.transport)
        if is_open:
            self.receive(upgrade())
            assert self.sent().startswith(b"HTTP/1.1 101 ")

    def _open(
        self, dialect: DialectName, send: Callable[[bytes], None], peer: str, standing: Standing
    ) -> FakeConversation:
        self.opened.append((dialect, peer))
        return self.conversation

    def is_here(self, connection: Connection) -> None:
        self.here.append(connection)

    def is_client(self, connection: Connection, standing: Standing) -> None:
        self.clients.append(connection)

    def is_gone(self, connection: Connection) -> None:
        self.here.remove(connection)

    def turn(self) -> None:
        soon = self._soon[:]
        self._soon.clear()
        for call in soon:
            call()

    def receive(self, data: bytes) -> None:
        self.connection.data_received(data)
        self.turn()

    def pass_time(self, seconds: float) -> None:
        """Let time pass as the server's sweep does."""
        until = self.now + seconds
        while self.now < until:
            self.now = min(until, self.now + 0.5)
            if self.connection.due <= self.now:
                self.connection.handle_timer(self.now)
            self.turn()

    def sent(self) -> bytes:
        """Return what was written since the last time."""
        writes, self.transport.writes = self.transport.writes, []
        return b"".join(writes)


def sent_frame(opcode: int, payload: bytes = b"") -> bytes:
    return frame(opcode, payload, masked=False)


def goodbye(code: int, reason: str) -> bytes:
    return sent_frame(CLOSE, code.to_bytes(2) + reason.encode())
