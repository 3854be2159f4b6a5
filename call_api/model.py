"""The words everybody uses: how a call, a party and a command are named."""

from typing import Annotated, Literal, NewType, TypeAlias

from msgspec import Meta

# The lookahead matters to Python alone, whose ``$`` also matches before a final line feed.
CallId = NewType(
    "CallId",
    Annotated[
        str,
        Meta(
            pattern=r"^[!-~]{1,256}$(?!\n)",
            description="a Call-ID: 1 to 256 printable ASCII characters without blanks",
        ),
    ],
)
"""A SIP Call-ID: 1 to 256 printable ASCII characters without blanks."""

CmdId = NewType(
    "CmdId",
    Annotated[
        str,
        Meta(
            pattern=r"^[ -~]{1,128}$(?!\n)",
            description="a command's id: 1 to 128 printable ASCII characters",
        ),
    ],
)
"""The client's name for a command: 1 to 128 printable ASCII characters."""

SipUri = NewType(
    "SipUri", Annotated[str, Meta(description="a SIP or SIPS URI, as in sip:alice@example.com")]
)
"""A SIP or SIPS URI without headers (RFC 3261, section 19.1), checked by `call_api.sip.uri`."""

LegName: TypeAlias = Literal["caller", "callee"]
"""One side of a call, as it was when the call began."""

LEGS: tuple[LegName, LegName] = ("caller", "callee")

CallState: TypeAlias = Literal["created", "ringing", "answered", "ended"]
"""How far a call has come; the same words as in `CallEvent`."""

CallChangeName: TypeAlias = Literal[
    "created",
    "ringing",
    "branch_failed",
    "answered",
    "held",
    "resumed",
    "transferred",
    "ended",
]
"""What can happen to a call."""

DialectName: TypeAlias = Literal["v1", "v2"]
