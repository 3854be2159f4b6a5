"""Digest authentication, both sides (RFC 3261, section 22; RFC 7616; RFC 8760).

SHA-256 and MD5, with ``qop=auth``. A server offers both, the stronger one first.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from call_api.sip.grammar import QUOTED_STRING, TCHAR, quote, unquote
from call_api.sip.nonces import Nonces, sign
from call_api.sip.uri import BadUri, Uri

ALGORITHMS = ("SHA-256", "MD5")
"""What is understood, strongest first (RFC 8760, section 2.4)."""

_HASHES: dict[str, Callable[[bytes], str]] = {
    "SHA-256": lambda data: hashlib.sha256(data).hexdigest(),
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
}
_SCHEME = re.compile(r"\s*+Digest(?=\s)", re.IGNORECASE)
_PAIR = re.compile(
    rf"\s*+,?+\s*+({TCHAR}++)\s*+=\s*+({QUOTED_STRING}|[^\s,\"]++)\s*+(?=,|\Z)", re.DOTALL
)
_COUNT = re.compile(r"[0-9A-Fa-f]{8}")

Outcome: TypeAlias = Literal["ok", "stale", "refused"]
"""``stale``: the nonce is not good for this, or not any more; with a new one it may be ``ok``."""


class BadDigest(ValueError):
    """The value of an authentication header does not follow its grammar.

    Attributes:
        problem: What is wrong, in words.
    """

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(problem)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of who sent a request.

    Attributes:
        user: Whose password was right; None unless the outcome is ``ok``.
        is_guess: Whether a password was tried, by the holder of a nonce of ours.
    """

    outcome: Outcome
    user: str | None = None
    is_guess: bool = False


@dataclass(frozen=True, slots=True)
class Challenge:
    """A server's demand, as in WWW-Authenticate and Proxy-Authenticate.

    Attributes:
        algorithm: In upper case; possibly one that is not understood.
        has_qop: Whether ``qop`` was given; servers older than RFC 2617 give none.
        offers_auth: Whether ``auth`` is among what it allows.
    """

    realm: str
    nonce: str
    algorithm: str = "MD5"
    opaque: str | None = None
    stale: bool = False
    has_qop: bool = True
    offers_auth: bool = True

    @staticmethod
    def parse(text: str) -> "Challenge":
        """Return the challenge that a header value holds.

        Raises:
            BadDigest: It holds none.
        """
        pairs = parse_digest(text)
        if "realm" not in pairs or "nonce" not in pairs:
            raise BadDigest("has no realm or no nonce")
        offered = [item.strip().lower() for item in pairs.get("qop", "").split(",")]
        return Challenge(
            realm=pairs["realm"],
            nonce=pairs["nonce"],
            algorithm=pairs.get("algorithm", "MD5").upper(),
            opaque=pairs.get("opaque"),
            stale=pairs.get("stale", "").lower() == "true",
            has_qop="qop" in pairs,
            offers_auth="qop" not in pairs or "auth" in offered,
        )

    def __str__(self) -> str:
        opaque = "" if self.opaque is None else f", opaque={quote(self.opaque)}"
        qop = ', qop="auth"' if self.has_qop else ""
        stale = ", stale=true" if self.stale else ""
        return (
            f"Digest realm={quote(self.realm)}, nonce={quote(self.nonce)}, "
            f"algorithm={self.algorithm}{opaque}{qop}{stale}"
        )


