"""The settings about who may do what: tokens, limits, TLS, the audit log."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, TypeAlias

from msgspec import Meta

from call_api.config_types import Line, Section, Word

TokenName: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^[0-9A-Za-z_.@-]{1,64}$(?!\n)",
        extra={"expected": "a name of 1 to 64 letters, digits and . _ @ -"},
    ),
]
"""Whose a command is. It stands in logs, so it holds nothing that could be mistaken there."""

Sha256: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^[0-9a-f]{64}$(?!\n)",
        extra={"expected": "the SHA-256 of a token, 64 digits of 0-9 and a-f", "secret": True},
    ),
]
"""Not shown: somebody may have put the token itself there."""

When: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^(?:[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?)?$(?!\n)",
        extra={"expected": "a day like 2027-01-31, or a time like 2027-01-31T12:00:00Z, in UTC"},
    ),
]

UriPattern: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^[^\x00-\x20\x7f@]{1,255}@[0-9A-Za-z_.:*?\[\]-]{1,253}$(?!\n)",
        extra={"expected": "user@host, with * for any characters, as in *@example.com"},
    ),
]

Origin: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^https?://[0-9A-Za-z_.:\[\]-]{1,253}$(?!\n)",
        extra={"expected": "an origin like https://app.example.com, without a path"},
    ),
]

Secret: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^(?:[^\x00-\x1f\x7f]{32,1024})?$(?!\n)",
        extra={"expected": "a secret of at least 32 characters on one line", "secret": True},
    ),
]

TokenText: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^[0-9A-Za-z._~+/-]{0,8192}={0,2}$(?!\n)",
        extra={"expected": "a token, of letters, digits and . _ ~ + / -", "secret": True},
    ),
]

Count: TypeAlias = Annotated[int, Meta(ge=0, le=10_000_000)]
"""How many; 0: any number."""


class Tls(Section, frozen=True, kw_only=True):
    """With a certificate, clients connect to wss:// and to nothing else.

    Attributes:
        certificate: A PEM file with the daemon's certificate, and the chain to its CA.
        key: A PEM file with its private key; empty: it is in the other file.
        client_ca: A PEM file: only clients with a certificate of one of these CAs may connect.
    """

    certificate: Line = ""
    key: Line = ""
    client_ca: Line = ""

    def __post_init__(self) -> None:
        if not self.certificate and (self.key or self.client_ca):
            name = "key" if self.key else "client_ca"
            raise ValueError(f"{name}: expected a certificate beside it, as tls.certificate")


class Token(Section, frozen=True, kw_only=True):
    """One token.

    Attributes:
        scopes: What it may do (`call_api.access.scopes`).
        expires: When it ends, UTC; empty: never.
        callers: Who may be made to call; empty: anybody.
        callees: Who may be called or be a destination; empty: anybody.
    """

    sha256: Sha256
    scopes: tuple[Word, ...] = ("control",)
    expires: When = ""
    callers: tuple[UriPattern, ...] = ()
    callees: tuple[UriPattern, ...] = ()

    def __repr__(self) -> str:
        """Everything but what the token could be found out from: this may end in a log."""
        return f"Token(scopes={self.scopes!r}, expires={self.expires!r})"


class Jwt(Section, frozen=True, kw_only=True):
    """Tokens that somebody else issues and signs (RFC 7519).

    Attributes:
        algorithm: The one that is accepted; empty: none.
        secret: The key of HS256, at least 32 characters.
        key_file: A PEM file with the public key of RS256 or ES256.
        audience: What ``aud`` has to name; empty: it is not looked at.
        issuer: What ``iss`` has to be; empty: it is not looked at.
        name_claim: Which claim is the token's name.
        scopes_claim: Which claim has the scopes: a list, or text with blanks between them.
    """

    algorithm: Literal["", "HS256", "RS256", "ES256"] = ""
    secret: Secret = ""
    key_file: Line = ""
    audience: Line = ""
    issuer: Line = ""
    name_claim: Word = "sub"
    scopes_claim: Word = "scope"

    def __post_init__(self) -> None:
        wanted = "secret" if self.algorithm == "HS256" else "key_file"
        if self.algorithm and not getattr(self, wanted):
            raise ValueError(f"{wanted}: expected the key of {self.algorithm}")

    def __repr__(self) -> str:
        """Everything but the secret: this may end in a log."""
        return f"Jwt(algorithm={self.algorithm!r}, issuer={self.issuer!r})"


class Auth(Section, frozen=True, kw_only=True):
    """Who may connect.

    Attributes:
        mode: ``none``: anybody may do everything, from wherever the daemon can be reached.
        tokens: The tokens, by their names.
        token_file: A file with more of them, which ``call-api token`` writes.
    """

    word: ClassVar[str] = "mode"

    mode: Literal["token", "none"] = "token"
    tokens: Mapping[TokenName, Token] = {}
    token_file: Line = ""
    jwt: Jwt = Jwt()

    @property
    def wants_token(self) -> bool:
        """Whether a client needs a token: there are some, or there is a place for some."""
        return self.mode == "token" and bool(self.tokens or self.token_file or self.jwt.algorithm)

    def __post_init__(self) -> None:
        if self.mode == "none" and (self.tokens or self.token_file or self.jwt.algorithm):
            raise ValueError("mode: expected token, or no tokens beside none")

    def __repr__(self) -> str:
        """Everything but what a token could be found out from: this may end in a log."""
        names = f"tokens={sorted(self.tokens)!r}, token_file={self.token_file!r}"
        return f"Auth(mode={self.mode!r}, {names}, jwt={self.jwt!r})"


class Quota(Section, frozen=True, kw_only=True):
    """How much one token, or one address, may have and do; 0 is no limit.

    Attributes:
        connections: Clients at the same time.
        running: Commands that run at the same time.
        per_second: Requests a second, in the long run; twice as many may come at once.
        calls_per_minute: CallStart a minute, in the long run; as many may come at once.
    """

    connections: Count = 0
    running: Count = 0
    per_second: Count = 0
    calls_per_minute: Count = 0


class AddressQuota(Quota, frozen=True, kw_only=True):
    """How much may come from one address.

    Attributes:
        loopback: Whether that is so for this machine's own addresses, too.
    """

    loopback: bool = False


class Limits(Section, frozen=True, kw_only=True):
    """What bounds each client.

    Attributes:
        batch: Requests in one batch.
    """

    token: Quota = Quota(connections=1000, running=1000, per_second=1000, calls_per_minute=600)
    address: AddressQuota = AddressQuota(
        connections=200, running=1000, per_second=500, calls_per_minute=300
    )
    batch: Annotated[int, Meta(ge=1, le=10_000)] = 100


class Client(Section, frozen=True, kw_only=True):
    """How our own clients come in.

    Attributes:
        token: What says to the daemon who we are.
        token_file: A file with it.
        tls: Whether to connect by TLS. (What else needs it says so, too: ``ca_file``, a
            certificate.)
        ca_file: A PEM file: whom to trust; empty: whom the system does.
        certificate: A PEM file: our own certificate, for a daemon that wants one.
        key: A PEM file: its key; empty: it is in the same file.
    """

    token: TokenText = ""
    token_file: Line = ""
    tls: bool = False
    ca_file: Line = ""
    certificate: Line = ""
    key: Line = ""

    def __post_init__(self) -> None:
        if self.token and self.token_file:
            raise ValueError("token: expected either it or token_file")

    @property
    def wants_tls(self) -> bool:
        """Whether to connect by TLS."""
        return self.tls or bool(self.ca_file or self.certificate)

    def __repr__(self) -> str:
        """Everything but the token: this may end in a log."""
        return f"Client(token_file={self.token_file!r}, tls={self.wants_tls!r})"


class Audit(Section, frozen=True, kw_only=True):
    """What is written down about who did what.

    Attributes:
        file_path: The file it is appended to, as JSON lines; reopened on SIGHUP. Empty: none.
    """

    file_path: Line = ""
