"""The connection on an invented clock and a transport that remembers."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from msgspec import structs
from websockets.frames import CloseCode

from call_api.config import WsServer
from call_api.model import DialectName
from call_api.transports.handshake import MAX_REQUEST, Gate
from call_api.transports.listener import OpenConversation
from call_api.transports.websocket_connection import CLOSE_WITHIN, Connection
from tests.wire.raw_client import BINARY, CLOSE, CONT, PING, PONG, TEXT, frame, upgrade


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
        self.gate = Gate(
            http_path="/call-api", dialect="v1", is_ready=lambda: None, has_room=lambda: None
        )
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
        self, dialect: DialectName, send: Callable[[bytes], None], peer: str
    ) -> FakeConversation:
        self.opened.append((dialect, peer))
        return self.conversation

    def is_here(self, connection: Connection) -> None:
        self.here.append(connection)

    def is_client(self, connection: Connection) -> None:
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


def test_a_client_gets_its_conversation_and_texts_go_both_ways() -> None:
    hub = FakeHub()

    hub.receive(frame(TEXT, '{"ü": 1}'.encode()))
    hub.connection.send(b"hello")
    hub.turn()

    assert hub.opened == [("v1", "127.0.0.1:4711")]
    assert hub.conversation.heard == ['{"ü": 1}']
    assert hub.sent() == sent_frame(TEXT, b"hello")
    assert hub.here == hub.clients == [hub.connection]


def test_what_is_sent_in_one_turn_of_the_loop_is_one_write() -> None:
    hub = FakeHub()
    hub.conversation.on_text = lambda text: hub.connection.send(text.encode())

    hub.connection.data_received(frame(TEXT, b"1") + frame(TEXT, b"2") + frame(PING, b"x"))
    hub.connection.send(b"3")
    assert hub.transport.writes == []
    hub.turn()

    assert hub.transport.writes == [
        sent_frame(PONG, b"x")
        + sent_frame(TEXT, b"1")
        + sent_frame(TEXT, b"2")
        + sent_frame(TEXT, b"3")
    ]


def test_a_message_may_come_in_fragments_with_pings_between_and_byte_by_byte() -> None:
    hub = FakeHub()
    message = (
        frame(TEXT, "ü".encode()[:1], fin=False)
        + frame(PING)
        + frame(CONT, b"", fin=False)
        + frame(CONT, "ü".encode()[1:], fin=True)
    )

    for byte in message:
        hub.receive(bytes([byte]))

    assert hub.conversation.heard == ["ü"]
    assert hub.sent() == sent_frame(PONG)


def test_a_message_of_the_longest_size_is_taken() -> None:
    hub = FakeHub(WsServer(max_message=1024))

    hub.receive(frame(TEXT, b"x" * 1024))
    hub.receive(frame(TEXT, b"x" * 1000, fin=False) + frame(CONT, b"x" * 24))

    assert [len(text) for text in hub.conversation.heard] == [1024, 1024]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(BINARY, b"x"), 1003),
        (frame(BINARY, b"x", fin=False), 1003),
        (frame(TEXT, b"\xff"), 1007),
        (frame(TEXT, b"\xed\xa0\x80"), 1007),
        (frame(TEXT, b"x" * 1025), 1009),
        (frame(TEXT, b"x" * 1000, fin=False) + frame(CONT, b"x" * 25), 1009),
        (frame(TEXT, b"x", masked=False), 1002),
        (frame(3, b"x"), 1002),
        (frame(CONT, b"x"), 1002),
        (frame(TEXT, b"x", fin=False) + frame(TEXT, b"x"), 1002),
        (frame(PING, b"x" * 126), 1002),
        (frame(PING, fin=False), 1002),
        (bytes([0xC1, 0x80, 0, 0, 0, 0]), 1002),
        (frame(CLOSE, b"x"), 1002),
    ],
)
def test_what_no_client_may_send_closes_with_its_code(data: bytes, code: int) -> None:
    hub = FakeHub(WsServer(max_message=1024))

    hub.receive(data)

    sent = hub.sent()
    assert (sent[0], int.from_bytes(sent[2:4])) == (0x80 | CLOSE, code)
    assert hub.transport.has_eof
    assert hub.conversation.heard == []
    assert hub.conversation.closings == 1
    hub.pass_time(CLOSE_WITHIN + 1)
    assert hub.transport.is_aborted
    assert hub.here == []


def test_requests_before_the_fault_are_heard_and_those_behind_it_are_not() -> None:
    hub = FakeHub()

    hub.receive(frame(TEXT, b"1") + frame(BINARY) + frame(TEXT, b"2"))

    assert hub.conversation.heard == ["1"]


def test_a_request_just_before_goodbye_is_heard_and_its_answer_falls_away() -> None:
    hub = FakeHub()
    hub.conversation.on_text = lambda text: hub.connection.send(b"answer")

    hub.receive(frame(TEXT, b"1") + frame(CLOSE, (1000).to_bytes(2)))

    assert hub.conversation.heard == ["1"]
    assert hub.sent() == sent_frame(CLOSE, (1000).to_bytes(2))
    assert hub.transport.is_closed
    assert hub.conversation.closings == 1


def test_a_conversation_that_fails_costs_its_own_client_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    hub = FakeHub()

    def fail(text: str) -> None:
        raise ValueError(text)

    hub.conversation.on_text = fail
    hub.receive(frame(TEXT, b"x"))

    assert hub.sent() == goodbye(1011, "internal error")
    assert "failed to serve this client" in caplog.text


def test_a_request_behind_the_handshake_is_not_lost() -> None:
    hub = FakeHub(is_open=False)

    hub.receive(upgrade("/call-api/v2") + frame(TEXT, b"early"))

    assert hub.opened == [("v2", "127.0.0.1:4711")]
    assert hub.conversation.heard == ["early"]


def test_a_client_is_pinged_and_dropped_when_it_stays_silent(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    hub = FakeHub()

    hub.pass_time(19)
    assert hub.sent() == b""
    hub.pass_time(1)
    assert hub.sent() == sent_frame(PING)
    hub.pass_time(19)
    assert not hub.transport.is_aborted
    hub.pass_time(1)

    assert hub.transport.is_aborted
    assert hub.conversation.closings == 1
    assert "silent for 20 s" in caplog.text


@pytest.mark.parametrize("answer", [frame(PONG), frame(TEXT, b"{}"), frame(PING)])
def test_any_frame_keeps_a_client(answer: bytes) -> None:
    hub = FakeHub()

    for _ in range(10):
        hub.pass_time(20)
        assert sent_frame(PING) in hub.sent()
        hub.receive(answer)

    assert not hub.transport.is_aborted


def test_half_a_frame_is_no_frame() -> None:
    hub = FakeHub()
    hub.pass_time(20)
    hub.receive(frame(TEXT, b"x" * 100)[:50])

    hub.pass_time(20)

    assert hub.transport.is_aborted


def test_frequent_pings_do_not_put_the_end_of_a_silent_client_off() -> None:
    hub = FakeHub(WsServer(ping_every=3, silent_for=10))

    hub.pass_time(12.5)
    assert hub.sent().count(sent_frame(PING)) == 4
    assert not hub.transport.is_aborted
    hub.pass_time(0.5)

    assert hub.transport.is_aborted


def test_rare_pings_still_find_a_silent_client_early() -> None:
    hub = FakeHub(WsServer(ping_every=60, silent_for=5))

    hub.pass_time(64.5)
    assert not hub.transport.is_aborted
    hub.pass_time(0.5)

    assert hub.transport.is_aborted


@pytest.mark.parametrize("said", [b"", b"GET /call-api HTTP/1.1\r\nHost: x\r\n"])
def test_a_connection_that_is_no_websocket_in_time_is_dropped(
    said: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    hub = FakeHub(is_open=False)
    hub.receive(said)

    hub.pass_time(9)
    assert not hub.transport.is_aborted
    hub.pass_time(1)

    assert hub.transport.is_aborted
    assert hub.here == []
    assert "no WebSocket within 10 s" in caplog.text


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (upgrade("/other"), 404),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 200),
        (b"GET /healthz HTTP/1.0\r\n\r\n", 200),
        (b"GET /call-api HTTP/1.1\r\nHost: x\r\n\r\n", 426),
        (b"POST /call-api HTTP/1.1\r\nHost: x\r\n\r\n", 405),
        (upgrade(Sec_WebSocket_Version="12"), 400),
        (upgrade(Sec_WebSocket_Key="x"), 400),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 9000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"X: 1\r\n" * 200 + b"\r\n", 431),
    ],
)
def test_who_is_no_client_gets_a_page_and_has_to_go(request_: bytes, status: int) -> None:
    hub = FakeHub(is_open=False)

    hub.receive(request_)

    assert hub.sent().startswith(f"HTTP/1.1 {status} ".encode())
    assert hub.transport.has_eof
    assert hub.opened == []
    assert hub.clients == []
    hub.pass_time(CLOSE_WITHIN + 1)
    assert hub.transport.is_aborted


def test_a_request_that_never_ends_is_cut_short() -> None:
    hub = FakeHub(is_open=False)
    hub.receive(b"GET /call-api HTTP/1.1\r\n")
    for _ in range(MAX_REQUEST // 1000 + 1):
        hub.receive(b"X: " + b"x" * 995 + b"\r\n")

    assert hub.sent().startswith(b"HTTP/1.1 431 ")
    assert hub.transport.has_eof


@pytest.mark.parametrize("noise", [b"\x16\x03\x01\x02\x00\x01\n", b"\n", b"GET\n", b"\r\n\r\n"])
def test_what_is_no_http_gets_nothing(noise: bytes) -> None:
    hub = FakeHub(is_open=False)

    hub.receive(noise)

    assert hub.sent() == b""
    assert hub.transport.has_eof


def test_a_client_that_does_not_read_is_not_read_from_until_it_does() -> None:
    hub = FakeHub()
    hub.transport.room = 10

    hub.connection.send(b"x" * 20)
    hub.turn()
    hub.connection.send(b"y")
    hub.turn()

    assert hub.sent() == sent_frame(TEXT, b"x" * 20)
    assert not hub.transport.reads
    hub.transport.drain()
    assert hub.sent() == sent_frame(TEXT, b"y")
    assert hub.transport.reads


def test_a_client_that_reads_too_little_is_turned_away(caplog: pytest.LogCaptureFixture) -> None:
    hub = FakeHub(WsServer(max_queue=4096))
    hub.transport.room = 0
    hub.connection.send(b"first")
    hub.turn()

    for _ in range(5):
        hub.connection.send(b"x" * 1000)
        hub.turn()
    assert hub.sent() == sent_frame(TEXT, b"first")
    hub.connection.send(b"one too many")

    assert hub.sent() == goodbye(1013, "does not read")
    assert hub.conversation.closings == 1
    assert hub.transport.reads  # to see it go
    assert "does not read: 5000 bytes wait" in caplog.text
    hub.connection.send(b"nothing any more")
    hub.pass_time(CLOSE_WITHIN + 1)
    assert hub.transport.is_aborted


def test_a_client_that_stops_reading_is_turned_away_in_time() -> None:
    hub = FakeHub()
    hub.transport.room = 0
    hub.connection.send(b"first")
    hub.turn()
    hub.sent()

    hub.pass_time(19.5)
    assert hub.sent() == b""
    hub.pass_time(0.5)

    assert hub.sent() == goodbye(1013, "does not read")


def test_a_client_that_reads_again_is_not_taken_for_silent() -> None:
    hub = FakeHub()
    hub.pass_time(20)
    hub.transport.room = 0
    hub.connection.send(b"x")
    hub.turn()
    hub.pass_time(19)
    hub.transport.drain()
    hub.sent()

    hub.pass_time(19)

    assert not hub.transport.is_aborted
    assert hub.sent() == sent_frame(PING)


def test_one_long_text_goes_out_to_a_client_that_reads() -> None:
    hub = FakeHub(WsServer(max_queue=4096))

    for _ in range(3):
        hub.connection.send(b"x" * 100_000)
    hub.turn()

    assert hub.sent() == sent_frame(TEXT, b"x" * 100_000) * 3


def test_goodbye_comes_after_what_was_sent_before() -> None:
    hub = FakeHub()
    hub.connection.send(b"last")

    hub.connection.send_away(CloseCode.GOING_AWAY, "bye")
    hub.connection.send(b"too late")

    assert hub.sent() == sent_frame(TEXT, b"last") + goodbye(1001, "bye")
    assert hub.conversation.closings == 1
    assert not hub.transport.is_closed
    hub.receive(frame(CLOSE, (1001).to_bytes(2)))
    assert hub.transport.is_closed
    assert hub.conversation.closings == 1


def test_goodbye_is_said_once() -> None:
    hub = FakeHub()
    hub.connection.send_away(CloseCode.GOING_AWAY, "bye")
    hub.sent()

    hub.connection.send_away(CloseCode.GOING_AWAY, "bye")

    assert hub.sent() == b""


def test_who_is_no_client_yet_is_dropped_without_a_word() -> None:
    hub = FakeHub(is_open=False)

    hub.connection.send_away(CloseCode.GOING_AWAY, "bye")

    assert hub.transport.is_aborted
    assert hub.sent() == b""


def test_a_client_that_hangs_up_is_forgotten_and_nothing_is_sent_to_it() -> None:
    hub = FakeHub()

    hub.connection.connection_lost(ConnectionResetError())
    hub.connection.send(b"too late")
    hub.turn()

    assert hub.conversation.closings == 1
    assert hub.here == []
    assert hub.sent() == b""


def test_half_a_connection_is_none() -> None:
    hub = FakeHub()

    hub.connection.eof_received()

    assert hub.conversation.closings == 1
    hub.pass_time(CLOSE_WITHIN + 1)
    assert hub.transport.is_aborted


def test_settings_of_the_server_are_those_of_its_connections() -> None:
    short = structs.replace(WsServer(), handshake_within=1.0)
    hub = FakeHub(short, is_open=False)

    hub.pass_time(1)

    assert hub.transport.is_aborted
