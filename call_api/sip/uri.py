"""SIP URIs (RFC 3261, section 19.1): parsed, written, compared, and checked for clients."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

MAX_TARGET_LENGTH = 1024
"""Longest URI that a client may send, in characters."""

_CACHED_LENGTH = 200  # longer texts are parsed anew each time: they bound the cache's memory

_UNRESERVED = (
    r"A-Za-z0-9\-_.!~*'()%"  # with the escape; that two hex digits follow is checked apart
)
# The number sign stands unescaped in the feature codes that many phones dial.
_USER = rf"[{_UNRESERVED}&=+$,;?/#]"
_PASSWORD = rf"[{_UNRESERVED}&=+$,]"
_PARAM = rf"[{_UNRESERVED}\[\]/:&+$]"
_HEADER = rf"[{_UNRESERVED}\[\]/?:+$]"
# Underscores are no part of a host name, but of many names inside a container's network.
_HOST = r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]"

_SIP = re.compile(
    rf"(?:({_USER}++)(?::({_PASSWORD}*+))?@)?"
    rf"({_HOST})"
    r"(?::([0-9]+))?"
    rf"((?:;{_PARAM}++(?:={_PARAM}++)?)*)"
    rf"(?:\?({_HEADER}++={_HEADER}*+(?:&{_HEADER}++={_HEADER}*+)*))?"
)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*+):")
_OPAQUE = re.compile(r"[!#-;=?-~]++")  # printable ASCII but for the quote and angle brackets
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")

_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_PLAIN = re.compile(r"[A-Za-z0-9\-_.!~*'()#]")

_FORBIDDEN = {" ": "a space", "<": "angle brackets", ">": "angle brackets", '"': "a quote"}

_MUST_BE_IN_BOTH = ("user", "ttl", "method", "maddr", "transport")


class BadUri(ValueError):
    """The text is no URI, or none that may stand here.

    Attributes:
        problem: What is wrong with it, in words for the one who wrote it.
    """

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(problem)


@dataclass(frozen=True, slots=True)
class Uri:
    """A URI as SIP headers hold it. What is escaped stays so.

    Attributes:
        scheme: In lower case. For any other than ``sip`` and ``sips`` only ``opaque`` is set.
        user: None when there is no ``@``.
        host: As received; an IPv6 address stands in brackets.
        port: None when it is not given, which differs from giving the default.
        params: By lower-case name; None is the value of a bare name.
        headers: The part after the question mark, in order.
        opaque: What follows the colon in a scheme that is not SIP's.
    """

    scheme: str
    user: str | None
    host: str
    port: int | None = None
    password: str | None = None
    params: Mapping[str, str | None] = field(default_factory=dict, hash=False)
    headers: tuple[tuple[str, str], ...] = ()
    opaque: str = ""

    @staticmethod
    def parse(text: str) -> "Uri":
        """Return the URI that ``text`` holds and nothing else.

        Raises:
            BadUri: It is none.
        """
        return _parse_cached(text) if len(text) <= _CACHED_LENGTH else _parse(text)

    @property
    def is_sip(self) -> bool:
        """Whether the scheme is ``sip`` or ``sips``."""
        return self.scheme in ("sip", "sips")

    @property
    def hostport(self) -> str:
        """Host and port as they were given, ``host`` or ``host:port``."""
        return self.host if self.port is None else f"{self.host}:{self.port}"

    @property
    def aor(self) -> str:
        """``user@host``, the host canonical and nothing escaped that need not be: a key."""
        user = "" if self.user is None else f"{unescape(self.user)}@"
        return f"{user}{canonical_host(self.host)}"

    def matches(self, other: "Uri") -> bool:
        """Return whether both mean the same resource (RFC 3261, section 19.1.4).

        Other than equality this is not transitive.
        """
        return (
            self.scheme == other.scheme
            and self.opaque == other.opaque
            and _unescaped(self.user) == _unescaped(other.user)
            and _unescaped(self.password) == _unescaped(other.password)
            and canonical_host(self.host) == canonical_host(other.host)
            and self.port == other.port
            and _params_match(self.params, other.params)
            and _comparable(self.headers) == _comparable(other.headers)
        )

    def __str__(self) -> str:
        if not self.is_sip:
            return f"{self.scheme}:{self.opaque}"
        userinfo = ""
        if self.user is not None:
            password = "" if self.password is None else f":{self.password}"
            userinfo = f"{self.user}{password}@"
        params = "".join(f";{k}" if v is None else f";{k}={v}" for k, v in self.params.items())
        headers = "&".join(f"{k}={v}" for k, v in self.headers)
        tail = f"?{headers}" if headers else ""
        return f"{self.scheme}:{userinfo}{self.hostport}{params}{tail}"


def parse_target(text: str) -> Uri:
    """Return the URI of a party that a client names.

    Stricter than `Uri.parse`, because the text travels into SIP messages and into commands
    to a proxy: no control characters, spaces, quotes, angle brackets or header part, and
    nothing beyond ASCII.

    Raises:
        BadUri: It is no such URI; ``problem`` says why.
    """
    if len(text) > MAX_TARGET_LENGTH:
        raise BadUri(f"longer than {MAX_TARGET_LENGTH} characters")
    if not text.isascii():
        raise BadUri("holds a character that is not ASCII")
    if not text.isprintable():
        raise BadUri("holds a control character")
    for char, name in _FORBIDDEN.items():
        if char in text:
            raise BadUri(f"holds {name}")
    uri = Uri.parse(text)
    if not uri.is_sip:
        raise BadUri(f"expected a sip or sips URI, not {uri.scheme}")
    if uri.headers:
        raise BadUri("has a header part")
    return uri


def _parse(text: str) -> Uri:
    found = _SCHEME.match(text)
    if not found:
        raise BadUri("has no scheme: expected sip:user@host")
    scheme, rest = found[1].lower(), text[found.end() :]
    if _BAD_ESCAPE.search(rest):
        raise BadUri("has a percent sign without two hexadecimal digits")
    if scheme in ("sip", "sips"):
        return _parse_sip(scheme, rest)
    if not _OPAQUE.fullmatch(rest):
        raise BadUri("is not a URI")
    return Uri(scheme, None, "", opaque=rest)


_parse_cached = lru_cache(maxsize=4096)(_parse)


def _parse_sip(scheme: str, rest: str) -> Uri:
    found = _SIP.fullmatch(rest)
    if not found:
        raise BadUri(f"is not of the form {scheme}:user@host:port;parameters")
    user, password, host, port, params, headers = found.groups()
    check_host(host)
    return Uri(
        scheme,
        user,
        host,
        parse_port(port),
        password,
        _parse_params(params) if params else {},
        _parse_headers(headers) if headers else (),
    )


def canonical_host(host: str) -> str:
    """Return the one spelling of a host: lower case, IPv6 in brackets and short (RFC 5954)."""
    if ":" not in host:
        return host.lower()
    try:
        return f"[{ipaddress.IPv6Address(host.strip('[]'))}]"
    except ValueError:  # not from a URI, where it was checked
        return host.lower()


def check_host(host: str) -> None:
    """Check the brackets of an IPv6 reference.

    Raises:
        BadUri: They hold no IPv6 address.
    """
    if host[0] == "[":
        try:
            ipaddress.IPv6Address(host[1:-1])
        except ValueError:
            raise BadUri("has brackets around what is no IPv6 address") from None


def parse_port(digits: str | None) -> int | None:
    """Return the port that ``digits`` give, None for None.

    Raises:
        BadUri: It is not between 1 and 65535.
    """
    if digits is None:
        return None
    # The length first: Python refuses to convert thousands of digits.
    if len(digits) > 5 or not 1 <= int(digits) <= 65535:
        raise BadUri("has a port that is not between 1 and 65535")
    return int(digits)


def _parse_params(text: str) -> dict[str, str | None]:
    params: dict[str, str | None] = {}
    for param in text[1:].split(";"):
        name, equals, value = param.partition("=")
        name = name.lower()
        said = value if equals else None
        # Phones that are given their proxy with ;lr add a second one; only another value is doubt.
        if params.setdefault(name, said) != said:
            raise BadUri(f"has the parameter {name} twice")
    return params


def _parse_headers(text: str) -> tuple[tuple[str, str], ...]:
    pairs = (header.partition("=") for header in text.split("&"))
    return tuple((name, value) for name, _, value in pairs)


def unescape(text: str) -> str:
    """Return ``text`` with only those characters escaped that have to be.

    An escaped letter is that letter, but an escaped ``@`` is not the ``@`` that ends the user
    (RFC 3261, section 19.1.4): texts that mean the same become equal, others do not.
    """
    return _ESCAPE.sub(_unescape_one, text) if "%" in text else text


def _unescape_one(found: re.Match[str]) -> str:
    char = chr(int(found[1], 16))
    return char if _PLAIN.fullmatch(char) else found[0].upper()


def _unescaped(text: str | None) -> str | None:
    return None if text is None else unescape(text)


def _params_match(a: Mapping[str, str | None], b: Mapping[str, str | None]) -> bool:
    if any((name in a) != (name in b) for name in _MUST_BE_IN_BOTH):
        return False
    return all(_folded(a[name]) == _folded(b[name]) for name in a.keys() & b.keys())


def _folded(value: str | None) -> str | None:
    return None if value is None else unescape(value).lower()


def _comparable(headers: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    return sorted((unescape(name).lower(), unescape(value)) for name, value in headers)
