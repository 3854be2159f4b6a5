"""How long SIP waits: the timers of RFC 3261, table 4, and those that RFC 6026 added."""

from dataclasses import dataclass
from enum import StrEnum


class Timer(StrEnum):
    """The timers of transactions, named as in the RFCs."""

    A = "A"
    """An INVITE is sent again."""
    B = "B"
    """An INVITE that nobody answers is given up."""
    D = "D"
    """How long a failed INVITE's final response may be repeated."""
    E = "E"
    """A request other than INVITE is sent again."""
    F = "F"
    """A request other than INVITE that nobody answers is given up."""
    G = "G"
    """A failure response to an INVITE is sent again."""
    H = "H"
    """A failure response to an INVITE that gets no ACK is given up."""
    I = "I"  # noqa: E741  # the RFC's name
    """How long the ACK of a failure may be repeated."""
    J = "J"
    """How long a request other than INVITE may be repeated."""
    K = "K"
    """How long the response to a request other than INVITE may be repeated."""
    L = "L"
    """How long an INVITE that was accepted may be repeated (RFC 6026, section 7.1)."""
    M = "M"
    """How long the 2xx of an INVITE may be repeated, or a fork's may come (RFC 6026, 7.2)."""
    TRYING = "100"
    """The 200 ms, without a letter, after which an INVITE gets a 100 (RFC 3261, 17.2.1)."""


_START_AT_T1 = frozenset((Timer.A, Timer.E, Timer.G))
_T4 = frozenset((Timer.I, Timer.K))
_ZERO_IF_RELIABLE = frozenset((Timer.D, Timer.I, Timer.J, Timer.K))


@dataclass(frozen=True, kw_only=True, slots=True)
class Timers:
    """The values that all timers are made of, in seconds.

    Attributes:
        t1: Estimate of a round trip.
        t2: The longest pause between two transmissions of a non-INVITE request or a response.
        t4: How long a message stays in the network.
        trying: How long the TU may be silent before an INVITE gets its 100.

    Raises:
        ValueError: One of them is not positive.
    """

    t1: float = 0.5
    t2: float = 4.0
    t4: float = 5.0
    trying: float = 0.2

    def __post_init__(self) -> None:
        for name in ("t1", "t2", "t4", "trying"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive, not {getattr(self, name)}")

    @property
    def give_up_after(self) -> float:
        """64 times T1: how long anything waits for an answer."""
        return 64 * self.t1

    def seconds(self, timer: Timer, *, reliable: bool) -> float:
        """Return what a timer is set to first (RFC 3261, table 4).

        Args:
            reliable: Whether the transport is; some timers are 0 then.
        """
        if reliable and timer in _ZERO_IF_RELIABLE:
            return 0.0
        if timer in _START_AT_T1:
            return self.t1
        if timer in _T4:
            return self.t4
        return self.trying if timer is Timer.TRYING else self.give_up_after


def invite_retransmissions(t1: float = 0.5) -> list[float]:
    """Return when to send an INVITE again, in seconds after the first time.

    For unreliable transports only. Timer A starts at ``t1`` and doubles until timer B
    ends it at 64 times ``t1`` (RFC 3261, section 17.1.1.2). By default this gives 0.5,
    1.5, 3.5, 7.5, 15.5 and 31.5: seven INVITEs within 32 seconds.

    Args:
        t1: Estimate of a round trip, in seconds; more than 0.5 on slow links.

    Raises:
        ValueError: ``t1`` is not positive.
    """
    if t1 <= 0:
        raise ValueError(f"t1 must be positive, not {t1}")
    return [t1 * (2**n - 1) for n in range(1, 7)]
