"""JSON-RPC 2.0 text <-> values, for servers and for clients."""

from collections.abc import Iterable
from dataclasses import dataclass
from sys import maxsize
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import UNSET, DecodeError, Raw, ValidationError
from msgspec.structs import astuple

from call_api.jsonrpc_texts import (
    Id,
    MessageMembers,
    Notification,
    RequestMembers,
    Response,
)

MAX_DEPTH: Final = 256
"""Objects and arrays inside each other, at most: what was read can then also be written."""

Text: TypeAlias = str | bytes | memoryview

_encode = msgspec.json.Encoder().encode


class ProtocolError(Exception):
    """The text is not what JSON-RPC 2.0 says it should be."""


class NotJson(ProtocolError):
    """The text cannot be read as JSON at all, or is nested too deep."""


class Request:
    """What a client asks.

    Attributes:
        id: The JSON text of its id, to be echoed as it came; None: nobody wants an answer.
        params: An object or an array as it was sent; None when missing.
    """

    __slots__ = ("id", "method", "params")

    def __init__(
        self, id_: bytes | None, method: str, params: dict[str, Any] | list[Any] | None
    ) -> None:
        self.id = id_
        self.method = method
        self.params = params

    def __eq__(self, other: object) -> bool:
        """Whether both ask the same."""
        return isinstance(other, Request) and (
            (self.id, self.method, self.params) == (other.id, other.method, other.params)
        )

    __hash__ = None  # type: ignore[assignment]  # parameters have none


@dataclass(frozen=True, slots=True)
class Invalid:
    """JSON that is no request, and why not."""

    problem: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Several requests in one text. Never empty."""

    members: tuple[Request | Invalid, ...]


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


_decode_request = msgspec.json.Decoder(RequestMembers).decode
_decode_message = msgspec.json.Decoder(MessageMembers).decode
_decode_members = msgspec.json.Decoder(list[Raw]).decode
_decode_anything = msgspec.json.Decoder().decode

# UnicodeError: bytes that are no UTF-8, or a lone surrogate in a str.
_UNREADABLE: Final = (DecodeError, RecursionError, UnicodeError)


_ENOUGH_FOR_DEPTH: Final = 2 * MAX_DEPTH
"""Characters without which nothing is nested too deep: a bracket for each level, and one back."""


def _request(asked: RequestMembers, version_needed: bool, may_be_deep: bool) -> Request | Invalid:
    """Check one object's members (JSON-RPC 2.0, section 4).

    Raises:
        NotJson: It is nested too deep.
    """
    id_member, version, method, params = astuple(asked)
    id_ = bytes(id_member)
    if (
        version == "2.0"
        and type(method) is str
        and type(params) is dict
        and id_[:1] not in _NO_ID
        and not may_be_deep
    ):
        return Request(id_ or None, method, params)  # as nearly all are
    if version != "2.0" and (version_needed or version is not UNSET):
        return Invalid('jsonrpc must be "2.0"')
    if not isinstance(method, str):
        return Invalid("method must be a string")
    if id_[:1] in _NO_ID:
        return Invalid("id must be a string, a number or null")
    if params is not UNSET and not isinstance(params, dict | list):
        return Invalid("params must be an object")
    if may_be_deep and _is_too_deep(params):
        raise NotJson("nested too deep")
    return Request(id_ or None, method, None if params is UNSET else params)


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
