"""One WebSocket connection to a daemon: text in, text out.

RFC 6455 is `websockets`' sans-I/O `ClientProtocol`; this file moves its bytes. Proxies that the
environment names are not used: a daemon is reached directly.
"""

import asyncio
import logging
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import cast

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus, InvalidURI
from websockets.frames import CloseCode, Frame, Opcode
from websockets.headers import build_host
from websockets.protocol import State
from websockets.uri import WebSocketURI, parse_uri

from call_api.transports.tls import ClientTls, client_context
from call_api.transports.websocket_failures import (
    BadKeys,
    BadUrl,
    ConnectFailed,
    ConnectionLost,
    DaemonUnreachable,
    NoDaemon,
    close_words,
    refusal,
    socket_problem,
    unreachable,
)

logger = logging.getLogger(__name__)

MAX_MESSAGE = 16 * 1024 * 1024
"""The longest text taken from a daemon, in bytes: a list of 1000 calls has a tenth of it."""

HAPPY_EYEBALLS_DELAY = 0.25
"""Seconds until the next address of a host is tried beside the first (RFC 8305, section 5)."""

_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")
"""What can be a token (RFC 6750, section 2.1)."""


async def open_websocket(
    url: str,
    on_text: Callable[[str], None],
    on_lost: Callable[[ConnectionLost], None],
    *,
    token: str | None = None,
    tls: ClientTls | None = None,
    open_within: float = 10.0,
    ping_every: float = 20.0,
    close_within: float = 2.0,
) -> "WebSocketClient":
    """Connect to a daemon.

    Args:
        on_text: Gets every text that arrives.
        on_lost: Told once, unless the connection is closed from here.
        token: Says who we are (RFC 6750, section 2.1).
        tls: Whom to trust with a wss URL; by default whom the system does.
        open_within: Seconds for name, connection and handshake together.
        ping_every: Seconds between two pings; a daemon that is silent from one to the next
            is lost.
        close_within: Seconds a closing handshake may take.

    Raises:
        ValueError: ``token`` is none that a header can carry. The message does not show it.
        BadKeys: A file of ``tls`` cannot be used.
        BadUrl: ``url`` is no ws or wss URL.
        DaemonUnreachable: There is no connection.
        ConnectForbidden: The daemon answered 401, 403 or 429.
        NoDaemon: What answered is no daemon, or has none at this path.
    """
    uri, shown = _parse(url)
    client = WebSocketClient(uri, shown, on_text, on_lost, ping_every, close_within)
    if token is not None:
        client.show(token)
    try:
        context = client_context(tls or ClientTls()) if uri.secure else None
    except ValueError as exc:
        raise BadKeys(shown, str(exc)) from exc
    loop = asyncio.get_running_loop()
    limit = asyncio.timeout(open_within)
    try:
        async with limit:
            await loop.create_connection(
                lambda: client,
                uri.host,
                uri.port,
                ssl=context,
                happy_eyeballs_delay=HAPPY_EYEBALLS_DELAY,
            )
            await client.wait_open()
    except OSError as exc:
        client.abort()
        if limit.expired():
            raise DaemonUnreachable(shown, f"no answer within {open_within:g} s") from exc
        raise unreachable(shown, exc) from exc
    except BaseException:
        client.abort()
        raise
    return client


