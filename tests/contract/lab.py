"""What the contract suite needs of a back end's surroundings: phones that do as they are told.

A back end takes part by a `Lab` of its own in `tests.contract.labs`.
"""

from collections.abc import Mapping
from typing import Protocol

from call_api.backends.base import Backend
from call_api.model import SipUri

WITHIN = 10.0
"""Seconds in which what has to happen does happen, on a busy machine too."""

NAMES = ("alice", "bob", "carol", "dave")


class LabPhone(Protocol):
    """A registered phone of one user."""

    @property
    def uri(self) -> SipUri:
        """Its user's URI."""

    async def behave(
        self,
        *,
        answer_after: float | None = 0.05,
        refuse_with: int | None = None,
        refuse_changes_with: int | None = None,
    ) -> None:
        """Set how it treats its callers from now on.

        Args:
            answer_after: Seconds of ringing; None: it rings until somebody gives up.
            refuse_with: Status with which it refuses calls.
            refuse_changes_with: Status with which it refuses to be put on hold or moved.
        """

    async def call(self, uri: str) -> None:
        """Call somebody."""

    async def hang_up(self) -> None:
        """End all its calls, those included that ring."""

    async def rings(self) -> None:
        """Wait until it rings."""

    async def talks(self) -> None:
        """Wait until its one call is up and sound comes in."""

    async def is_silent(self) -> None:
        """Wait until no sound comes in any more, though it is in a call."""

    async def is_idle(self) -> None:
        """Wait until it is in no call."""

    async def callids(self) -> list[str]:
        """Return the Call-IDs of its calls."""


class Lab(Protocol):
    """A back end and its phones.

    Attributes:
        phones: By name, one for each of `NAMES`.
        nobody: URI of one who has no phone.
        ring_for: Seconds an INVITE may ring.
    """

    backend: Backend
    phones: Mapping[str, LabPhone]
    nobody: SipUri
    ring_for: float
