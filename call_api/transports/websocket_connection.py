"""One client of the daemon: frames in, frames out, never more of either than was agreed.

RFC 6455 is `websockets`' sans-I/O `ServerProtocol`, which sees no more of the texts than
`call_api.transports.frames` leaves to it; this file moves bytes, watches the clock and counts.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from math import inf
from typing import Protocol, cast

from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import SEND_EOF

from call_api.access.standing import Standing
from call_api.config import WsServer
from call_api.transports.frames import COMMON, HEADS, FrameCutter, text_head
from call_api.transports.handshake import Gate, let_go, new_protocol
from call_api.transports.listener import Conversation, OpenConversation, authority
from call_api.transports.plain_http import MAX_REQUEST, RequestHead, too_long

CLOSE_WITHIN = 2.0
"""Seconds a client has to answer our goodbye and to close the connection."""

WRITE_BUFFER = 65_536
"""Bytes that the socket's own buffer may grow to before what follows is counted and queued."""

logger = logging.getLogger(__name__)


class Hub(Protocol):
    """What a connection needs of the server that accepted it."""

    settings: WsServer
    gate: Gate
    open_conversation: OpenConversation

    def is_here(self, connection: "Connection") -> None:
        """Take a new connection into the account."""

    def is_client(self, connection: "Connection", standing: Standing) -> None:
        """Count it among the clients: it has become a WebSocket."""

    def is_gone(self, connection: "Connection") -> None:
        """Take it off."""


