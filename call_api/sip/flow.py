"""What SIP messages travel on: the way to one peer, as a transport offers it."""

from typing import Literal, Protocol, TypeAlias

Transport: TypeAlias = Literal["UDP", "TCP"]
"""How a flow's transport is spelled in a Via (RFC 3261, section 25.1)."""

Address: TypeAlias = tuple[str, int]
"""An IP address as text, without brackets, and a port."""


class Flow(Protocol):
    """The way to one peer: a UDP address, or one TCP connection (RFC 5626, section 2).

    Answers go back on the flow that brought the request, and requests to a phone go on the flow
    that brought its REGISTER or INVITE: that is what reaches a phone behind a NAT. Two flows are
    equal when what is sent on them takes the same way, and they can be keys of a dict.
    """

    @property
    def transport(self) -> Transport:
        """``UDP`` or ``TCP``."""

    @property
    def reliable(self) -> bool:
        """Whether lost bytes are sent again without our doing (RFC 3261, section 17)."""

    @property
    def local(self) -> Address:
        """Where the peer reaches us; goes into Via and Contact."""

    @property
    def peer(self) -> Address:
        """Where the peer is, as seen from here."""

    @property
    def is_open(self) -> bool:
        """Whether sending still makes sense. Never becomes true again."""

    def send(self, data: bytes) -> None:
        """Send one message. Never waits.

        Raises:
            OSError: It cannot be sent: the connection is gone, or the network refuses it.
        """

    def __hash__(self) -> int:
        """Return what equal flows have in common."""


def host_port(address: Address) -> str:
    """Return an address as SIP writes it, IPv6 in brackets (RFC 3261, section 25.1)."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def contact_uri(flow: Flow, user: str = "") -> str:
    """Return the URI that brings a peer's requests back to us over the same transport.

    Args:
        flow: The way to that peer. Over TCP the URI says so, because without the hint a peer
            answers with UDP or not at all (RFC 3261, section 19.1.1).
        user: The part before the ``@``, escaped already.
    """
    hint = ";transport=tcp" if flow.transport == "TCP" else ""
    return f"sip:{user}{'@' if user else ''}{host_port(flow.local)}{hint}"
