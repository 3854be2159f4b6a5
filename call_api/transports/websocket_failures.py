"""Why there is no connection to a daemon, or none any more.

In types for programs, in words for people.
"""

import os
import re
import socket
import ssl
from http import HTTPStatus

CLOSE_WORDS: dict[int, str] = {
    1000: "it closed the connection",
    1001: "it shuts down",
    1008: "our token has expired or was revoked",
    1009: "our message was too long for it",
    1013: "we read too slowly",
}
"""What a daemon's close code means (RFC 6455, section 7.4.1)."""


class ConnectFailed(Exception):
    """There is no connection to the daemon.

    Attributes:
        url: Where the daemon was looked for, without user name and password.
        problem: What happened, in a few words.
    """

    def __init__(self, url: str, problem: str) -> None:
        self.url = url
        self.problem = problem
        super().__init__(f"{url}: {problem}")


class BadUrl(ConnectFailed):
    """The URL is none that a WebSocket can be opened to."""


class BadKeys(ConnectFailed):
    """A file that says whom to trust, or who we are, cannot be used."""


class DaemonUnreachable(ConnectFailed):
    """Nobody answers there."""


class TlsFailed(DaemonUnreachable):
    """Somebody answers there, but not by TLS, or not with a certificate that is trusted."""


class NoDaemon(ConnectFailed):
    """Somebody answers there, but no Call API daemon."""


_REFUSALS: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "it wants a token",
    HTTPStatus.FORBIDDEN: "access is forbidden",
    HTTPStatus.TOO_MANY_REQUESTS: "it has no room for us now",
}


class ConnectForbidden(ConnectFailed):
    """The daemon does not let this client in.

    Attributes:
        status: HTTP status, 401, 403 or 429.
    """

    def __init__(self, url: str, status: int, said: str = "") -> None:
        self.status = status
        said = said.partition("\n")[0][:100]
        problem = _REFUSALS[status] + (f": {said}" if said.isprintable() and said else "")
        super().__init__(url, f"{problem} (HTTP {status})")


class ConnectionLost(Exception):
    """The connection ended before it was closed from here.

    Attributes:
        code: Close code (RFC 6455, section 7.4); 1006 when there was none.
        reason: The daemon's words, or what happened.
    """

    def __init__(self, code: int, reason: str) -> None:
        self.code = code
        self.reason = reason
        super().__init__(f"connection lost: {reason} ({code})")


def refusal(url: str, status: int, phrase: str, said: str = "") -> ConnectFailed:
    """Return what an HTTP answer means that is not 101 Switching Protocols.

    Args:
        phrase: The status in the server's words, possibly empty.
        said: What it says besides; the first line is enough.
    """
    if status in _REFUSALS:
        return ConnectForbidden(url, status, said)
    if status == HTTPStatus.NOT_FOUND:
        return NoDaemon(url, "there is none at this path (HTTP 404)")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return NoDaemon(url, f"it answered HTTP {status} {phrase}".rstrip())
    return NoDaemon(url, f"what answers there is no WebSocket server (HTTP {status})")


def unreachable(url: str, exc: Exception) -> DaemonUnreachable:
    """Return what a failure of the socket means, before there was a connection."""
    is_tls = isinstance(exc, ssl.SSLError) or (
        url.startswith("wss:") and isinstance(exc, ConnectionResetError)
    )
    return (TlsFailed if is_tls else DaemonUnreachable)(url, socket_problem(exc))


def close_words(code: int) -> str:
    """Return what a close code without a reason means."""
    return CLOSE_WORDS.get(code, "it closed the connection")


def socket_problem(exc: Exception) -> str:
    """Say in a few words why a connection failed, whatever number of addresses was tried."""
    if isinstance(exc, ssl.SSLError):
        words = getattr(exc, "verify_message", None) or getattr(exc, "reason", None)
        words = str(words or "no TLS is spoken there")
        return f"TLS: {words.replace('_', ' ').lower()}"
    if isinstance(exc, socket.gaierror):
        return "no such host" if exc.errno == socket.EAI_NONAME else str(exc.strerror).lower()
    if isinstance(exc, ConnectionResetError):  # a loop may raise it without a word
        return "connection reset by peer"
    numbers = [int(found) for found in re.findall(r"\[Errno (\d+)\]", str(exc))]
    words = dict.fromkeys(os.strerror(number).lower() for number in numbers)
    return ", ".join(words) or str(exc) or type(exc).__name__
