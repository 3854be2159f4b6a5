"""The calls that were ended just now: the proxy agrees before it has done so."""

from collections import deque
from typing import Final

from call_api.model import CallId

_WITHIN: Final = 1.0
"""Seconds from the proxy's consent until it lists the call as ended: until a phone has answered a
BYE. If none does the proxy gives up later, but then it has agreed to end it once more."""

_KEPT: Final = 1024  # calls; beyond it the oldest is forgotten


class EndedCalls:
    """Remembers Call-IDs for a moment. Times are seconds, on any one clock."""

    def __init__(self) -> None:
        self._at: dict[CallId, float] = {}
        self._order: deque[CallId] = deque()  # the oldest first

    def add(self, callid: CallId, now: float) -> None:
        """A call is over, for whoever asks."""
        if callid in self._at:
            self._order.remove(callid)
        self._at[callid] = now
        self._order.append(callid)
        if len(self._order) > _KEPT:
            del self._at[self._order.popleft()]

    def has(self, callid: CallId, now: float) -> bool:
        """Return whether a call was ended just now."""
        at = self._at.get(callid)
        return at is not None and now < at + _WITHIN
