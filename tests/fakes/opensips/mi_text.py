"""MI datagrams as OpenSIPS reads and writes them, faults included."""

import json
from dataclasses import dataclass
from typing import Any

MAX_ID = 2**31 - 1
MAX_REPLY = 61_500
"""Bytes of an answer; for a longer one OpenSIPS has no room."""

PARSE_ERROR = b"400 Parse_error"
TOO_LONG = b"500 Internal Server Error"


class Killed(Exception):
    """The process died of a datagram: an array."""


class MiRefusal(Exception):
    """The answer is an error."""

    def __init__(self, code: int, message: str, data: str | None = None) -> None:
        self.body: dict[str, Any] = {"code": code, "message": message}
        if data is not None:
            self.body["data"] = data
        super().__init__(f"{code} {message}")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request.

    Attributes:
        id: As it is echoed; `NO_ID`: the request is not answered.
    """

    method: str
    params: Any
    id: Any


NO_ID = object()


def read(data: bytes, *, arrays_kill: bool = True) -> Asked | bytes:
    """Return the request in a datagram, or the answer to what is none.

    Raises:
        Killed: It holds an array.
    """
    try:
        asked = json.loads(data)
    except ValueError:
        return PARSE_ERROR
    if isinstance(asked, list) and arrays_kill:
        raise Killed
    if not isinstance(asked, dict) or asked.get("jsonrpc") != "2.0" or "method" not in asked:
        id_ = _echoed(asked.get("id")) if isinstance(asked, dict) else None
        return answer(id_, {"error": {"code": -32600, "message": "Invalid Request"}})
    id_ = _echoed(asked["id"]) if "id" in asked else NO_ID
    return Asked(asked["method"], asked.get("params", {}), id_)


def answer(id_: Any, body: dict[str, Any]) -> bytes:
    """Return the answer with this id; ``body`` is its result or its error."""
    data = text({"jsonrpc": "2.0", **body, "id": id_})
    return data if len(data) <= MAX_REPLY else TOO_LONG


def text(value: Any) -> bytes:
    """Return JSON as OpenSIPS writes it: without blanks, keys in the order they came in."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _echoed(id_: Any) -> Any:
    if isinstance(id_, int | float) and not isinstance(id_, bool):
        return min(int(id_), MAX_ID)
    return id_
