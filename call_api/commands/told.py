"""What a command had told when its daemon died."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from call_api.backends.base import Remains
from call_api.errors import OwnerLost
from call_api.events import Error, Event
from call_api.model import CallId


@dataclass(frozen=True, slots=True)
class Told:
    """The events, in order, each as its name and its ``data`` in dialect v2 (None: it has none)."""

    events: Sequence[tuple[str, Any]]

    def has(self, kind: type[Event], **data: object) -> bool:
        """Return whether an event of a kind was told, with these members."""
        return any(
            name == kind.__name__ and data.items() <= (about or {}).items()
            for name, about in self.events
            if not isinstance(about, str)
        )

    @property
    def has_failed(self) -> bool:
        """Whether it was told that the command failed."""
        return any(name == Error.__name__ for name, _ in self.events)

    @property
    def callid(self) -> CallId | None:
        """What the call was called last; None: nothing was told of that."""
        for _, data in reversed(self.events):
            if isinstance(data, dict) and "callid" in data:
                return CallId(data["callid"])
        return None


def owner_lost(remains: Remains) -> OwnerLost:
    """Return what is told of a command that is not done."""
    return OwnerLost(remains.callid, "unknown" if remains.call == "gone" else remains.call)