class DigestServer:
    """Demands and checks passwords without keeping anything of who was asked.

    A nonce is signed and carries its time, so only nonces that were used with success are
    remembered, for the replay check; and of these not more than ``max_nonces``.

    Args:
        passwords: By user name.
        key: At least 16 secret random bytes, which the nonces are signed with.
        nonce_for: Seconds that a nonce may be used.
        max_nonces: How many used nonces are remembered. The oldest ones go first; what is
            as old and not remembered counts as stale from then on.
        algorithms: Those of `ALGORITHMS` that may be answered with.
    """

    def __init__(
        self,
        realm: str,
        passwords: Mapping[str, str],
        key: bytes,
        *,
        nonce_for: float = 300.0,
        max_nonces: int = 10_000,
        algorithms: Collection[str] = ALGORITHMS,
    ) -> None:
        self._realm = realm
        self._passwords = passwords
        self._algorithms = algorithms
        self._nonces = Nonces(key, nonce_for=nonce_for, max_used=max_nonces)
        self._opaque = sign(key, "opaque")
        self._no_password = sign(key, "no password")

    def challenges(
        self,
        now: float,
        *,
        stale: bool = False,
        algorithms: Iterable[str] | None = None,
        peer: str = "",
    ) -> list[str]:
        """Return the WWW-Authenticate values of a 401, in the order in which they are to stand.

        Args:
            stale: The sender needs only a new nonce, as far as is known.
            algorithms: Which are offered; by default all that may be answered with.
            peer: The address from which it has to be answered; empty: any.
        """
        nonce = self._nonces.issue(now, peer)
        return [
            str(Challenge(self._realm, nonce, algorithm, self._opaque, stale))
            for algorithm in (self._algorithms if algorithms is None else algorithms)
        ]

    def verify(
        self, method: str, uri: str, credentials: Iterable[str], now: float, peer: str = ""
    ) -> Verdict:
        """Return who sent a request.

        An unknown user takes as long as a wrong password and gives the same verdict, and so
        does what cannot be understood.

        Args:
            uri: The Request-URI.
            credentials: All values of Authorization; those for other realms do not matter.
            peer: Where it comes from: what the nonce was issued to.
        """
        for text in credentials:
            try:
                given = parse_digest(text)
            except BadDigest:
                continue
            if given.get("realm") == self._realm:
                return self._judge(method, uri, given, now, peer)
        return Verdict("refused")

    def _judge(
        self, method: str, uri: str, given: dict[str, str], now: float, peer: str
    ) -> Verdict:
        if not _is_complete(given, self._algorithms) or not _same_uri(uri, given["uri"]):
            return Verdict("refused")
        if not self._nonces.is_good(given["nonce"], now, peer):
            return Verdict("stale")  # whatever the password is: who has guessed it is not told so
        user, algorithm = given["username"], given.get("algorithm", "MD5").upper()
        known = self._passwords.get(user)
        password = self._no_password if known is None else known
        expected = digest_response(
            algorithm,
            digest_secret(algorithm, user, self._realm, password),
            method=method,
            uri=given["uri"],
            nonce=given["nonce"],
            count=given["nc"],
            cnonce=given["cnonce"],
        )
        is_right = hmac.compare_digest(_bytes(expected), _bytes(given["response"].lower()))
        if not is_right or known is None:
            return Verdict("refused", is_guess=True)
        if not self._nonces.use(given["nonce"], int(given["nc"], 16), now, peer):
            return Verdict("stale")
        return Verdict("ok", user)


