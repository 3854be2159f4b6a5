"""JSON object -> command or query, checked; what is wrong with one is said in words."""

import types
import typing
from types import NoneType
from typing import Any, Final, Literal, cast

import msgspec
from msgspec import ValidationError, inspect

from call_api.commands import COMMANDS, QUERIES
from call_api.commands.base import Command, Method, Query
from call_api.errors import InvalidParams, MethodNotFound
from call_api.model import LEGS, CallId, CmdId, LegName, SipUri
from call_api.sip.uri import BadUri, parse_target

_LONGEST_CMD_ID: Final = 128
_LONGEST_CALL_ID: Final = 256


class Order:
    """A command as a client wants it.

    Attributes:
        method: Its name as dialect v2 spells it.
        cmd_id: None: the client leaves the choice to us.
        timeout: Seconds; None: it leaves the choice to us.
    """

    __slots__ = ("cmd_id", "command", "method", "timeout")

    def __init__(
        self, method: str, command: Command, cmd_id: CmdId | None, timeout: int | float | None
    ) -> None:
        self.method = method
        self.command = command
        self.cmd_id = cmd_id
        self.timeout = timeout


def read(method: str, params: dict[str, Any] | list[Any] | None) -> Order | Query:
    """Return what a client asks for.

    Args:
        method: In any spelling.
        params: As they came, in any spelling; None: there were none.

    Raises:
        MethodNotFound: No method has this name.
        InvalidParams: A parameter is missing, unknown, wrong, or given twice.
    """
    reader = _READERS.get(method)
    if reader is None:
        raise MethodNotFound
    if isinstance(params, list):
        raise InvalidParams(None, "parameters are given by name, in an object")
    return reader.ask({} if params is None else params.copy())


class _Params:
    """Reads the parameters of one method."""

    def __init__(self, name: str, kind: type[Method], also: tuple[str, ...] = ()) -> None:
        self.name = name
        self.kind = kind
        self._hints: dict[str, Any] = {
            field: hint
            for field, hint in typing.get_type_hints(kind, include_extras=True).items()
            if field in kind.__struct_fields__
        }
        self._uris = self._of(SipUri)
        self._callids = self._of(CallId)
        self._legs = self._of(LegName)
        self._required = [field.name for field in msgspec.structs.fields(kind) if field.required]
        self._known = (*self._hints, *also)

    def ask(self, given: dict[str, Any]) -> Order | Query:
        """Return what the client asks.

        Args:
            given: Is changed.

        Raises:
            InvalidParams: A parameter is not as it should be.
        """
        return cast("Query", self.read(given))

    def read(self, given: dict[str, Any]) -> Method:
        """Return the method with its parameters.

        Args:
            given: Is changed.

        Raises:
            InvalidParams: One of them is not as it should be.
        """
        spelled = self._rename(given) if self.kind.param_aliases else {}
        if self._fits_at_a_glance(given):
            method = self.kind(**given)
        else:
            try:
                method = self.kind.from_params(given)
            except ValidationError as exc:
                raise self._problem(given, spelled) from exc
        for field in self._uris:
            uri = getattr(method, field)
            try:
                if uri is not None:
                    parse_target(uri)
            except BadUri as exc:
                raise InvalidParams(spelled.get(field, field), exc.problem) from exc
        return method

    def _of(self, kind: Any) -> tuple[str, ...]:
        return tuple(field for field, hint in self._hints.items() if hint in (kind, kind | None))

    def _fits_at_a_glance(self, given: dict[str, Any]) -> bool:
        """Whether all is there and as it should be, and no more; msgspec takes ten times as long.

        False: it may be all the same. msgspec knows.
        """
        for param, value in given.items():
            if param in self._callids:
                fits = _is_callid(value)
            elif param in self._legs:
                fits = value in LEGS
            else:
                fits = param in self._uris and isinstance(value, str)
            if not fits:
                return False
        for param in self._required:  # noqa: SIM110  # all() takes longer
            if param not in given:
                return False
        return True

    def _rename(self, given: dict[str, Any]) -> dict[str, str]:
        """Replace other spellings by the fields' names; return what was spelled how.

        Raises:
            InvalidParams: A parameter is given in two spellings.
        """
        spelled = {}
        for alias, field in self.kind.param_aliases.items():
            if alias not in given:
                continue
            if field in given:
                raise InvalidParams(alias, f"given twice: it is another spelling of {field}")
            given[field] = given.pop(alias)
            spelled[field] = alias
        return spelled

    def _problem(self, given: dict[str, Any], spelled: dict[str, str]) -> InvalidParams:
        """Return what is wrong with parameters that msgspec has refused."""
        for param, value in given.items():
            if param not in self._hints:
                takes = ", ".join(self._known) or "no parameters"
                return InvalidParams(param, f"unknown: {self.name} takes {takes}")
            if not _fits(value, self._hints[param]):
                expected = f"expected {_words(self._hints[param])}"
                return InvalidParams(spelled.get(param, param), expected)
        missing = next(
            field.name
            for field in msgspec.structs.fields(self.kind)
            if field.required and field.name not in given
        )
        return InvalidParams(missing, f"missing: expected {_words(self._hints[missing])}")


class _Orders(_Params):
    """Reads the parameters of one command."""

    def __init__(self, name: str, kind: type[Command]) -> None:
        super().__init__(name, kind, also=("cmd_id", "timeout"))

    def ask(self, given: dict[str, Any]) -> Order | Query:
        """Return the command as its client wants it.

        Args:
            given: Is changed.

        Raises:
            InvalidParams: A parameter is not as it should be.
        """
        cmd_id = given.pop("cmd_id") if "cmd_id" in given else None
        timeout = given.pop("timeout") if "timeout" in given else None
        if cmd_id is not None and not _is_cmd_id(cmd_id):
            raise InvalidParams("cmd_id", f"expected {_words(CmdId)}")
        if timeout is not None and not _is_timeout(timeout):
            raise InvalidParams("timeout", "expected a number of seconds, more than 0")
        return Order(self.name, cast("Command", self.read(given)), cmd_id, timeout)


def _is_cmd_id(value: object) -> bool:
    """Whether a value fits `CmdId`; at a fraction of the cost of asking msgspec."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= _LONGEST_CMD_ID
        and value.isascii()
        and value.isprintable()
    )


def _is_callid(value: object) -> bool:
    """Whether a value fits `CallId`; likewise."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= _LONGEST_CALL_ID
        and value.isascii()
        and value.isprintable()
        and " " not in value
    )


def _is_timeout(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _fits(value: object, hint: object) -> bool:
    try:
        msgspec.convert(value, hint)
    except ValidationError:
        return False
    return True


def _words(hint: object) -> str:
    """Return what a parameter of a type should be, in words."""
    if typing.get_origin(hint) is Literal:
        return " or ".join(typing.get_args(hint))
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        return " or ".join(_words(one) for one in typing.get_args(hint) if one is not NoneType)
    described = inspect.type_info(hint)
    assert isinstance(described, inspect.Metadata)
    assert described.extra_json_schema is not None
    return str(described.extra_json_schema["description"])


_READERS: Final[dict[str, _Params]] = {
    spelling: reader
    for reader in (
        *(_Orders(name, kind) for name, kind in COMMANDS.items()),
        *(_Params(name, kind) for name, kind in QUERIES.items()),
    )
    for spelling in (reader.name, *reader.kind.aliases)
}
