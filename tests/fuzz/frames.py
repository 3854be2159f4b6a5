"""What comes in on a connection of a client: HTTP, then frames, in pieces of any size."""

from http import HTTPStatus

from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol

from call_api.config import WsServer
from call_api.transports.websocket_connection import CLOSE_WITHIN
from tests.wire.fake_hub import FakeHub
from tests.wire.raw_client import CLOSE, PONG, TEXT, frame

SETTINGS = WsServer(max_message=1024)
NO_CODE = 1005
"""Stands for a close frame without a code (RFC 6455, section 7.4.1)."""


def connection(data: bytes) -> None:
    """A connection takes any bytes, answers in frames and ends; how they are cut is all the same.

    The first byte says how the rest is meant: as bytes or as a list of frames, of a client that
    is connected or of one that is not, and in what pieces it comes. Of two faults in one piece
    either may give the close code.
    """
    how, said = data[0] if data else 0, data[1:]
    stream = said if how & 1 else b"".join(_frames(said))
    size = 1 + (how >> 2)
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    heard, code = _story([stream], is_open=bool(how & 2))
    heard_later, code_later = _story(pieces, is_open=bool(how & 2))
    assert heard_later == heard
    assert (code_later is None) == (code is None)
    if how & 2:
        assert heard == _by_library(stream)


def _frames(data: bytes) -> list[bytes]:
    """Each frame is made of its first byte, of its length and of so many bytes."""
    frames = []
    while len(data) >= 2:
        first, size = data[0], data[1]
        payload, data = data[2 : 2 + size], data[2 + size :]
        made = frame(first & 0x0F, payload, fin=bool(first & 0x80), masked=not first & 0x10)
        frames.append(bytes([made[0] | first & 0x60]) + made[1:])
    return frames


def _story(pieces: list[bytes], *, is_open: bool) -> tuple[list[str], int | None]:
    """Return which texts were heard, and the code that closed the connection."""
    hub = FakeHub(SETTINGS, is_open=is_open)
    hub.conversation.on_text = lambda text: hub.connection.send(text.encode())
    for piece in pieces:
        hub.receive(piece)
    code = _close_code(hub, is_open=is_open)
    hub.connection.abort()
    hub.pass_time(CLOSE_WITHIN + 1)
    assert hub.transport.is_aborted or hub.transport.is_closed
    assert hub.conversation.closings == len(hub.opened)
    assert hub.here == []
    return hub.conversation.heard, code


def _close_code(hub: FakeHub, *, is_open: bool) -> int | None:
    """Read what was sent: an HTTP answer if the client was not connected, and whole frames."""
    sent = hub.sent()
    if not is_open and sent:
        head, _, sent = sent.partition(b"\r\n\r\n")
        status = int(head.removeprefix(b"HTTP/1.1 ")[:3])
        if status != HTTPStatus.SWITCHING_PROTOCOLS:
            return status
    code = None
    while sent:
        assert code is None, "something was sent after the close frame"
        assert sent[0] & 0x70 == 0, "a reserved bit"
        size, at = sent[1], 2
        if size >= 126:
            at = 4 if size == 126 else 10
            size = int.from_bytes(sent[2:at])
        opcode, payload, sent = sent[0] & 0x0F, sent[at : at + size], sent[at + size :]
        assert len(payload) == size, "half a frame"
        assert opcode in (TEXT, PONG, CLOSE)
        if opcode == CLOSE:
            code = int.from_bytes(payload[:2]) if payload else NO_CODE
    return code


def _by_library(stream: bytes) -> list[str]:
    """Return the texts that `websockets` alone finds, up to the first frame that ends it all."""
    protocol = ServerProtocol(state=State.OPEN, max_size=SETTINGS.max_message)
    protocol.receive_data(stream)
    texts, message = [], bytearray()
    for event in protocol.events_received():
        assert isinstance(event, Frame)
        if event.opcode in (Opcode.TEXT, Opcode.CONT):
            message += event.data
            if event.fin:
                try:
                    texts.append(message.decode())
                except UnicodeDecodeError:
                    break
                message.clear()
        elif event.opcode in (Opcode.BINARY, Opcode.CLOSE):
            break
    return texts
