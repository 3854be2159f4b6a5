"""What a JSON-RPC 2.0 text holds: the types that `call_api.jsonrpc` reads it as."""

from typing import Any, TypeAlias

from msgspec import UNSET, Raw, Struct, UnsetType

Id: TypeAlias = int | float | str | None


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


class RequestMembers(Struct, frozen=True, kw_only=True):
    """What is looked at of a request, or of what should be one."""

    id: Raw = Raw(b"")  # an empty one is as immutable as a str
    jsonrpc: Any = UNSET
    method: Any = UNSET
    params: Any = UNSET


class MessageMembers(Struct, frozen=True, kw_only=True):
    """What is looked at of an answer or a notification."""

    jsonrpc: Any = UNSET
    id: Id | UnsetType = UNSET
    method: str | UnsetType = UNSET
    params: Any = None
    result: Any = UNSET
    error: ErrorObject | None = None