class WebSocketClient(asyncio.Protocol):
    """The connection. Made by `open_websocket`."""

    def __init__(
        self,
        uri: WebSocketURI,
        shown: str,
        on_text: Callable[[str], None],
        on_lost: Callable[[ConnectionLost], None],
        ping_every: float,
        close_within: float,
    ) -> None:
        self._shown = shown
        self._on_text = on_text
        self._on_lost = on_lost
        self._ping_every = ping_every
        self._close_within = close_within
        self._protocol = ClientProtocol(uri, max_size=MAX_MESSAGE, logger=logger)
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._opened: asyncio.Future[None] = self._loop.create_future()
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self._timer: asyncio.TimerHandle | None = None
        self._fragments: list[bytes] = []
        self._heard = True
        self._is_leaving = False  # we end the connection
        self._is_ending = False  # somebody does: the server has to close it now
        self._token: str | None = None
        self._problem = ""  # what we found wrong, where the daemon gives no reason

    def show(self, token: str) -> None:
        """Say who we are, in the handshake.

        Raises:
            ValueError: No header can carry the token.
        """
        if not _TOKEN.fullmatch(token):
            raise ValueError("a token is made of letters, digits and -._~+/, with = at the end")
        self._token = token

    async def wait_open(self) -> None:
        """Return when the handshake is done.

        Raises:
            ConnectFailed: It failed.
        """
        await self._opened

    def send(self, text: str) -> None:
        """Send one text, unless the connection is going down."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_text(text.encode())
            self._flush()

    async def close(self) -> None:
        """Say goodbye, and return when the connection is gone."""
        self._is_leaving = True
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(CloseCode.NORMAL_CLOSURE)
            self._flush()
        try:
            async with asyncio.timeout(self._close_within):
                await asyncio.shield(self._closed)
        except TimeoutError:
            self.abort()
            await self._closed
        except asyncio.CancelledError:
            self.abort()
            raise

    def abort(self) -> None:
        """Drop the connection at once."""
        self._is_leaving = True
        if self._opened.done() and not self._opened.cancelled():
            self._opened.exception()  # seen: nobody waits for it any more
        if self._transport is not None:
            self._transport.abort()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the handshake."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance
        request = self._protocol.connect()
        if self._token is not None:
            request.headers["Authorization"] = f"Bearer {self._token}"
        self._protocol.send_request(request)
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Take bytes from the daemon."""
        self._heard = True
        self._protocol.receive_data(data)
        self._flush()
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                self._receive_frame(event)
            elif self._protocol.handshake_exc is None:
                self._open()
        self._give_up_when_done()

    def eof_received(self) -> None:
        """The daemon says no more: asyncio closes the connection."""
        self._protocol.receive_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits."""
        self._protocol.receive_eof()
        self._stop_timer()
        if not self._opened.done():
            self._opened.set_exception(self._handshake_problem(exc))
        elif not self._is_leaving:
            self._on_lost(self._loss(exc))
        if not self._closed.done():
            self._closed.set_result(None)

    # Inner workings.

    def _open(self) -> None:
        if not self._opened.done():
            self._opened.set_result(None)
        self._timer = self._loop.call_later(self._ping_every, self._ping)

    def _receive_frame(self, frame: Frame) -> None:
        if frame.opcode is Opcode.BINARY:
            self._refuse(CloseCode.UNSUPPORTED_DATA, "it sent a binary message")
        elif frame.opcode in (Opcode.TEXT, Opcode.CONT):
            self._fragments.append(bytes(frame.data))
            if frame.fin:
                self._receive_text()

    def _receive_text(self) -> None:
        data = b"".join(self._fragments)
        self._fragments.clear()
        try:
            text = data.decode()
        except UnicodeDecodeError:
            self._refuse(CloseCode.INVALID_DATA, "it sent text that is not UTF-8")
            return
        if not self._is_leaving and not self._problem:
            self._on_text(text)

    def _refuse(self, code: CloseCode, problem: str) -> None:
        """End a connection on which the daemon broke the rules."""
        if not self._problem:
            self._problem = problem
            self._protocol.fail(code)
            self._flush()

    def _give_up_when_done(self) -> None:
        """Bound the wait for a server that should close now, but may not."""
        if self._opened.done() and self._protocol.close_expected():
            if not self._is_ending:
                self._is_ending = True
                self._stop_timer()
                self._timer = self._loop.call_later(self._close_within, self._drop)
        elif self._protocol.handshake_exc is not None and self._transport is not None:
            self._transport.close()

    def _ping(self) -> None:
        if not self._heard:
            self._problem = f"no sign of life for {self._ping_every:g} s"
            self._drop()
            return
        self._heard = False
        self._protocol.send_ping(b"")
        self._flush()
        self._timer = self._loop.call_later(self._ping_every, self._ping)

    def _drop(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _flush(self) -> None:
        assert self._transport is not None
        for data in self._protocol.data_to_send():
            if data:
                self._transport.write(data)
            elif self._transport.can_write_eof():
                self._transport.write_eof()

    def _loss(self, exc: Exception | None) -> ConnectionLost:
        received, sent = self._protocol.close_rcvd, self._protocol.close_sent
        if received is not None:
            return ConnectionLost(received.code, received.reason or close_words(received.code))
        if sent is not None:
            return ConnectionLost(sent.code, self._problem or sent.reason or "it talks nonsense")
        problem = self._problem or ("it is gone" if exc is None else socket_problem(exc))
        return ConnectionLost(CloseCode.ABNORMAL_CLOSURE, problem)

    def _handshake_problem(self, exc: Exception | None) -> ConnectFailed:
        failure = self._protocol.handshake_exc
        if isinstance(failure, InvalidStatus):
            answer = failure.response
            said = bytes(answer.body or b"").decode("ascii", "replace")
            if answer.status_code == HTTPStatus.UNAUTHORIZED:
                said = "" if self._token is None else "ours is not good there"
            return refusal(self._shown, answer.status_code, answer.reason_phrase, said)
        if exc is not None:
            return unreachable(self._shown, exc)
        or_tls = ", or wants TLS (wss://)" if self._shown.startswith("ws:") else ""
        return NoDaemon(self._shown, f"what answers there is no WebSocket server{or_tls}")


def _parse(url: str) -> tuple[WebSocketURI, str]:
    """Return the parts of ``url``, and how it may be shown: without secrets."""
    try:
        uri = parse_uri(url)
    except (InvalidURI, ValueError) as exc:
        problem = exc.msg if isinstance(exc, InvalidURI) else str(exc)
        shown = re.sub(r"//[^/]*@", "//", url)
        problem = f"expected a URL like ws://localhost:5059/call-api ({problem})"
        raise BadUrl(shown, problem) from exc
    if not url.isprintable() or " " in url:
        raise BadUrl(url, "a URL has no blanks and no control characters")
    scheme = "wss" if uri.secure else "ws"
    shown = f"{scheme}://{build_host(uri.host, uri.port, uri.secure)}{uri.path}"
    return uri, shown
