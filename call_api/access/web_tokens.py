"""JSON web tokens (RFC 7519), which somebody else issues and signs."""

import re
from typing import Any

from call_api.access.identity import Identity
from call_api.access.scopes import parse_scopes
from call_api.access.tokens import digest_of
from call_api.config_access import Jwt

NAMES_BEGIN = "jwt:"
"""What leads the name of who comes with a JWT: nobody can take the name of a token of ours."""

_NAME = re.compile(r"[!-~]{1,64}")


class WebTokens:
    """Recognizes tokens that were signed with one key, by one algorithm.

    Args:
        key: The secret of HS256, or a PEM text with the public key.

    Raises:
        ValueError: The extra ``jwt`` is not installed, or the key is none:
            ``key: what was expected``.
    """

    def __init__(self, settings: Jwt, key: str) -> None:
        try:
            import jwt
        except ImportError:
            problem = "algorithm: expected nothing, for PyJWT is not installed: call-api[jwt]"
            raise ValueError(problem) from None
        self.settings = settings
        self.key = key
        self._jwt = jwt
        self._key = self._prepared(key)

    def find(self, token: str) -> Identity | None:
        """Return who comes with a token; None: its signature, time or audience is not good."""
        settings = self.settings
        try:
            claims = self._jwt.decode(
                token,
                self._key,
                algorithms=[settings.algorithm],
                audience=settings.audience or None,
                issuer=settings.issuer or None,
                options={"require": ["exp"], "verify_aud": bool(settings.audience)},
            )
            expires = float(claims["exp"])
        except (self._jwt.InvalidTokenError, ValueError, OverflowError, RecursionError):
            return None  # the library lets some through: text that is not UTF-8, deep JSON
        name = claims.get(settings.name_claim)
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            return None
        return Identity(
            name=NAMES_BEGIN + name,
            scopes=parse_scopes(_known(claims.get(settings.scopes_claim))),
            expires=expires,
            digest=digest_of(token),
            is_signed=True,
        )

    def is_like(self, other: "WebTokens | None") -> bool:
        """Return whether the other one recognizes the same tokens."""
        return other is not None and (self.settings, self.key) == (other.settings, other.key)

    def _prepared(self, key: str) -> Any:
        """Return the key as PyJWT wants it, so that it is not read anew for each token."""
        name = "secret" if self.settings.algorithm == "HS256" else "key_file"
        try:
            prepared = self._jwt.get_algorithm_by_name(self.settings.algorithm).prepare_key(key)
        except (self._jwt.InvalidKeyError, ValueError, TypeError) as exc:
            raise ValueError(f"{name}: expected a key of {self.settings.algorithm}") from exc
        if hasattr(prepared, "private_bytes"):
            raise ValueError(f"{name}: expected the public key, and the private one left elsewhere")
        return prepared


def _known(claim: Any) -> list[str]:
    """Return the scopes of a claim that are ours: it may hold those of others, too."""
    words = claim.split() if isinstance(claim, str) else claim
    known = []
    for word in words if isinstance(words, list) else ():
        try:
            parse_scopes([word])
        except (ValueError, AttributeError):
            continue
        known.append(word)
    return known
