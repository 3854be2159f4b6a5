"""What becomes of a new connection, by its one HTTP request: who may in, and who gets a page."""

import ipaddress
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from math import ceil
from typing import Final
from urllib.parse import urlsplit

from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from call_api.access.standing import Standing
from call_api.config import WsServer
from call_api.errors import TooManyRequests, Unauthorized
from call_api.model import DialectName
from call_api.transports.listener import Admit, IsReady, Parts
from call_api.transports.plain_http import answer

PROTOCOL: Final = Subprotocol("call-api")
"""The subprotocol that we speak (RFC 6455, section 1.9). Nobody has to ask for it."""

TOKEN_PROTOCOL: Final = "call-api.token."  # noqa: S105  # it is what leads one
"""What leads a token among the subprotocols, where a browser, which can set no header, puts it."""

_HOST: Final = re.compile(r"([0-9a-z_.-]+?|\[[0-9a-f:.]+\])\.?(?::[0-9]{1,5})?")

_library_logger = logging.getLogger(f"{__name__}.http")
_library_logger.setLevel(logging.WARNING)  # it would tell every frame again

_THIS_MACHINE: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Admission:
    """How a client may come in."""

    dialect: DialectName
    standing: Standing


def anybody(token: str | None, address: str) -> Standing:  # noqa: ARG001
    """Let a client in whoever it is."""
    return Standing()


class Gate:
    """Decides about connections.

    Args:
        settings: What the daemon is called, and what it speaks where.
        is_ready: What ``/readyz`` answers.
        parts: What it tells besides, one line each.
        has_room: Whether one more client may come in.
        admit: Judges a client by its token.
    """

    def __init__(
        self,
        settings: WsServer,
        *,
        is_ready: IsReady,
        has_room: IsReady,
        parts: Parts = dict,
        admit: Admit = anybody,
    ) -> None:
        stem = settings.http_path.rstrip("/")
        self._dialects: dict[str, DialectName] = {
            f"{stem}/v1": "v1",
            f"{stem}/v2": "v2",
            settings.http_path: settings.dialect,
        }
        self._probes: dict[str, IsReady] = {"/healthz": _is_alive, "/readyz": is_ready}
        self._parts = parts
        self._has_room = has_room
        self._admit = admit
        self.adapt(settings)

    def adapt(self, settings: WsServer) -> None:
        """Go by other ``hosts`` and ``origins`` from now on."""
        own = _THIS_MACHINE | {settings.host.lower()}
        self._hosts = own | {name.lower() for name in settings.hosts}
        self._pages_of = own if not settings.origins else frozenset()
        self._origins = frozenset(origin.lower() for origin in settings.origins)

    def greet(
        self, protocol: ServerProtocol, request: Request, address: str
    ) -> tuple[Response, Admission | None]:
        """Return what a client is answered, and how it comes in if it does.

        Args:
            address: Where it comes from, without the port.
        """
        decision = self.decide(request, address)
        if isinstance(decision, Response):
            return decision, None
        response = protocol.accept(request)
        if response.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
            return response, decision
        decision.standing.leave()
        return response, None

    def decide(self, request: Request, address: str) -> Admission | Response:
        """Return how a client comes in, or what it is answered instead."""
        decision = self._decide(request, address)
        if isinstance(decision, Response) and request.method == "HEAD":
            decision.body = b""
        return decision

    def _decide(self, request: Request, address: str) -> Admission | Response:
        path = request.path.partition("?")[0]
        probe = self._probes.get(path)
        if probe is not None:
            return _probed(request, probe(), {} if probe is _is_alive else self._parts())
        dialect = self._dialects.get(path)
        if dialect is None:
            return answer(HTTPStatus.NOT_FOUND, f"no such path, clients connect to {self._path}")
        return self._refusal(request) or self._admission(request, dialect, address)

    def _refusal(self, request: Request) -> Response | None:
        """Why a client that knows the path may not in. Nothing was done for it so far."""
        if not self._is_ours(request.headers.get_all("Host")):
            return answer(HTTPStatus.FORBIDDEN, "no such host here: see ws_server.hosts")
        # Only browsers send it: every page that somebody opens could command calls otherwise.
        if not all(map(self._may_connect, request.headers.get_all("Origin"))):
            return answer(HTTPStatus.FORBIDDEN, "no page from there: see ws_server.origins")
        problem = self._has_room()
        return answer(HTTPStatus.SERVICE_UNAVAILABLE, problem) if problem else None

    def _is_ours(self, hosts: list[str]) -> bool:
        """Return whether a client asks for the daemon under a name that is right.

        A page can have its own name lead to our address (DNS rebinding); then its Origin and the
        Host agree, but the name is not ours. No name has to be checked where there is none.
        """
        found = _HOST.fullmatch(hosts[0].lower()) if len(hosts) == 1 else None
        return found is not None and (found[1] in self._hosts or _is_address(found[1].strip("[]")))

    def _may_connect(self, origin: str) -> bool:
        return origin.lower() in self._origins or _host(origin) in self._pages_of

    def _admission(
        self, request: Request, dialect: DialectName, address: str
    ) -> Admission | Response:
        try:
            standing = self._admit(_token(request.headers), address)
        except Unauthorized:
            refusal = answer(HTTPStatus.UNAUTHORIZED, "a token is needed that is good here")
            refusal.headers["WWW-Authenticate"] = "Bearer"
            return refusal
        except TooManyRequests as exc:
            refusal = answer(HTTPStatus.TOO_MANY_REQUESTS, f"over the limit {exc.limit}")
            refusal.headers["Retry-After"] = str(ceil(exc.retry_after))
            return refusal
        return Admission(dialect=dialect, standing=standing)

    @property
    def _path(self) -> str:
        return list(self._dialects)[-1]


