"""SIP header fields: an ordered list of them, and the structured values of the common ones."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import overload

from call_api.sip.grammar import (
    QUOTED_STRING,
    TCHAR,
    BadHeader,
    format_params,
    parse_number,
    parse_params,
    quote,
    split_list,
    unquote,
)
from call_api.sip.header_names import KNOWN, LISTS, canonical_name
from call_api.sip.uri import BadUri, Uri, check_host, parse_port

_NAME = re.compile(rf"{TCHAR}++")
# Between the start and the bracket: a quoted string, or words. A display name without quotes
# may only hold tokens, but phones put dots, accents and more into it.
_NAME_ADDR = re.compile(
    rf'\s*+(?:({QUOTED_STRING})\s*+|([^"<>,;:]*+))<([^<>"\s]++)>((?:\s*+;.*+)?)\s*+', re.DOTALL
)
_ADDR_SPEC = re.compile(r'\s*+([^<>"\s;,?]++)((?:\s*+;.*+)?)\s*+', re.DOTALL)
_VIA = re.compile(
    rf"\s*+SIP\s*+/\s*+2\.0\s*+/\s*+({TCHAR}++)\s++"
    r"([A-Za-z0-9._-]++|\[[0-9A-Fa-f:.]++\])(?:\s*+:\s*+([0-9]++))?((?:\s*+;.*+)?)\s*+",
    re.IGNORECASE | re.DOTALL,
)
_CSEQ = re.compile(rf"\s*+([0-9]++)\s++({TCHAR}++)\s*+")
_MAX_CSEQ = 2**31 - 1
_CACHED_LENGTH = 200  # longer texts are parsed anew each time: this bounds the caches' memory

__all__ = ["BadHeader", "CSeq", "Headers", "NameAddr", "Via"]


class Headers:
    """The header fields of one message, in order; names are compared without case.

    A line that lists several values with commas stays one line, but `get` and `all` read its
    values one by one, where the header's grammar has such lists (RFC 3261, section 7.3.1).

    Raises:
        ValueError: A name is no token, or a value holds a carriage return or a line feed.
    """

    __slots__ = ("_lines",)

    def __init__(self, items: Iterable[tuple[str, str]] = ()) -> None:
        self._lines: list[tuple[str, str]] = [_checked(name, value) for name, value in items]

    @classmethod
    def from_wire(cls, lines: list[tuple[str, str]]) -> "Headers":
        """Return headers over canonical names and values that were checked already."""
        headers = Headers()
        headers._lines = lines
        return headers

    @overload
    def get(self, name: str) -> str | None: ...

    @overload
    def get(self, name: str, default: str) -> str: ...

    def get(self, name: str, default: str | None = None) -> str | None:
        """Return the first value."""
        known = KNOWN.get(name) or canonical_name(name)
        for line_name, value in self._lines:
            if line_name == known:
                if "," in value and known in LISTS:
                    return next(iter(split_list(value)), value)
                return value
        return default

    def all(self, name: str) -> list[str]:
        """Return every value, with lists taken apart."""
        known = KNOWN.get(name) or canonical_name(name)
        values = [value for line_name, value in self._lines if line_name == known]
        if known in LISTS:
            return [item for value in values for item in split_list(value)]
        return values

    def add(self, name: str, value: str) -> None:
        """Append a line."""
        self._lines.append(_checked(name, value))

    def prepend(self, name: str, value: str) -> None:
        """Insert a line before all others, so that its value is the first."""
        self._lines.insert(0, _checked(name, value))

    def set(self, name: str, value: str) -> None:
        """Give the header one value, in the place of its first line, or else at the end."""
        line = _checked(name, value)
        for index, (line_name, _) in enumerate(self._lines):
            if line_name == line[0]:
                self._lines[index + 1 :] = [
                    later for later in self._lines[index + 1 :] if later[0] != line_name
                ]
                self._lines[index] = line
                return
        self._lines.append(line)

    def set_first(self, name: str, value: str) -> None:
        """Put ``value`` in the place of the first value, and leave the others."""
        line = _checked(name, value)
        values = self.all(name)
        self.set(name, value)
        index = self._lines.index(line)
        self._lines[index + 1 : index + 1] = [(line[0], later) for later in values[1:]]

    def remove(self, name: str) -> None:
        """Remove every line of the header; that there is none is fine."""
        known = canonical_name(name)
        self._lines = [line for line in self._lines if line[0] != known]

    def __contains__(self, name: str) -> bool:
        known = canonical_name(name)
        return any(line_name == known for line_name, _ in self._lines)

    def __len__(self) -> int:
        return len(self._lines)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._lines)

    def items(self) -> list[tuple[str, str]]:
        """Return the lines in order: canonical name and value as written."""
        return list(self._lines)

    def copy(self) -> "Headers":
        """Return headers that change on their own."""
        return Headers.from_wire(list(self._lines))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self._lines == other._lines

    __hash__ = None  # type: ignore[assignment]  # mutable, as list has it

    def __repr__(self) -> str:
        return f"Headers({self._lines!r})"


def _checked(name: str, value: str) -> tuple[str, str]:
    if "\r" in value or "\n" in value:
        raise ValueError(f"a value of {name} holds a line break: {value!r}")
    known = KNOWN.get(name)
    if known is None:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no header name")
        known = canonical_name(name)
    return known, value


@dataclass(frozen=True, slots=True)
class NameAddr:
    """The value of From, To, Contact, Route and their kin (RFC 3261, section 20.10).

    Attributes:
        display: Without quotes and escapes; empty when there is none.
        params: Of the header, not of the URI; by lower-case name, as written.
    """

    uri: Uri
    display: str = ""
    params: Mapping[str, str | None] = field(default_factory=dict, hash=False)

    @staticmethod
    def parse(text: str) -> "NameAddr":
        """Return the one address that ``text`` holds.

        Raises:
            BadHeader: It is none.
        """
        return _address_cached(text) if len(text) <= _CACHED_LENGTH else _address(text)

    @property
    def tag(self) -> str | None:
        """The parameter ``tag``."""
        return self.params.get("tag")

    def with_tag(self, tag: str) -> "NameAddr":
        """Return the same address with another tag."""
        return replace(self, params={**self.params, "tag": tag})

    def __str__(self) -> str:
        display = f"{quote(self.display)} " if self.display else ""
        return f"{display}<{self.uri}>{format_params(self.params)}"


@dataclass(frozen=True, slots=True)
class Via:
    """One hop of a message (RFC 3261, section 20.42).

    Attributes:
        transport: In upper case: UDP, TCP, ...
        host: Of sent-by, as received.
        port: Of sent-by; None when it is not given.
        params: By lower-case name, as written.
    """

    transport: str
    host: str
    port: int | None = None
    params: Mapping[str, str | None] = field(default_factory=dict, hash=False)

    @staticmethod
    def parse(text: str) -> "Via":
        """Return the one hop that ``text`` holds.

        Raises:
            BadHeader: It is none.
        """
        return _via_cached(text) if len(text) <= _CACHED_LENGTH else _via(text)

    @property
    def branch(self) -> str | None:
        """The parameter ``branch``."""
        return self.params.get("branch")

    @property
    def sent_by(self) -> str:
        """Host and port as they were given: part of a transaction's key."""
        return self.host if self.port is None else f"{self.host}:{self.port}"

    def seen_from(self, address: str, port: int) -> "Via":
        """Return the hop with what a server notes of where a request came from.

        ``received`` is added where sent-by does not say it, and whenever the client asks for
        ``rport`` (RFC 3261, section 18.2.1; RFC 3581, section 4).

        Args:
            address: The source address of the packet, an IPv6 one without brackets.
        """
        params = dict(self.params)
        if "rport" in params:
            params["rport"] = str(port)
        if "rport" in params or self.host.strip("[]") != address:
            params["received"] = address
        return replace(self, params=params)

    def __str__(self) -> str:
        return f"SIP/2.0/{self.transport} {self.sent_by}{format_params(self.params)}"


