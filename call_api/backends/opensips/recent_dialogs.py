"""The dialogs that came up last, as events tell of them."""

from collections.abc import Callable
from typing import Final

from call_api.backends.opensips.events import ANSWERED, CONFIRMED, ENDED, STATE, ProxyEvent

ACK_WITHIN: Final = 1.0
"""Seconds from the answer of a call until its ACK: a phone that takes longer has lost it."""


class RecentDialogs:
    """The Call-IDs of the dialogs that came up last, for those who look for one of them.

    Args:
        clock: Tells the time, in seconds.
        kept: How many are remembered; beyond it the oldest is forgotten.
    """

    def __init__(self, clock: Callable[[], float], kept: int = 256) -> None:
        self._clock = clock
        self._kept = kept
        # When, by Call-ID, oldest first.
        self._answered: dict[str, float] = {}
        self._acknowledged: dict[str, float] = {}
        self._numbers: dict[str, int] = {}  # by Call-ID, oldest first
        self._last = 0

    @property
    def mark(self) -> int:
        """A point in time, for `since`."""
        return self._last

    def receive(self, event: ProxyEvent) -> None:
        """Remember the dialog, if the event says that it is new or alive."""
        if event.method != STATE or not 1 < event.params.new_state < ENDED:
            return
        callid = event.params.callid
        if event.params.new_state == ANSWERED:
            self._note(callid, self._answered)
        elif event.params.new_state == CONFIRMED:
            self._note(callid, self._acknowledged)
        if callid in self._numbers:
            return
        self._last += 1
        self._numbers[callid] = self._last
        if len(self._numbers) > self._kept:
            del self._numbers[next(iter(self._numbers))]

    def number(self, callid: str) -> int:
        """Return the place of a dialog in the order in which they came up; 0: not known."""
        return self._numbers.get(callid, 0)

    def rings(self, callid: str) -> bool:
        """Return whether a dialog has come up lately, and is not answered yet."""
        return (
            callid in self._numbers
            and callid not in self._answered
            and callid not in self._acknowledged
        )

    def awaits_ack(self, callid: str) -> bool:
        """Return whether a dialog was answered lately, and is not acknowledged yet."""
        since = self._answered.get(callid)
        return (
            since is not None
            and callid not in self._acknowledged
            and self._clock() - since < ACK_WITHIN
        )

    def acknowledged_for(self, callid: str) -> float | None:
        """Return for how many seconds a dialog has been acknowledged; None: for long."""
        since = self._acknowledged.get(callid)
        return None if since is None else self._clock() - since

    def since(self, mark: int) -> list[str]:
        """Return the Call-IDs of those that came up after ``mark``, the latest first."""
        return [callid for callid, number in reversed(self._numbers.items()) if number > mark]

    def _note(self, callid: str, when: dict[str, float]) -> None:
        when.setdefault(callid, self._clock())
        if len(when) > self._kept:
            del when[next(iter(when))]
