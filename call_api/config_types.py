"""The types of settings: what each asks for, and how an error says that."""

import ipaddress
from typing import Annotated, ClassVar, Literal, TypeAlias

from msgspec import Meta, Struct

# An error names what a pattern asks for by ``extra["expected"]``.
Port: TypeAlias = Annotated[int, Meta(ge=0, le=65535)]
"""A port to listen on; 0 takes a free one."""

Host: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^[0-9A-Za-z_.:%-]{1,253}$(?!\n)",
        extra={"expected": "a host name or an IP address"},
    ),
]

HttpPath: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^/(?:[0-9A-Za-z._~-]+(?:/[0-9A-Za-z._~-]+)*)?$(?!\n)",
        extra={"expected": "a path like /call-api, of letters, digits and . _ ~ -"},
    ),
]

SipUriText: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^sips?:[!-;=?-~]{1,255}$(?!\n)",
        extra={"expected": "a SIP URI like sip:127.0.0.1:5060"},
    ),
]

Word: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^[^\x00-\x20\x7f]{1,255}$(?!\n)",
        extra={"expected": "text without blanks and control characters"},
    ),
]

Line: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^[^\x00-\x1f\x7f]{0,4096}$(?!\n)",
        extra={"expected": "text on one line, without control characters"},
    ),
]

Password: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^[^\x00-\x1f\x7f]{1,1024}$(?!\n)",
        extra={"expected": "a password on one line", "secret": True},
    ),
]
"""A value that is never shown."""

BackendName: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^(?:[a-z][a-z0-9_]*)?$(?!\n)",
        extra={"expected": "the name of a back end, such as embedded or opensips"},
    ),
]

MiUrl: TypeAlias = Annotated[
    str,
    Meta(
        pattern=(
            r"^(?:(?:udp:)?(?:\[[0-9A-Fa-f:.%]+\]|[0-9A-Za-z._-]+):[0-9]{1,5}"
            r"|unix:/[!-~]+|http://[!-~]+)?$(?!\n)"
        ),
        extra={"expected": "host:port, udp:host:port, unix:/path or http://host:port/mi"},
    ),
]

EventsUrl: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^(?:udp|(?:udp|tcp):[!-~]{1,253}:[0-9]{1,5})$(?!\n)",
        extra={"expected": "udp, udp:host:port or tcp:host:port"},
    ),
]

DigestAlgorithm: TypeAlias = Literal["SHA-256", "MD5"]
"""What a phone's password may be hashed with (RFC 8760)."""

Seconds: TypeAlias = Annotated[float, Meta(ge=0.01, le=86400.0)]
"""A duration of 10 ms to one day."""


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach a socket bound to ``host``."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base class of all sections, and of what a setting holds that has keys of its own."""

    word: ClassVar[str] = ""
    """The key that is meant where a single word stands for the whole section."""
