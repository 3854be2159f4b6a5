"""The grammar that SIP header fields share: lists, parameters, numbers, quoted strings."""

import re
from collections.abc import Iterator, Mapping

TCHAR = r"[A-Za-z0-9\-.!%*_+`'~]"
"""One character of a token, as a regular expression (RFC 3261, section 25.1)."""

# Here and elsewhere no group is repeated possessively: before 3.11.5 Python gets that wrong.
QUOTED_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*"'
"""A quoted string, as a regular expression that wants re.DOTALL."""

_LIST_ITEM = re.compile(rf'(?:[^",<]++|{QUOTED_STRING}|<[^>]*+>)+', re.DOTALL)
_PARAM = re.compile(
    rf"\s*+;\s*+({TCHAR}++)"
    rf"(?:\s*+=\s*+({QUOTED_STRING}|\[[0-9A-Fa-f:.]++\]|[^\s;,\"<>]++))?\s*+",
    re.DOTALL,
)
_PLAIN_PARAMS = re.compile(rf"(?:;{TCHAR}++(?:=[^\s;,\"<>]++)?)*")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_TO_ESCAPE = re.compile(r'[\x00-\x1f"\\\x7f]')
_MAX_DIGITS = 100


class BadHeader(ValueError):
    """A header's value does not follow its grammar.

    Attributes:
        problem: What is wrong, in words.
    """

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(problem)


def split_list(value: str) -> list[str]:
    """Return what the commas outside quotes and angle brackets separate, empty items left out.

    After a quote or a bracket that nothing closes, all is one item.
    """
    if "," not in value:
        items = [value]
    elif '"' not in value and "<" not in value:
        items = value.split(",")
    else:
        items, end = [], 0
        for found in _LIST_ITEM.finditer(value):
            if value[end : found.start()].strip(", \t"):
                break
            items.append(found[0])
            end = found.end()
        items.append(value[end:].lstrip(", \t"))
    return [item for item in map(str.strip, items) if item]


def parse_params(text: str) -> dict[str, str | None]:
    """Return the parameters of a header value, by lower-case name, as written.

    Args:
        text: Semicolon, name, and perhaps equals sign and value, any number of times.

    Raises:
        BadHeader: ``text`` is anything else, or a name stands in it twice.
    """
    params: dict[str, str | None] = {}
    for name, value in _plain_pairs(text) if _PLAIN_PARAMS.fullmatch(text) else _pairs(text):
        if (name := name.lower()) in params:
            raise BadHeader(f"has the parameter {name} twice")
        params[name] = value
    return params


def _plain_pairs(text: str) -> Iterator[tuple[str, str | None]]:
    for param in text.split(";")[1:]:
        name, equals, value = param.partition("=")
        yield name, value if equals else None


def _pairs(text: str) -> Iterator[tuple[str, str | None]]:
    end = 0
    while end < len(text):
        found = _PARAM.match(text, end)
        if not found:
            raise BadHeader("has a parameter of the wrong form")
        yield found[1], found[2]
        end = found.end()


def format_params(params: Mapping[str, str | None]) -> str:
    """Return the text that `parse_params` takes apart."""
    return "".join(f";{k}" if v is None else f";{k}={v}" for k, v in params.items())


def parse_number(text: str, limit: int) -> int | None:
    """Return the number that decimal digits give; None if it is none or above ``limit``."""
    # The length first: Python refuses to convert thousands of digits, leading zeros included.
    if len(text) > _MAX_DIGITS or not (text.isascii() and text.isdigit()):
        return None
    number = int(text)
    return number if number <= limit else None


def quote(text: str) -> str:
    """Return ``text`` as a quoted string (RFC 3261, section 25.1)."""
    return '"' + _TO_ESCAPE.sub(r"\\\g<0>", text) + '"'


def unquote(text: str) -> str:
    """Return what a quoted string says; ``text`` itself if it is none."""
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return text
    return _ESCAPED.sub(r"\1", text[1:-1])
