"""What a listener is, and how its sockets are opened."""

import asyncio
import errno
import os
import socket
from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias

from call_api.access.standing import Standing
from call_api.config import WsServer
from call_api.model import DialectName

BACKLOG = 1024
"""Connections that may wait to be accepted."""

_ATTEMPTS = 10

LOCALHOST = ("127.0.0.1", "::1")
"""What ``localhost`` means here, whatever the resolver says: loopback, of both families."""

_MISSING = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}  # this machine has no such loopback


class Conversation(Protocol):
    """One client, without its socket."""

    def receive(self, text: str) -> None:
        """Take one text of the client. Never waits, never raises."""

    def close(self) -> None:
        """Forget the client: it is gone."""


OpenConversation: TypeAlias = Callable[
    [DialectName, Callable[[bytes], None], str, Standing], Conversation
]
"""Makes the conversation with a new client, from its dialect, from what sends it one text (it
neither waits nor raises), from its name for the log, and from what it may ask."""

Admit: TypeAlias = Callable[[str | None, str], Standing]
"""Judges a client that wants in, by its token, if it sent one, and by its address.

Raises:
    Unauthorized: It needs a token, and has none that is good.
    TooManyRequests: As many clients are in as may be.
"""

IsReady: TypeAlias = Callable[[], str | None]
"""Returns None, or why commands would fail now, in one line."""

Parts: TypeAlias = Callable[[], Mapping[str, str]]
"""Returns what the daemon depends on, each by its name: ``up``, or what is wrong."""


class Listener(Protocol):
    """Where clients connect. Entered: open. Left: all of its clients are gone."""

    @property
    def urls(self) -> list[str]:
        """Where clients find it, with the real port."""

    async def reload(self, settings: WsServer) -> None:
        """Go by other settings from now on, as far as they are about who may connect.

        Raises:
            ValueError: One is wrong; all is as it was: ``key: what was expected``.
        """

    async def close(self) -> None:
        """Send everybody away, in bounded time."""


class CannotListen(Exception):
    """No socket can be opened there.

    Attributes:
        host: As it was given.
        port: As it was given.
        problem: Why, in a few words.
        is_busy: Whether it would do if nobody else listened there.
    """

    def __init__(self, host: str, port: int, problem: str, *, is_busy: bool = False) -> None:
        self.host = host
        self.port = port
        self.problem = problem
        self.is_busy = is_busy
        super().__init__(f"cannot listen on {authority(host, port)}: {problem}")


async def open_sockets(host: str, port: int) -> list[socket.socket]:
    """Return listening TCP sockets, one for each address of ``host``, all on the same port.

    Args:
        host: Name or address. ``localhost`` is `LOCALHOST`, as far as this machine has it.
        port: 0 takes a free one.

    Raises:
        CannotListen: There is no such host, or the port is taken or forbidden.
    """
    addresses = await _addresses(host, port)
    attempts = _ATTEMPTS if port == 0 else 1  # what is free in one family may be taken in another
    for attempt in range(1, attempts + 1):
        try:
            sockets = _open_all(addresses, port)
        except OSError as exc:
            if exc.errno != errno.EADDRINUSE or attempt == attempts:
                is_busy = exc.errno == errno.EADDRINUSE
                raise CannotListen(host, port, _words(exc), is_busy=is_busy) from exc
        else:
            break
    return sockets


def authority(host: str, port: int) -> str:
    """Return ``host:port``, with brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def _addresses(host: str, port: int) -> list[tuple[int, str]]:
    if host.lower() == "localhost":
        return list(zip((socket.AF_INET, socket.AF_INET6), LOCALHOST, strict=True))
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, UnicodeError) as exc:
        raise CannotListen(host, port, "no such host") from exc
    return list(dict.fromkeys((family, str(address[0])) for family, _, _, _, address in found))


def _open_all(addresses: list[tuple[int, str]], port: int) -> list[socket.socket]:
    sockets: list[socket.socket] = []
    try:
        for number, (family, address) in enumerate(addresses, 1):
            is_last_hope = number == len(addresses) and not sockets
            opened = _open(family, address, port, is_needed=is_last_hope)
            if opened is not None:
                sockets.append(opened)
                port = opened.getsockname()[1]
    except OSError:
        for opened in sockets:
            opened.close()
        raise
    return sockets


def _open(family: int, address: str, port: int, *, is_needed: bool) -> socket.socket | None:
    """Return None where the machine lacks the address and others will do.

    asyncio sets TCP_NODELAY only on sockets made with IPPROTO_TCP: without it every second
    small answer waits 40 ms for an acknowledgement.
    """
    opened = None
    try:
        opened = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        opened.bind((address, port))
        opened.listen(BACKLOG)
        opened.setblocking(False)
    except OSError as exc:
        if opened is not None:
            opened.close()
        if exc.errno in _MISSING and not is_needed:
            return None
        raise
    return opened


def _words(exc: OSError) -> str:
    if exc.errno == errno.EADDRINUSE:
        return "another program has this port"
    if exc.errno == errno.EACCES:
        return "this port is for root alone"
    return os.strerror(exc.errno).lower() if exc.errno else str(exc)
