"""Who is to ring when somebody is called. No I/O."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, cast

from call_api.sip.flow import Flow
from call_api.sip.registrar import Registrar
from call_api.sip.uri import Uri


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A call that somebody wants to make: a phone, or a command for it.

    Attributes:
        caller: Who calls.
        callee: Who is called, as given.
    """

    caller: str
    callee: Uri


@dataclass(frozen=True, slots=True)
class Target:
    """One phone of a user.

    Attributes:
        uri: Its Contact, the Request-URI of the INVITE.
        flow: The way to it.
    """

    uri: str
    flow: Flow


@dataclass(frozen=True, slots=True)
class Ring:
    """These phones are to ring, all at once.

    Attributes:
        ring_for: Seconds.
    """

    targets: Sequence[Target]
    ring_for: float


@dataclass(frozen=True, slots=True)
class Refuse:
    """Nobody rings; the caller gets this answer."""

    status: int
    reason: str = ""


Decide: TypeAlias = Callable[[Incoming], Ring | Refuse]
"""The one place where it is decided what becomes of a call."""


class Clock(Protocol):
    """What tells the time by which bindings end."""

    def time(self) -> float:
        """Return the time in seconds."""


class Directory:
    """Rings every phone that a user has registered.

    Args:
        users: Names of those who could register; empty: whoever likes.
        ring_for: Seconds an INVITE may ring.
    """

    def __init__(
        self, registrar: Registrar, users: Collection[str], clock: Clock, *, ring_for: float
    ) -> None:
        self._registrar = registrar
        self._users = users
        self._clock = clock
        self._ring_for = ring_for

    def decide(self, incoming: Incoming) -> Ring | Refuse:
        """Return the phones of the callee.

        One who is known but has no phone now is 480, one who is unknown or of elsewhere is 404
        (RFC 3261, sections 21.4.5 and 21.4.18).
        """
        user = self._registrar.user_of(incoming.callee)
        if user is None:
            return Refuse(404)
        targets = self.phones_of(user)
        if targets:
            return Ring(targets, self._ring_for)
        return Refuse(480 if user in self._users else 404)

    def phones_of_uri(self, uri: str) -> list[Target]:
        """Return where the user with this URI can be reached now."""
        user = self._registrar.user_of(Uri.parse(uri))
        return [] if user is None else self.phones_of(user)

    def phones_of(self, user: str) -> list[Target]:
        """Return where the user can be reached now."""
        now = self._clock.time()
        # The registrar keeps flows for us without knowing what they are.
        found = [
            Target(str(binding.uri), cast(Flow, binding.flow))
            for binding in self._registrar.contacts(user)
            if binding.expires_at > now
        ]
        return [target for target in found if target.flow.is_open]