@dataclass(frozen=True, slots=True)
class CSeq:
    """The order of requests in a dialog (RFC 3261, section 20.16)."""

    number: int
    method: str

    @staticmethod
    def parse(text: str) -> "CSeq":
        """Return what ``text`` holds.

        Raises:
            BadHeader: It is no CSeq, or its number is not below 2**31.
        """
        return _cseq_cached(text) if len(text) <= _CACHED_LENGTH else _cseq(text)

    def __str__(self) -> str:
        return f"{self.number} {self.method}"


def _address(text: str) -> NameAddr:
    if found := _NAME_ADDR.fullmatch(text):
        quoted, words, uri, params = found.groups()
    elif found := _ADDR_SPEC.fullmatch(text):
        quoted, words, (uri, params) = None, "", found.groups()
    else:
        raise BadHeader("is no address")
    try:
        parsed = Uri.parse(uri)
    except BadUri as exc:
        raise BadHeader(f"holds a URI that {exc.problem}") from exc
    display = unquote(quoted) if quoted else words.strip()
    return NameAddr(parsed, display, parse_params(params) if params else {})


def _via(text: str) -> Via:
    found = _VIA.fullmatch(text)
    if not found:
        raise BadHeader("is no hop")
    transport, host, port, params = found.groups()
    try:
        check_host(host)
        number = parse_port(port)
    except BadUri as exc:
        raise BadHeader(exc.problem) from exc
    return Via(transport.upper(), host, number, parse_params(params) if params else {})


def _cseq(text: str) -> CSeq:
    found = _CSEQ.fullmatch(text)
    if not found:
        raise BadHeader("is no number and method")
    number = parse_number(found[1], _MAX_CSEQ)
    if number is None:
        raise BadHeader("has a number that is not below 2**31")
    return CSeq(number, found[2])


# The messages of one transaction, and of one dialog, repeat each other's values.
_address_cached = lru_cache(maxsize=4096)(_address)
_via_cached = lru_cache(maxsize=4096)(_via)
_cseq_cached = lru_cache(maxsize=4096)(_cseq)
