"""What a setting's type asks for: checks a YAML value, and says in words what was expected."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec
from msgspec import Meta, Struct, structs

from call_api import yaml_nodes
from call_api.yaml_nodes import List, Map, Node, Scalar, shown


class Mismatch(Exception):
    """A value is not what its type asks for.

    Attributes:
        line: Where the value stands, from 1.
        below: Which part of it, as in ``.alice`` or ``[2]``; empty for all of it.
        problem: What was expected, and what was found instead unless that is a secret.
    """

    def __init__(self, line: int, below: str, problem: str) -> None:
        self.line = line
        self.below = below
        self.problem = problem
        super().__init__(problem)


def convert(node: Node, wanted: Any, below: str = "") -> Any:
    """Return the value of ``node`` as the type ``wanted``; lists become tuples.

    Nothing at all stands for an empty text, list or map.

    Args:
        wanted: A type as the fields of `call_api.config` have them.
        below: Which part of the setting this is.

    Raises:
        Mismatch: It is something else, or out of range.
    """
    wanted = _member(wanted, is_list=isinstance(node, List))
    kind = get_origin(wanted)
    if _is_struct(wanted) and isinstance(node, Map):
        return _struct(node, wanted, below)
    if kind is Mapping and isinstance(node, Map):
        of_key, of_value = get_args(wanted)
        return dict(_entries(node, of_key, of_value, below))
    if kind is tuple and isinstance(node, List):
        of = get_args(wanted)[0]
        return tuple(convert(item, of, f"{below}[{at}]") for at, item in enumerate(node.items))
    if isinstance(node, Scalar):
        value: Any = node.value
        if value is None and (_is_text(wanted) or kind in {Mapping, tuple}):
            value = {Mapping: {}, tuple: ()}.get(kind, "")
        try:
            return msgspec.convert(value, wanted)
        except msgspec.ValidationError:
            pass
    raise Mismatch(node.line, below, _problem(node, wanted))


def _struct(node: Map, wanted: Any, below: str) -> Any:
    fields = {field.name: field for field in structs.fields(wanted)}
    values = {}
    for key, value in node.entries:
        if key.text not in fields:
            problem = f"no such key, expected one of {', '.join(fields)}"
            raise Mismatch(key.line, f"{below}.{shown(key.text)[1:-1]}", problem)
        values[key.text] = convert(value, fields[key.text].type, f"{below}.{key.text}")
    missing = [name for name, its in fields.items() if its.required and name not in values]
    if missing:
        raise Mismatch(node.line, f"{below}.{missing[0]}", "missing")
    return wanted(**values)


def _entries(node: Map, of_key: Any, of_value: Any, below: str) -> list[tuple[Any, Any]]:
    entries = []
    for key, value in node.entries:
        name = convert(Scalar(key.text, is_plain=False, line=key.line), of_key, below)
        entries.append((name, convert(value, of_value, f"{below}.{shown(key.text)[1:-1]}")))
    return entries


def parse_text(text: str, wanted: Any) -> Node:
    """Return what the text of an environment variable says.

    Where text is wanted it is taken as it stands; numbers, lists and maps are written as in
    YAML, on one line: ``[a, b]``, ``{alice: secret}``.

    Raises:
        yaml_nodes.BadYaml: It is no YAML.
    """
    is_list = text.startswith("[") and text.endswith("]")  # [::1]:8080 is none
    if _is_text(_member(wanted, is_list=is_list)):
        return Scalar(text, is_plain=False, line=1)
    return yaml_nodes.parse(text) or Scalar("", is_plain=True, line=1)


def words(wanted: Any) -> str:
    """Return what a type asks for, as it goes after "expected"."""
    kind, metas = _parts(wanted)
    for meta in metas:
        if meta.extra and "expected" in meta.extra:
            return str(meta.extra["expected"])
    if get_origin(kind) is Literal:
        return f"one of {', '.join(get_args(kind))}"
    if kind in _NAMES:
        return " ".join([_NAMES[kind], *_range(metas)])
    return _words_of_many(kind)


_NAMES = {bool: "true or false", int: "a whole number", float: "a number"}


def _words_of_many(kind: Any) -> str:
    if _is_struct(kind):
        return f"keys with values: {', '.join(kind.__struct_fields__)}"
    if get_origin(kind) is tuple:
        return f"a list, each item {words(get_args(kind)[0])}"
    if get_origin(kind) is Mapping:
        return "keys with values, each value " + words(get_args(kind)[1])
    return " or ".join(words(member) for member in get_args(kind))


def is_secret(wanted: Any) -> bool:
    """Return whether a value of this type, or a part of it, must never be shown."""
    kind, metas = _parts(wanted)
    parts = structs.fields(kind) if _is_struct(kind) else ()
    return any(meta.extra and meta.extra.get("secret") for meta in metas) or any(
        is_secret(part) for part in (*get_args(kind), *(field.type for field in parts))
    )


def _member(wanted: Any, *, is_list: bool) -> Any:
    kind, metas = _parts(wanted)
    if metas or get_origin(kind) in {None, tuple, Mapping, Literal}:
        return wanted
    return next(part for part in get_args(kind) if (get_origin(part) is tuple) == is_list)


def _is_struct(wanted: Any) -> bool:
    return isinstance(wanted, type) and issubclass(wanted, Struct)


def _is_text(wanted: Any) -> bool:
    kind, _ = _parts(wanted)
    return kind is str or get_origin(kind) is Literal


def _parts(wanted: Any) -> tuple[Any, tuple[Meta, ...]]:
    if get_origin(wanted) is Annotated:
        kind, *metas = get_args(wanted)
        return kind, tuple(metas)
    return wanted, ()


def _range(metas: tuple[Meta, ...]) -> list[str]:
    return [f"from {meta.ge:.15g} to {meta.le:.15g}" for meta in metas if meta.ge is not None]


def _problem(node: Node, wanted: Any) -> str:
    expected = f"expected {words(wanted)}"
    if isinstance(node, List):
        return f"{expected}, not a list"
    if isinstance(node, Map):
        return f"{expected}, not keys with values"
    if _is_text(wanted) and not isinstance(node.value, str | None):
        return f"{expected}; put a number or a word like true in quotes"
    if is_secret(wanted):
        return expected
    return f"{expected}, not {shown(_without_user(node.text)) if node.text else 'nothing'}"


def _without_user(text: str) -> str:
    """Return ``text`` without the user and the password that a URL may hold."""
    return re.sub(r"^([A-Za-z]+:(?://)?)?.*@", r"\1...@", text, flags=re.DOTALL)
