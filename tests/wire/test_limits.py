"""What a connection costs at most, in time and in memory, on an invented clock."""

import errno
import logging

import pytest
from msgspec import structs

from call_api.config import WsServer
from call_api.transports.websocket_connection import CLOSE_WITHIN
from tests.wire.fake_hub import FakeHub, goodbye, sent_frame
from tests.wire.raw_client import CLOSE, PING, PONG, TEXT, frame


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


def test_settings_of_the_server_are_those_of_its_connections() -> None:
    short = structs.replace(WsServer(), handshake_within=1.0)
    hub = FakeHub(short, is_open=False)

    hub.pass_time(1)

    assert hub.transport.is_aborted


def test_a_client_that_goes_while_it_is_refused_is_no_error(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def write_eof() -> None:
        raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")

    hub = FakeHub(is_open=False)
    monkeypatch.setattr(hub.transport, "write_eof", write_eof)
    hub.receive(b"GET /other HTTP/1.1\r\nHost: x\r\n\r\n")

    assert hub.sent().startswith(b"HTTP/1.1 404 ")
    assert not [line for line in caplog.records if line.levelno >= logging.WARNING]
    hub.pass_time(CLOSE_WITHIN)
    assert hub.transport.is_aborted


def test_who_does_not_read_and_is_sent_away_for_it_piles_up_no_pongs() -> None:
    hub = FakeHub()
    hub.transport.room = 1000
    hub.receive(frame(PING, b"x" * 100) * 100)
    hub.pass_time(20)
    assert hub.sent().endswith(goodbye(1013, "does not read"))

    hub.receive(frame(PING, b"x" * 100) * 100)
    assert hub.sent() == b""

    hub.receive(frame(CLOSE, (1013).to_bytes(2)))
    assert hub.transport.is_closed
