"""Who a client is, as its token says."""

from dataclasses import dataclass, field
from math import inf
from typing import Final, Protocol

from call_api.access.scopes import EVERYTHING, Scopes


class Pattern(Protocol):
    """Covers some SIP URIs."""

    def covers(self, uri: str) -> bool:
        """Return whether a URI that was checked already is one of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """What is known of a client from its handshake on.

    Attributes:
        name: Its token's; what it starts belongs to that name. Empty: it needs no token.
        callers: Who may be made to call; None: anybody.
        callees: Who may be called, by CallStart or by a transfer; None: anybody.
        expires: When its token ends, in seconds since 1970.
        digest: The SHA-256 of its token; empty: it has none.
        is_signed: Whether that is a JWT.
    """

    name: str
    scopes: Scopes
    callers: tuple[Pattern, ...] | None = None
    callees: tuple[Pattern, ...] | None = None
    expires: float = inf
    digest: str = field(default="", repr=False)
    is_signed: bool = False


ANYBODY: Final = Identity(name="", scopes=EVERYTHING)
"""A client of a daemon that wants no token."""
