"""The HTTP that every connection begins with: where a request ends, and the pages it may get."""

from http import HTTPStatus

from websockets.datastructures import Headers
from websockets.http11 import Response

MAX_REQUEST = 16_384
"""Bytes in which the request must be complete."""


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


def too_long() -> Response:
    """Return the page for a request that does not end."""
    return answer(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"more than {MAX_REQUEST} bytes")