def new_protocol(max_message: int) -> ServerProtocol:
    """Return the library's half of one connection.

    Args:
        max_message: The longest message that a client may send, in bytes.
    """
    return ServerProtocol(
        max_size=max_message, select_subprotocol=_choose_protocol, logger=_library_logger
    )


def let_go(protocol: ServerProtocol) -> None:
    """Break the circles in a protocol that is done: what a client cost is free at once."""
    protocol.parser.close()
    protocol.parser_exc = protocol.handshake_exc = None  # tracebacks hold the protocol's frames
    vars(protocol).pop("select_subprotocol", None)


def _choose_protocol(_: object, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """Return the subprotocol that is spoken of those that a client offers, if any is.

    A browser that offers some gives up when none is chosen. So a client with a token had better
    offer `PROTOCOL` beside it; else its token is sent back to it.
    """
    tokens = (name for name in offered if name.startswith(TOKEN_PROTOCOL))
    return PROTOCOL if PROTOCOL in offered else next(tokens, None)


def _token(headers: Headers) -> str | None:
    """Return the token of a client: that of the Authorization header (RFC 6750), or its offer."""
    for value in headers.get_all("Authorization"):
        scheme, _, token = value.partition(" ")
        if scheme.lower() == "bearer":
            return token.strip()
    for value in headers.get_all("Sec-WebSocket-Protocol"):
        for name in value.split(","):
            if name.strip().startswith(TOKEN_PROTOCOL):
                return name.strip().removeprefix(TOKEN_PROTOCOL)
    return None


def _host(origin: str) -> str | None:
    """Return the host of a page's origin, or None if it has none (RFC 6454, section 6.1)."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return None
    return parts.hostname if parts.scheme in {"http", "https"} else None


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_alive() -> None:
    return None


def _probed(request: Request, problem: str | None, parts: Mapping[str, str]) -> Response:
    if request.method not in {"GET", "HEAD"}:
        response = answer(HTTPStatus.METHOD_NOT_ALLOWED, "GET or HEAD")
        response.headers["Allow"] = "GET, HEAD"
        return response
    status = HTTPStatus.SERVICE_UNAVAILABLE if problem else HTTPStatus.OK
    lines = [problem or "ok", *(f"{name}: {state}" for name, state in parts.items())]
    return answer(status, "\n".join(lines))
