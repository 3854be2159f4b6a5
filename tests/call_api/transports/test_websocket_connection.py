"""Frames, handshakes and goodbyes; what takes time or memory is in tests/wire/test_limits.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import CloseCode

from call_api.config import WsServer
from call_api.transports.plain_http import MAX_REQUEST
from call_api.transports.websocket_connection import CLOSE_WITHIN
from tests.wire.fake_hub import FakeHub, goodbye, sent_frame
from tests.wire.raw_client import BINARY, CLOSE, CONT, PING, PONG, TEXT, frame, upgrade


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
    hub.connection.send(b"")
    assert hub.transport.writes == []
    hub.turn()

    assert hub.transport.writes == [
        sent_frame(TEXT, b"1")
        + sent_frame(TEXT, b"2")
        + sent_frame(PONG, b"x")
        + sent_frame(TEXT, b"3")
        + sent_frame(TEXT)
    ]
    assert not hub.transport.has_eof, "an empty text is not the end"


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


def test_a_request_just_before_goodbye_is_heard_and_answered() -> None:
    hub = FakeHub()
    hub.conversation.on_text = lambda text: hub.connection.send(b"answer")

    hub.receive(frame(TEXT, b"1") + frame(CLOSE, (1000).to_bytes(2)))

    assert hub.conversation.heard == ["1"]
    assert hub.sent() == sent_frame(TEXT, b"answer") + sent_frame(CLOSE, (1000).to_bytes(2))
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


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
def test_what_comes_behind_the_handshake_is_taken_as_if_it_came_later(size: int) -> None:
    hub = FakeHub(is_open=False)
    data = upgrade("/call-api/v2") + frame(TEXT, b"early") + frame(PING, b"x")

    for at in range(0, len(data), size):
        hub.receive(data[at : at + size])

    assert hub.opened == [("v2", "127.0.0.1:4711")]
    assert hub.conversation.heard == ["early"]
    head, _, frames = hub.sent().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    assert frames == sent_frame(PONG, b"x")


@pytest.mark.parametrize(
    ("early", "code"),
    [
        (frame(CLOSE, (1000).to_bytes(2)), 1000),
        (frame(BINARY, b"x"), 1003),
        (b"GET / HTTP/1.1\r\n\r\n", 1002),
    ],
)
def test_a_connection_that_ends_right_behind_the_handshake_ends_properly(
    early: bytes, code: int
) -> None:
    hub = FakeHub(is_open=False)

    hub.receive(upgrade() + early)

    head, _, sent = hub.sent().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    assert (sent[0], int.from_bytes(sent[2:4])) == (0x80 | CLOSE, code)
    hub.pass_time(CLOSE_WITHIN + 1)
    assert hub.transport.is_closed or hub.transport.is_aborted


def test_a_second_request_behind_the_first_is_not_looked_at(
    caplog: pytest.LogCaptureFixture,
) -> None:
    hub = FakeHub(is_open=False)

    hub.receive(b"GET /healthz HTTP/1.1\r\n\r\n" * 2)

    assert hub.sent().endswith(b"\r\n\r\nok\n")
    assert hub.transport.has_eof
    assert [one for one in caplog.records if one.levelname == "ERROR"] == []


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (upgrade("/other"), 404),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", 200),
        (b"GET /healthz HTTP/1.0\r\n\r\n", 200),
        (b"GET /call-api HTTP/1.1\r\nHost: localhost\r\n\r\n", 426),
        (b"POST /call-api HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
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


@pytest.mark.parametrize("size", [1_000_000, 1000, 7])
def test_a_long_request_is_refused_in_however_many_pieces_it_comes(size: int) -> None:
    hub = FakeHub(is_open=False)
    fields = {f"X-{number}": "x" * 4000 for number in range(5)}
    request = upgrade(**fields) + frame(TEXT, b"early")

    for at in range(0, len(request), size):
        hub.receive(request[at : at + size])

    assert hub.sent().startswith(b"HTTP/1.1 431 ")
    assert hub.opened == []
    assert hub.transport.has_eof


@pytest.mark.parametrize("noise", [b"\x16\x03\x01\x02\x00\x01\n", b"\n", b"GET\n", b"\r\n\r\n"])
def test_what_is_no_http_gets_nothing(noise: bytes) -> None:
    hub = FakeHub(is_open=False)

    hub.receive(noise)

    assert hub.sent() == b""
    assert hub.transport.has_eof


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


def test_a_page_goes_out_also_to_who_hangs_up_halfway() -> None:
    hub = FakeHub(is_open=False)

    hub.connection.data_received(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    hub.connection.eof_received()

    assert hub.sent().endswith(b"\r\n\r\nok\n")


CHUNKS = st.lists(
    st.binary(max_size=30)
    | st.builds(
        frame,
        st.integers(0, 15),
        st.binary(max_size=130),
        fin=st.booleans(),
        masked=st.booleans(),
    ),
    max_size=8,
)


@pytest.mark.parametrize("is_open", [True, False])
@given(chunks=CHUNKS)
def test_any_bytes_are_taken_and_every_connection_ends(chunks: list[bytes], is_open: bool) -> None:
    hub = FakeHub(is_open=is_open)
    hub.conversation.on_text = lambda text: hub.connection.send(text.encode())

    for chunk in chunks:
        hub.receive(chunk)
    hub.connection.send_away(CloseCode.GOING_AWAY, "bye")
    hub.pass_time(CLOSE_WITHIN + 1)

    assert hub.transport.is_aborted or hub.transport.is_closed
    assert hub.conversation.closings == len(hub.opened)
