"""Scopes: which methods a token may use, and which of them on what is not its own."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from call_api.commands import COMMANDS, QUERIES
from call_api.commands.base import Query

METHODS: Final = frozenset((*COMMANDS, *QUERIES))
"""Every method, as dialect v2 spells it."""

READING: Final = METHODS - frozenset(COMMANDS) - {"CommandCancel"}
"""The methods that change nothing."""

GROUPS: Final = {"read": READING, "control": METHODS}
"""Words for several methods."""

EVERYBODYS: Final = ":all"
"""What a scope ends in that also covers the calls and commands of others."""

_WHOLE: Final = "all"
_METHOD_OF: Final = {
    spelling: name
    for name, kind in (*COMMANDS.items(), *QUERIES.items())
    for spelling in (name, *kind.aliases)
}
_NAME_OF_QUERY: Final = {kind: name for name, kind in QUERIES.items()}


@dataclass(frozen=True, kw_only=True, slots=True)
class Scopes:
    """What scopes come to.

    Attributes:
        methods: What may be asked.
        of_all: What may be asked of the calls and commands of everybody.
    """

    methods: frozenset[str]
    of_all: frozenset[str]


EVERYTHING: Final = Scopes(methods=METHODS, of_all=METHODS)


def parse_scopes(words: Iterable[str]) -> Scopes:
    """Return what scopes mean together.

    A scope is a method, ``read`` (what changes nothing) or ``control`` (all methods); these
    are about the token's own calls and commands, and with ``:all`` behind it about everybody's.
    ``all`` is ``control:all``.

    Raises:
        ValueError: One of them is none; the message is what was expected.
    """
    methods: frozenset[str] = frozenset()
    of_all: frozenset[str] = frozenset()
    for word in words:
        stem, _, _ = word.partition(EVERYBODYS)
        covered = _covered("control" if word == _WHOLE else stem)
        if covered is None or word not in {stem, stem + EVERYBODYS}:
            raise ValueError(
                f"expected a method, read, control or all, with or without :all, not {word!a}"
            )
        methods |= covered
        if word != stem or word == _WHOLE:
            of_all |= covered
    return Scopes(methods=methods, of_all=of_all)


def name_of(query: Query) -> str:
    """Return the method that a query is."""
    return _NAME_OF_QUERY[type(query)]


def _covered(word: str) -> frozenset[str] | None:
    if (group := GROUPS.get(word)) is not None:
        return group
    method = _METHOD_OF.get(word)
    return None if method is None else frozenset({method})
