"""Tokens: made, and recognized without being known."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from math import inf
from typing import Final

from call_api.access.identity import Identity
from call_api.access.patterns import UriPattern
from call_api.access.scopes import METHODS, parse_scopes
from call_api.config_access import Token

PREFIX: Final = "callapi_"
"""What every token begins with, so that people and programs see what has leaked."""

TOKEN_BYTES: Final = 32
"""Random bytes in a token: 256 bits cannot be guessed, so one round of SHA-256 hides them."""


class Tokens:
    """The tokens that are good, by their digests."""

    def __init__(self, tokens: Mapping[str, Token]) -> None:
        """Take the tokens.

        Raises:
            ValueError: One of them is wrong: ``NAME.key: what was expected``.
        """
        self._identities = [identity_of(name, token) for name, token in tokens.items()]
        self._by_digest = {identity.digest: identity for identity in self._identities}

    @property
    def are_apart(self) -> bool:
        """Whether one of them does not cover everybody's calls and commands."""
        return any(not one.scopes.of_all >= METHODS for one in self._identities)

    def find(self, token: str) -> Identity | None:
        """Return whose token this is. It takes as long for every token."""
        given, found = digest_of(token), None
        for identity in self._identities:
            if hmac.compare_digest(given, identity.digest):
                found = identity
        return found

    def renewed(self, identity: Identity) -> Identity | None:
        """Return what is said now of who came with one of these tokens; None: it is gone."""
        return self._by_digest.get(identity.digest)


def new_token(random: bytes) -> str:
    """Return the token that random bytes make: letters, digits, ``-`` and ``_``."""
    return PREFIX + base64.urlsafe_b64encode(random).decode().rstrip("=")


def digest_of(token: str) -> str:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def identity_of(name: str, token: Token) -> Identity:
    """Return who comes with a token.

    Raises:
        ValueError: The token's settings are wrong: ``NAME.key: what was expected``.
    """
    try:
        scopes = parse_scopes(token.scopes)
    except ValueError as exc:
        raise ValueError(f"{name}.scopes: {exc}") from exc
    return Identity(
        name=name,
        scopes=scopes,
        callers=_patterns(f"{name}.callers", token.callers),
        callees=_patterns(f"{name}.callees", token.callees),
        expires=_seconds(f"{name}.expires", token.expires),
        digest=token.sha256,
    )


def _patterns(key: str, texts: tuple[str, ...]) -> tuple[UriPattern, ...] | None:
    try:
        return tuple(map(UriPattern, texts)) or None
    except ValueError as exc:
        raise ValueError(f"{key}: {exc}") from exc


def _seconds(key: str, expires: str) -> float:
    if not expires:
        return inf
    try:
        time = datetime.fromisoformat(expires)
    except ValueError:
        raise ValueError(f"{key}: expected a day that there is, not {expires!a}") from None
    return time.replace(tzinfo=UTC).timestamp()