class DigestClient:
    """Answers challenges with one user's password.

    Args:
        make_cnonce: Gives a new random token each time, of printable ASCII.
    """

    def __init__(self, user: str, password: str, make_cnonce: Callable[[], str]) -> None:
        self._user = user
        self._password = password
        self._make_cnonce = make_cnonce
        self._challenge: Challenge | None = None
        self._count = 0  # requests that were authorized with the challenge's nonce
        self._is_renewed = False

    def accept(self, challenges: Iterable[str]) -> bool:
        """Take over the strongest challenge of a 401; return whether it is worth an answer.

        It is not when there is none that can be answered, or when the answer to a fresh nonce
        was refused: the password is wrong. A nonce that was called stale is renewed once.
        """
        chosen = _strongest(challenges)
        if chosen is None:
            return False
        was_fresh = self._challenge is not None and self._count == 1
        if was_fresh and (self._is_renewed or not chosen.stale):
            return False
        self._is_renewed = was_fresh
        self._challenge = chosen
        self._count = 0
        return True

    def authorization(self, method: str, uri: str) -> str | None:
        """Return the Authorization value for a request; None before the first challenge.

        Args:
            uri: The Request-URI.
        """
        challenge = self._challenge
        if challenge is None:
            return None
        self._count += 1
        count = f"{self._count:08x}" if challenge.has_qop else ""
        cnonce = self._make_cnonce() if challenge.has_qop else ""
        algorithm = challenge.algorithm
        response = digest_response(
            algorithm,
            digest_secret(algorithm, self._user, challenge.realm, self._password),
            method=method,
            uri=uri,
            nonce=challenge.nonce,
            count=count,
            cnonce=cnonce,
        )
        opaque = "" if challenge.opaque is None else f", opaque={quote(challenge.opaque)}"
        qop = f", qop=auth, nc={count}, cnonce={quote(cnonce)}" if challenge.has_qop else ""
        return (
            f"Digest username={quote(self._user)}, realm={quote(challenge.realm)}, "
            f"nonce={quote(challenge.nonce)}, uri={quote(uri)}, response={quote(response)}, "
            f"algorithm={algorithm}{opaque}{qop}"
        )


def digest_secret(algorithm: str, user: str, realm: str, password: str) -> str:
    """Return the hash that stands for a password, A1's (RFC 7616, section 3.4.2)."""
    return _HASHES[algorithm](_bytes(f"{user}:{realm}:{password}"))


def digest_response(
    algorithm: str, secret: str, *, method: str, uri: str, nonce: str, count: str, cnonce: str
) -> str:
    """Return the hexadecimal answer to a challenge (RFC 7616, section 3.4.1).

    Args:
        secret: What `digest_secret` gives.
        count: Eight hexadecimal digits; empty without ``qop`` (RFC 2069).
    """
    hash_of = _HASHES[algorithm]
    request = hash_of(_bytes(f"{method}:{uri}"))
    middle = f"{nonce}:{count}:{cnonce}:auth" if count else nonce
    return hash_of(_bytes(f"{secret}:{middle}:{request}"))


def parse_digest(text: str) -> dict[str, str]:
    """Return the parameters of a challenge or of credentials, by lower-case name, unquoted.

    Raises:
        BadDigest: The scheme is another one, or the parameters have the wrong form.
    """
    scheme = _SCHEME.match(text)
    if not scheme:
        raise BadDigest("has another scheme than Digest")
    pairs: dict[str, str] = {}
    end = scheme.end()
    while end < len(text):
        found = _PAIR.match(text, end)
        if not found:
            raise BadDigest("has a parameter of the wrong form")
        name = found[1].lower()
        if name in pairs:
            raise BadDigest(f"has {name} twice")
        pairs[name] = unquote(found[2])
        end = found.end()
    return pairs


def _is_complete(given: dict[str, str], algorithms: Collection[str]) -> bool:
    return (
        given.keys() >= {"username", "nonce", "uri", "response", "cnonce"}
        and given.get("qop", "").lower() == "auth"
        and given.get("algorithm", "MD5").upper() in algorithms
        and _COUNT.fullmatch(given.get("nc", "")) is not None
    )


def _same_uri(a: str, b: str) -> bool:
    try:
        return a == b or Uri.parse(a).matches(Uri.parse(b))
    except BadUri:
        return False


def _strongest(challenges: Iterable[str]) -> Challenge | None:
    usable = []
    for text in challenges:
        try:
            challenge = Challenge.parse(text)
        except BadDigest:  # another scheme, which stands beside ours
            continue
        if challenge.algorithm in ALGORITHMS and challenge.offers_auth:
            usable.append(challenge)
    return min(usable, key=lambda challenge: ALGORITHMS.index(challenge.algorithm), default=None)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
