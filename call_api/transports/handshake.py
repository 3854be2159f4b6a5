"""What becomes of a new connection, by its one HTTP request: who may in, and who gets a page."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from call_api.access.standing import Standing
from call_api.errors import TooManyRequests, Unauthorized
from call_api.model import DialectName
from call_api.transports.listener import Admit, IsReady, Parts

MAX_REQUEST = 16_384
"""Bytes in which the request must be complete."""

_THIS_MACHINE: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class RequestHead:
    """Finds the end of an HTTP request in what comes in.

    Attributes:
        size_bytes: What has come of it so far.
    """

    def __init__(self) -> None:
        self.size_bytes = 0
        self._last = b""

    def split(self, data: bytes) -> tuple[bytes, bytes]:
        """Return what belongs to the request, and what comes behind it, for later.

        The library would read it before it knows what becomes of the request.
        """
        seen = self._last + data
        self._last = seen[-3:]
        end = seen.find(b"\r\n\r\n")
        size = len(data) if end < 0 else end + 4 - (len(seen) - len(data))
        self.size_bytes += size
        return data[:size], data[size:]


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
        http_path: The path that clients connect to.
        dialect: What it speaks; below it ``/v1`` and ``/v2`` speak that one.
        is_ready: What ``/readyz`` answers.
        parts: What it tells besides, one line each.
        has_room: Whether one more client may come in.
        host: The daemon's own, as its settings name it.
        admit: Judges a client by its token.
    """

    def __init__(
        self,
        *,
        http_path: str,
        dialect: DialectName,
        is_ready: IsReady,
        has_room: IsReady,
        parts: Parts = dict,
        host: str = "localhost",
        admit: Admit = anybody,
    ) -> None:
        stem = http_path.rstrip("/")
        self._dialects: dict[str, DialectName] = {
            f"{stem}/v1": "v1",
            f"{stem}/v2": "v2",
            http_path: dialect,
        }
        self._probes: dict[str, IsReady] = {"/healthz": _is_alive, "/readyz": is_ready}
        self._parts = parts
        self._has_room = has_room
        self._admit = admit
        self._origins = _THIS_MACHINE | {host.lower()}

    def decide(self, request: Request, address: str) -> Admission | Response:
        """Return how the client comes in, or what it is answered instead.

        Args:
            address: Where it comes from, without the port.
        """
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
        # Only browsers send it: every page that somebody opens could command calls otherwise.
        origins = request.headers.get_all("Origin")
        if any(_host(origin) not in self._origins for origin in origins):
            return answer(HTTPStatus.FORBIDDEN, "pages of other hosts may not connect")
        problem = self._has_room()
        return answer(HTTPStatus.SERVICE_UNAVAILABLE, problem) if problem else None

    def _admission(
        self, request: Request, dialect: DialectName, address: str
    ) -> Admission | Response:
        try:
            standing = self._admit(_bearer(request.headers), address)
        except Unauthorized:
            return answer(HTTPStatus.UNAUTHORIZED, "no token that is good here")
        except TooManyRequests:
            return answer(HTTPStatus.TOO_MANY_REQUESTS, "too many")
        return Admission(dialect=dialect, standing=standing)

    @property
    def _path(self) -> str:
        return list(self._dialects)[-1]


def answer(status: HTTPStatus, text: str) -> Response:
    """Return a page of text; the connection closes after it."""
    body = f"{text}\n".encode()
    headers = Headers(
        {
            "Connection": "close",
            "Content-Type": "text/plain; charset=utf-8",
            "Content-Length": str(len(body)),
            "Cache-Control": "no-store",
        }
    )
    return Response(status.value, status.phrase, headers, body)


def _bearer(headers: Headers) -> str | None:
    """Return the token of an Authorization header (RFC 6750, section 2.1)."""
    for value in headers.get_all("Authorization"):
        scheme, _, token = value.partition(" ")
        if scheme.lower() == "bearer":
            return token.strip()
    return None


def _host(origin: str) -> str | None:
    """Return the host of a page's origin, or None if it has none (RFC 6454, section 6.1)."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return None
    return parts.hostname if parts.scheme in {"http", "https"} else None


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