class Connection(asyncio.Protocol):
    """One connection, from its first byte to its last.

    Args:
        clock: Returns seconds, monotonic.
        call_soon: Calls its argument in the loop's next turn.

    Attributes:
        peer: Who it is, for the log.
        address: The same without the port.
        due: When `handle_timer` has something to do, on ``clock``.
        is_client: Whether it has become a WebSocket.
    """

    def __init__(
        self,
        hub: Hub,
        *,
        clock: Callable[[], float],
        call_soon: Callable[[Callable[[], None]], object],
    ) -> None:
        self.peer = self.address = "?"
        self.due = inf
        self.is_client = False
        self._hub = hub
        self._max_queue = hub.settings.max_queue
        self._clock = clock
        self._call_soon = call_soon
        self._protocol = new_protocol(hub.settings.max_message)
        self._transport: asyncio.Transport | None = None
        self._conversation: Conversation | None = None
        self._head = RequestHead()
        self._message = bytearray()  # the fragments of one, so far
        self._frames = FrameCutter(hub.settings.max_message)
        self._writes: list[bytes] = []  # frames that are not yet given to the transport
        self._queued = 0  # bytes of texts among them
        self._is_flush_due = False
        self._is_paused = False  # the transport's buffer is full: the client does not read
        self._is_leaving = False
        self._stalled_at = inf
        self._ping_at = inf
        self._silent_since = inf
        self._has_spoken = True  # since the last ping

    # What the conversation calls.

    def send(self, text: bytes) -> None:
        """Send one text, joined with whatever else is sent in this turn of the loop.

        A client that leaves ``max_queue`` bytes unread is closed with 1013: it comes back and
        attaches from its last ``seq``. One text that is longer by itself still goes out.
        """
        if self._is_leaving:
            return
        if self._queued > self._max_queue:
            self._flush()
            if self._queued > self._max_queue:
                self._turn_away_slow()
                return
        size, writes = len(text), self._writes
        writes.append(HEADS[size] if size < COMMON else text_head(size))
        if size:  # nothing at all would mean SEND_EOF
            writes.append(text)
        self._queued += size
        if not self._is_flush_due:
            self._flush_soon()

    # What the server calls.

    def handle_timer(self, now: float) -> None:
        """Do what is due: ping, or drop who is silent, slow or lingers."""
        settings = self._hub.settings
        if self._is_leaving or not self.is_client:
            if not self._is_leaving:
                self._tell(logging.INFO, "no WebSocket within %g s", settings.handshake_within)
            self.abort()
        elif self._is_paused:
            if now >= self._stalled_at + settings.silent_for:
                self._turn_away_slow()
            else:
                self.due = self._stalled_at + settings.silent_for
        elif not self._has_spoken and now >= self._silent_since + settings.silent_for:
            self._tell(logging.INFO, "silent for %g s", now - self._silent_since)
            self.abort()
        else:
            self._ping(now)

    def send_away(self, code: CloseCode, reason: str) -> None:
        """Say goodbye to a client after all that was sent to it; drop anybody else."""
        if not self.is_client:
            self.abort()
        elif not self._is_leaving:
            self._protocol.send_close(code, reason)
            self._leave()

    def abort(self) -> None:
        """Drop the connection at once."""
        self._is_leaving, self.due = True, inf
        if self._transport is not None:
            self._transport.abort()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the handshake."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance
        host, port, *_ = transport.get_extra_info("peername") or ("?", 0)
        self.address, self.peer = str(host), authority(host, port)
        self._transport.set_write_buffer_limits(high=WRITE_BUFFER)
        self.due = self._clock() + self._hub.settings.handshake_within
        self._hub.is_here(self)

    def data_received(self, data: bytes) -> None:
        """Take bytes, whatever they are."""
        try:
            if not self.is_client:
                request, data = self._head.split(data)
                if self._head.size_bytes <= MAX_REQUEST:
                    self._feed(request)
                elif not self._protocol.close_expected():
                    self._protocol.send_response(too_long())
                    self._leave()
            if data:
                self._hear(data)
        except Exception:  # a bug must cost this client alone, and no more than its connection
            logger.exception("failed to serve this client", extra={"subject": self.peer})
            self._fail(CloseCode.INTERNAL_ERROR, "internal error")

    def eof_received(self) -> None:
        """Let the transport close itself, which it does as soon as its buffer is empty."""
        self._protocol.receive_eof()
        if not self._is_leaving:
            self._leave()
        else:  # the transport closes before the loop's next turn
            self._flush()

    def pause_writing(self) -> None:
        """Stop reading from a client that does not read, until it does."""
        self._is_paused = True
        self._stalled_at = self._clock()
        self.due = min(self.due, self._stalled_at + self._hub.settings.silent_for)
        if self._transport is not None and not self._is_leaving:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on where `pause_writing` stopped."""
        self._is_paused = False
        self._has_spoken = True
        self._read_again()
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        self._is_leaving, self.due = True, inf
        if self.is_client:
            self._tell(logging.INFO, "left%s", f": {exc}" if exc else "")
        self._close_conversation()
        let_go(self._protocol)
        self._hub.is_gone(self)

    # The rest.

    def _hear(self, data: bytes) -> None:
        for piece in self._frames.cut(data):
            if isinstance(piece, bytes):
                self._feed(piece)
            elif self._conversation is not None:
                self._has_spoken = True
                self._conversation.receive(piece)

    def _feed(self, data: bytes) -> None:
        """Have the library look at bytes that are no simple text."""
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if self._is_leaving:
                break
            self._take(event)
        if self._protocol.close_expected() and not self._is_leaving:
            self._tell_end()
            self._leave()
        replies = self._protocol.data_to_send()
        is_deaf = self._is_leaving and self._is_paused  # no more pongs: they would pile up
        self._writes += [SEND_EOF] * replies.count(SEND_EOF) if is_deaf else replies
        self._flush_soon()

    def _take(self, event: Frame | Request | Response) -> None:
        if isinstance(event, Request):
            self._greet(event)
            return
        assert isinstance(event, Frame)
        self._has_spoken = True
        if event.opcode is Opcode.BINARY:
            self._fail(CloseCode.UNSUPPORTED_DATA, "text frames only")
        elif event.opcode is Opcode.TEXT or event.opcode is Opcode.CONT:
            self._message += event.data
            if event.fin:
                message, self._message = self._message, bytearray()
                self._receive(message)

    def _receive(self, message: bytearray) -> None:
        assert self._conversation is not None
        try:
            self._conversation.receive(message.decode())
        except UnicodeDecodeError:
            self._fail(CloseCode.INVALID_DATA, "no UTF-8")

    def _greet(self, request: Request) -> None:
        response, admission = self._hub.gate.greet(self._protocol, request, self.address)
        self._protocol.send_response(response)
        self._writes += self._protocol.data_to_send()
        if admission is None:
            level = logging.DEBUG if response.status_code == HTTPStatus.OK else logging.INFO
            path = request.path.partition("?")[0]  # what follows may be a token, by mistake
            self._tell(level, "%s %r: %d", request.method, path, response.status_code)
            return
        dialect, standing = admission.dialect, admission.standing
        self.is_client = True
        self._hub.is_client(self, standing)
        self.due = self._ping_at = self._clock() + self._hub.settings.ping_every
        name = standing.name and f" as {standing.name}"
        self._tell(logging.INFO, "connected%s, speaks %s", name, dialect)
        self._conversation = self._hub.open_conversation(dialect, self.send, self.peer, standing)

    def _ping(self, now: float) -> None:
        settings = self._hub.settings
        if now >= self._ping_at:
            if self._has_spoken:
                self._silent_since, self._has_spoken = now, False
            self._ping_at = now + settings.ping_every
            self._protocol.send_ping(b"")
            self._flush()
        self.due = self._ping_at
        if not self._has_spoken:
            self.due = min(self.due, self._silent_since + settings.silent_for)

    def _turn_away_slow(self) -> None:
        self._tell(logging.WARNING, "does not read: %d bytes wait", self._queued)
        self._writes.clear()  # what waits is told again when it attaches
        self._protocol.send_close(CloseCode.TRY_AGAIN_LATER, "does not read")
        self._leave()

    def _fail(self, code: CloseCode, reason: str) -> None:
        self._protocol.fail(code, reason)
        self._tell_end()
        self._leave()

    def _leave(self) -> None:
        """Send what is left, and give the client a while to close the connection."""
        self._is_leaving = True
        self.due = self._clock() + CLOSE_WITHIN
        self._close_conversation()
        self._read_again()
        self._flush()

    def _close_conversation(self) -> None:
        conversation, self._conversation = self._conversation, None
        if conversation is not None:
            conversation.close()

    def _read_again(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def _flush_soon(self) -> None:
        if not self._is_flush_due:
            self._is_flush_due = True
            self._call_soon(self._flush)

    def _flush(self) -> None:
        """Give the transport everything there is, in one write, unless its buffer is full."""
        self._is_flush_due = False
        transport = self._transport
        is_full = self._is_paused and not self._is_leaving
        if transport is None or transport.is_closing() or is_full:
            return
        writes = self._writes + self._protocol.data_to_send()
        if not writes:
            return
        self._writes.clear()
        self._queued = 0
        transport.write(b"".join(writes))
        if writes[-1] != SEND_EOF:
            return
        if self._protocol.close_rcvd is not None or not transport.can_write_eof():  # over TLS
            transport.close()
        else:  # what we have not read would make a close a reset, and lose what we have written
            with suppress(OSError):  # the client has just gone
                transport.write_eof()

    def _tell(self, level: int, message: str, *args: object) -> None:
        logger.log(level, message, *args, extra={"subject": self.peer})

    def _tell_end(self) -> None:
        """Say why the library or we end the connection, unless the client itself does."""
        sent, received = self._protocol.close_sent, self._protocol.close_rcvd
        if sent is not None and received is None:
            self._tell(logging.WARNING, "closed with %d: %s", sent.code, sent.reason)
        elif not self.is_client and self._protocol.handshake_exc is not None:
            self._tell(logging.DEBUG, "no handshake: %s", self._protocol.handshake_exc)
