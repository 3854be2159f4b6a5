"""YAML text -> values that know their line. No tags, no aliases, no surprises.

Plain words mean what YAML 1.2's core schema says, so ``no``, ``on``, ``1:30`` and
``2024-01-01`` are text. Everything that a settings file does not need is refused, which
leaves nothing that could be expanded, recursed into or constructed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

import yaml

_DEEPEST = 8
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_INT = re.compile(r"[-+]?[0-9]{1,18}|0x[0-9a-fA-F]{1,15}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}


class BadYaml(Exception):
    """The text is no YAML, or more than plain keys and values.

    Attributes:
        line: Where, from 1.
        problem: What is wrong, in one line.
    """

    def __init__(self, line: int, problem: str) -> None:
        self.line = line
        self.problem = problem
        super().__init__(f"line {line}: {problem}")


@dataclass(frozen=True, slots=True)
class Scalar:
    """One word or number; ``is_plain`` when it stands without quotes."""

    text: str
    is_plain: bool
    line: int

    @property
    def value(self) -> str | int | float | bool | None:
        """What it says (YAML 1.2.2, section 10.3.2)."""
        if not self.is_plain:
            return self.text
        if self.text.lower() in _WORDS:
            return _WORDS[self.text.lower()]
        if _INT.fullmatch(self.text):
            return int(self.text, 16 if self.text.startswith("0x") else 10)
        if _FLOAT.fullmatch(self.text):
            return float(self.text)
        return self.text


@dataclass(frozen=True, slots=True)
class List:
    """A list of values."""

    items: tuple["Node", ...]
    line: int


@dataclass(frozen=True, slots=True)
class Map:
    """Keys and values in their order; each key once."""

    entries: tuple[tuple[Scalar, "Node"], ...]
    line: int


Node: TypeAlias = Scalar | List | Map

_TOO_DEEP: Final = "nested too deep"
_DEPTH_OF_THE_READER: Final = "maximum nesting depth"  # libyaml 0.2.6 reads ahead, and says so

Events: TypeAlias = Iterator[yaml.Event]


def parse(text: str) -> Node | None:
    """Return what the text says; None when it says nothing.

    Raises:
        BadYaml: It is no YAML, holds a tag, an alias, a repeated key, a key that is no plain
            word or a second document, or is nested too deep.
    """
    if odd := _UNPRINTABLE.search(text):
        line = text.count("\n", 0, odd.start()) + 1
        raise BadYaml(line, f"found the character {odd.group()!a}, which YAML forbids")
    events: Events = yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    try:
        return _document(events)
    except yaml.MarkedYAMLError as exc:
        problem = _TOO_DEEP if _DEPTH_OF_THE_READER in str(exc.problem) else str(exc.problem)
        raise BadYaml(_line(exc.problem_mark or exc.context_mark), problem) from exc
    except (yaml.YAMLError, ValueError) as exc:  # ValueError: "\U00110000", unless in C
        raise BadYaml(1, "found an escape that is no character") from exc


def _document(events: Events) -> Node | None:
    next(events)  # the stream starts
    if isinstance(next(events), yaml.StreamEndEvent):
        return None
    node = _node(events, next(events), depth=0)
    next(events)  # the document ends
    if not isinstance(event := next(events), yaml.StreamEndEvent):
        raise BadYaml(_line(event.start_mark), "found a second document")
    return node


def _node(events: Events, event: yaml.Event, depth: int) -> Node:
    line = _line(event.start_mark)
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
        raise BadYaml(line, "found an anchor or an alias")
    if getattr(event, "tag", None):
        raise BadYaml(line, "found a tag")
    if depth > _DEEPEST:
        raise BadYaml(line, _TOO_DEEP)
    if isinstance(event, yaml.SequenceStartEvent):
        return List(tuple(_items(events, depth + 1)), line)
    if isinstance(event, yaml.MappingStartEvent):
        return Map(tuple(_entries(events, depth + 1)), line)
    assert isinstance(event, yaml.ScalarEvent)
    return _scalar(event, line)


def _items(events: Events, depth: int) -> Iterator[Node]:
    while not isinstance(event := next(events), yaml.SequenceEndEvent):
        yield _node(events, event, depth)


def _entries(events: Events, depth: int) -> Iterator[tuple[Scalar, Node]]:
    lines: dict[str, int] = {}
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        key = _node(events, event, depth)
        if not isinstance(key, Scalar):
            raise BadYaml(key.line, "found a key that is no plain word")
        if key.text in lines:
            first = lines[key.text]
            problem = f"expected the key {shown(key.text)} once, the first is on line {first}"
            raise BadYaml(key.line, problem)
        lines[key.text] = key.line
        yield key, _node(events, next(events), depth)


def _scalar(event: yaml.ScalarEvent, line: int) -> Scalar:
    text: str = event.value
    if _SURROGATE.search(text):
        raise BadYaml(line, "found an escape that is no character")
    return Scalar(text, is_plain=event.implicit[0], line=line)


def _line(mark: object) -> int:
    line: int = getattr(mark, "line", 0)
    return line + 1


def shown(text: str) -> str:
    """Return ``text`` in quotes, escaped and cut to a length that fits a line."""
    return ascii(text if len(text) <= 60 else text[:57] + "...")
