"""The calls that were ended just now: the proxy agrees before it has done so."""

from collections import OrderedDict
from typing import Final

from call_api.model import CallId

_WITHIN: Final = 1.0
"""Seconds from the proxy's consent until it lists the call as ended: until a phone has answered a
BYE. If none does the proxy gives up later, but then it has agreed to end it once more."""

_KEPT: Final = 1024  # calls; beyond it the oldest is forgotten


class EndedCalls:
    """Remembers Call-IDs for a moment. Times are seconds, on any one clock."""

    def __init__(self) -> None:
        # Oldest first: a dict takes ever longer to find its first one while it loses it.
        self._at: OrderedDict[CallId, float] = OrderedDict()

    def add(self, callid: CallId, now: float) -> None:
        """A call is over, for whoever asks."""
        if callid in self._at:
            del self._at[callid]
        self._at[callid] = now
        if len(self._at) > _KEPT:
            self._at.popitem(last=False)

    def has(self, callid: CallId, now: float) -> bool:
        """Return whether a call was ended just now."""
        at = self._at.get(callid)
        return at is not None and now < at + _WITHIN
