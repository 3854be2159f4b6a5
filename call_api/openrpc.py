"""The OpenRPC document of the API, made from the classes of its methods, events and errors."""

import inspect
import re
from functools import cache
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from call_api.commands import COMMANDS, QUERIES
from call_api.commands.base import Command, Method, Query
from call_api.dialects import V1_WORDS
from call_api.errors import (
    BY_CODE,
    CallApiError,
    CommandCancelled,
    DuplicateCommand,
    InternalError,
    InvalidParams,
    TooManyRequests,
    UnknownCommand,
)
from call_api.events import Ended, Event, Reply
from call_api.model import CmdId
from call_api.version import VERSION

OPENRPC: Final = "1.2.6"
"""The version of the OpenRPC specification."""

_REFS: Final = "#/components/schemas/{name}"

_DESCRIPTION: Final = """\
JSON-RPC 2.0 over WebSocket. A command is answered at once and tells what happens in
notifications, under its cmd_id: the events of `x-events`, then `Ended`; one that fails tells
`Error` before its `Ended`. Dialect v1 tells only the events that have a word there."""


class Started(Struct, frozen=True, kw_only=True):
    """The command has been started; its notifications follow."""

    cmd_id: CmdId
    status: Literal["Started"] = "Started"
    event: Literal["Started"] = "Started"


@cache
def document() -> dict[str, Any]:
    """Return the document, ready for JSON."""
    schemas = _Schemas()
    return {
        "openrpc": OPENRPC,
        "info": {
            "title": "Call API",
            "version": VERSION,
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0"},
        },
        "methods": [
            *(_command(name, kind, schemas) for name, kind in COMMANDS.items()),
            *(_query(name, kind, schemas) for name, kind in QUERIES.items()),
        ],
        "components": {
            "schemas": schemas.components,
            "errors": {kind.__name__: _error(kind) for kind in BY_CODE.values()},
        },
        "x-notifications": _NOTIFICATIONS,
    }


class _Schemas:
    """Makes the JSON Schema of types, and collects those that have a name."""

    def __init__(self) -> None:
        self.components: dict[str, Any] = {}

    def of(self, hint: object) -> dict[str, Any]:
        (schema,), components = msgspec.json.schema_components([hint], ref_template=_REFS)
        self.components.update(components)
        return schema


def _command(name: str, kind: type[Command], schemas: _Schemas) -> dict[str, Any]:
    return {
        **_method(name, kind, schemas, also=_OF_EVERY_COMMAND),
        "result": {"name": "started", "schema": schemas.of(Started)},
        "errors": _refusals(InvalidParams, TooManyRequests, DuplicateCommand, CommandCancelled),
        "x-events": [*(_event(event, schemas) for event in kind.events), _event(Ended, schemas)],
    }


def _query(name: str, kind: type[Query], schemas: _Schemas) -> dict[str, Any]:
    told = {field.type for field in msgspec.structs.fields(kind)}
    unknown = (UnknownCommand,) if CmdId in told else ()
    return {
        **_method(name, kind, schemas, also=()),
        "result": {"name": "result", "schema": schemas.of(kind.result)},
        "errors": _refusals(InvalidParams, TooManyRequests, *unknown),
        **_sent_later(kind, schemas),
    }


def _sent_later(kind: type[Query], schemas: _Schemas) -> dict[str, Any]:
    if not kind.notifications:
        return {}
    sent = [{"method": one.__name__, "params": schemas.of(one)} for one in kind.notifications]
    return {"x-notifications": sent}


def _method(
    name: str, kind: type[Method], schemas: _Schemas, also: tuple[dict[str, Any], ...]
) -> dict[str, Any]:
    summary, params = _documented(kind)
    return {
        "name": name,
        "summary": summary,
        "paramStructure": "by-name",
        "params": [
            *(
                _param(field, params.get(field.name), schemas)
                for field in msgspec.structs.fields(kind)
                if not kind.takes_anything
            ),
            *also,
        ],
        **({"x-takes-anything": True} if kind.takes_anything else {}),
        **({"x-aliases": list(kind.aliases)} if kind.aliases else {}),
        **({"x-param-aliases": kind.param_aliases} if kind.param_aliases else {}),
    }


def _param(
    field: msgspec.structs.FieldInfo, description: str | None, schemas: _Schemas
) -> dict[str, Any]:
    schema = schemas.of(field.type)
    if not field.required:
        schema = {**schema, "default": field.default}
    about = {} if description is None else {"description": description}
    return {"name": field.name, **about, "required": field.required, "schema": schema}


def _event(kind: type[Event], schemas: _Schemas) -> dict[str, Any]:
    summary, _ = _documented(kind)
    return {
        "name": kind.__name__,
        "summary": summary,
        "v1": V1_WORDS.get(kind.__name__),
        "data": {"type": "object"} if kind is Reply else schemas.of(kind),
    }


def _error(kind: type[CallApiError]) -> dict[str, Any]:
    summary, _ = _documented(kind)
    return {"code": kind.code, "message": summary}


def _refusals(*kinds: type[CallApiError]) -> list[dict[str, str]]:
    return [{"$ref": f"#/components/errors/{kind.__name__}"} for kind in (*kinds, InternalError)]


def _documented(kind: type) -> tuple[str, dict[str, str]]:
    """Return the first sentence of a class's docstring, and what it says of each attribute."""
    text = inspect.cleandoc(kind.__doc__ or "").replace("``", "`")
    summary = text.partition("\n\n")[0].replace("\n", " ")
    attributes = text.partition("\nAttributes:\n")[2]
    found = re.findall(r"^    (\w+): (.+(?:\n {8}.+)*)", attributes, flags=re.MULTILINE)
    return summary, {name: re.sub(r"\s+", " ", about) for name, about in found}


_OF_EVERY_COMMAND: Final[tuple[dict[str, Any], ...]] = (
    {
        "name": "cmd_id",
        "description": "Makes a retry safe; a UUID is made when it is missing.",
        "required": False,
        "schema": msgspec.json.schema(CmdId),
    },
    {
        "name": "timeout",
        "description": "Seconds, cut to the daemon's ceiling.",
        "required": False,
        "schema": {"type": "number", "exclusiveMinimum": 0},
    },
)

_NUMBERED: Final = {"cmd_id": {"type": "string"}, "seq": {"type": "integer", "minimum": 1}}

_NOTIFICATIONS: Final = {
    "v1": {
        "method": ["Event", "Error", "Ended"],
        "params": {
            "type": "object",
            "properties": {
                **_NUMBERED,
                "data": {"type": "string"},
                "event": {"type": "string"},
                "details": {"type": "object"},
            },
            "required": ["cmd_id", "seq", "event"],
        },
    },
    "v2": {
        "method": list(COMMANDS),
        "params": {
            "type": "object",
            "properties": {
                **_NUMBERED,
                "event": {"type": "string"},
                "data": {"type": ["object", "string"]},
                "error": {"type": "object"},
            },
            "required": ["cmd_id", "seq", "event"],
        },
    },
}
