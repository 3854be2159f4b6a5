"""JSON-RPC 2.0 text <-> values, for servers and for clients."""

from collections.abc import Iterable
from dataclasses import dataclass
from sys import maxsize
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import UNSET, DecodeError, Raw, Struct, UnsetType, ValidationError

MAX_DEPTH: Final = 256
"""Objects and arrays inside each other, at most: what was read can then also be written."""

Text: TypeAlias = str | bytes | memoryview
Id: TypeAlias = int | float | str | None

_encode = msgspec.json.Encoder().encode


class ProtocolError(Exception):
    """The text is not what JSON-RPC 2.0 says it should be."""


class NotJson(ProtocolError):
    """The text cannot be read as JSON at all, or is nested too deep."""


class Request(Struct, frozen=True, gc=False):
    """What a client asks.

    Attributes:
        id: The JSON text of its id, to be echoed as it came; None: nobody wants an answer.
        params: An object or an array as it was sent; None when missing.
    """

    id: bytes | None
    method: str
    params: dict[str, Any] | list[Any] | None


@dataclass(frozen=True, slots=True)
class Invalid:
    """JSON that is no request, and why not."""

    problem: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Several requests in one text. Never empty."""

    members: tuple[Request | Invalid, ...]


class ErrorObject(Struct, frozen=True, kw_only=True):
    """Why a request failed (JSON-RPC 2.0, section 5.1)."""

    code: int
    message: str
    data: Any = None


class Response(Struct, frozen=True, kw_only=True):
    """The answer to the request with the same ``id``: a result or an error, never both."""

    id: Id
    result: Any = None
    error: ErrorObject | None = None


class Notification(Struct, frozen=True, kw_only=True):
    """Something told without having been asked."""

    method: str
    params: Any = None


def parse_requests(
    text: Text, *, version_needed: bool = True, most: int = maxsize
) -> Request | Invalid | Batch:
    """Return what a client has sent.

    Args:
        version_needed: Whether a request without ``jsonrpc`` is invalid. One with another
            version always is.
        most: Members of a batch. What is in one that has more is not looked at.

    Raises:
        NotJson: The text is no JSON, or nested too deep.
    """
    try:
        text = text if isinstance(text, str) else str(text, "utf-8")
        return _request(_decode_request(text), version_needed, len(text) >= _ENOUGH_FOR_DEPTH)
    except ValidationError:
        return _odd_requests(text, version_needed, most)
    except _UNREADABLE as exc:
        raise NotJson(str(exc)) from exc


def parse_message(text: Text) -> Response | Notification:
    """Return what a server has sent: an answer or a notification. No batch.

    Raises:
        ProtocolError: The text is neither of the two, or no JSON at all.
    """
    try:
        message = _decode_message(text)
    except ValidationError as exc:
        raise ProtocolError(str(exc)) from exc
    except _UNREADABLE as exc:
        raise NotJson(str(exc)) from exc
    if message.method is not UNSET:
        return Notification(method=message.method, params=message.params)
    if message.id is UNSET or (message.error is None and message.result is UNSET):
        raise ProtocolError("neither a response nor a notification")
    if message.error is not None:
        return Response(id=message.id, error=message.error)
    return Response(id=message.id, result=message.result)


def parse_response(text: Text) -> Response:
    """Return the answer to one request.

    Raises:
        ProtocolError: The text is no response (JSON-RPC 2.0, section 5), or no JSON at all.
    """
    message = parse_message(text)
    if isinstance(message, Notification):
        raise ProtocolError("a notification, not a response")
    return message


def encode_request(id_: Id, method: str, params: object = UNSET) -> bytes:
    """Return the text of a request; without ``params`` it has none."""
    if params is UNSET:
        return b'{"jsonrpc":"2.0","id":%s,"method":%s}' % (_encode(id_), _encode(method))
    return b'{"jsonrpc":"2.0","id":%s,"method":%s,"params":%s}' % (
        _encode(id_),
        _encode(method),
        _encode(params),
    )


def encode_notification(method: str, params: object) -> bytes:
    """Return the text of a notification."""
    return b'{"jsonrpc":"2.0","method":%s,"params":%s}' % (_encode(method), _encode(params))


def encode_result(id_: bytes, result: bytes) -> bytes:
    """Return the text of an answer, from the JSON texts of the request's id and of the result."""
    return b'{"jsonrpc":"2.0","id":%s,"result":%s}' % (id_, result)


def encode_error(id_: bytes, code: int, message: str, data: object = None) -> bytes:
    """Return the text of a refusal.

    Args:
        id_: The JSON text of the request's id; ``null`` when it could not be read.
        data: What else is known; None: nothing.
    """
    more = b"" if data is None else b',"data":' + _encode(data)
    return b'{"jsonrpc":"2.0","id":%s,"error":{"code":%d,"message":%s%s}}' % (
        id_,
        code,
        _encode(message),
        more,
    )


def encode_batch(answers: Iterable[bytes]) -> bytes:
    """Return the text of an answer to a batch, from the texts of the answers to its members."""
    return b"[%s]" % b",".join(answers)


class _Request(Struct, frozen=True, kw_only=True):
    id: Raw = Raw(b"")  # an empty one is as immutable as a str
    jsonrpc: Any = UNSET
    method: Any = UNSET
    params: Any = UNSET


class _Message(Struct, frozen=True, kw_only=True):
    jsonrpc: Any = UNSET
    id: Id | UnsetType = UNSET
    method: str | UnsetType = UNSET
    params: Any = None
    result: Any = UNSET
    error: ErrorObject | None = None


_decode_request = msgspec.json.Decoder(_Request).decode
_decode_message = msgspec.json.Decoder(_Message).decode
_decode_members = msgspec.json.Decoder(list[Raw]).decode
_decode_anything = msgspec.json.Decoder().decode

# UnicodeError: bytes that are no UTF-8, or a lone surrogate in a str.
_UNREADABLE: Final = (DecodeError, RecursionError, UnicodeError)


_ENOUGH_FOR_DEPTH: Final = 2 * MAX_DEPTH
"""Characters without which nothing is nested too deep: a bracket for each level, and one back."""


def _request(asked: _Request, version_needed: bool, may_be_deep: bool) -> Request | Invalid:
    """Check one object's members (JSON-RPC 2.0, section 4).

    Raises:
        NotJson: It is nested too deep.
    """
    id_ = bytes(asked.id)
    params = None if asked.params is UNSET else asked.params
    if (
        asked.jsonrpc == "2.0"
        and type(asked.method) is str
        and type(params) is dict
        and id_[:1] not in _NO_ID
        and not may_be_deep
    ):
        return Request(id_ or None, asked.method, params)  # as nearly all are
    if asked.jsonrpc != "2.0" and (version_needed or asked.jsonrpc is not UNSET):
        return Invalid('jsonrpc must be "2.0"')
    if not isinstance(asked.method, str):
        return Invalid("method must be a string")
    if id_[:1] in _NO_ID:
        return Invalid("id must be a string, a number or null")
    if asked.params is not UNSET and not isinstance(params, dict | list):
        return Invalid("params must be an object")
    if may_be_deep and _is_too_deep(params):
        raise NotJson("nested too deep")
    return Request(id_ or None, asked.method, params)


_NO_ID: Final = frozenset((b"{", b"[", b"t", b"f"))
"""What the JSON text of something else than a string, a number or null begins with."""


def _odd_requests(text: Text, version_needed: bool, most: int) -> Request | Invalid | Batch:
    """Read a text that is not one object: a batch, no request, or no JSON at all.

    Raises:
        NotJson: The text is no JSON.
    """
    try:
        if not isinstance(_decode_anything(text), list):
            return Invalid("a request is an object")
        members = _decode_members(text)
        if not members:
            return Invalid("a batch holds at least one request")
        if len(members) > most:
            return Invalid(f"a batch holds at most {most} requests")
        return Batch(tuple(_member(member, version_needed) for member in members))
    except _UNREADABLE as exc:
        raise NotJson(str(exc)) from exc


def _member(text: Raw, version_needed: bool) -> Request | Invalid:
    try:
        return _request(_decode_request(text), version_needed, may_be_deep=True)
    except ValidationError:
        return Invalid("a request is an object")


def _is_too_deep(value: object) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for parent in level
            if isinstance(parent, dict | list)
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
        if not level:
            return False
    return True
