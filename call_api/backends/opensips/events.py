"""The events of OpenSIPS: read from datagrams, given to those who listen to a call."""

import logging
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import msgspec
from msgspec import Struct

logger = logging.getLogger(__name__)

TRANSFER: Final = "E_CALL_TRANSFER"
HOLD: Final = "E_CALL_HOLD"
STATE: Final = "E_DLG_STATE_CHANGED"
REFUSED: Final = "E_REFER_REJECTED"
"""Raised by the proxy's configuration, if it says so: a phone refused a REFER."""

EVENTS: Final = (TRANSFER, HOLD, STATE, REFUSED)
OPTIONAL_EVENTS: Final = (REFUSED,)

ANSWERED: Final = 3
CONFIRMED: Final = 4
ENDED: Final = 5


class EventParams(Struct, frozen=True):
    """What an event says. Each kind of event has some of these.

    Attributes:
        leg: Whose leg it is, or something else: a Call-ID, nothing at all.
        state: ``start``, ``notify``, ``ok`` or ``fail``.
        status: Of a transfer: ``"180 Ringing"``, or empty.
        action: ``hold`` or ``unhold``.
        id: The proxy's own name for the dialog.
        new_state: Of a dialog: 1 new, 2 ringing, 3 answered, 4 acknowledged, 5 ended.
        code: The SIP status with which a REFER was refused.
        reason: Its words.
    """

    callid: str = ""
    leg: str | None = None
    transfer_callid: str | None = None
    destination: str | None = None
    state: str | None = None
    status: str | None = None
    action: str | None = None
    id: str | None = None
    old_state: int = 0
    new_state: int = 0
    code: int = 0
    reason: str | None = None


class ProxyEvent(Struct, frozen=True):
    """Something that happened in the proxy; ``method`` is the event's name."""

    method: str
    params: EventParams


Tell: TypeAlias = Callable[[ProxyEvent], None]
"""Is told of an event. Never waits, never raises."""

# Numbers may come as strings: a script's variables often are.
_decode = msgspec.json.Decoder(ProxyEvent, strict=False).decode
_UNREADABLE: Final = (msgspec.DecodeError, RecursionError, UnicodeError)


def parse_event(data: bytes) -> ProxyEvent | None:
    """Return the event in ``data``, or None if it holds none."""
    try:
        return _decode(data)
    except _UNREADABLE:
        pass
    try:
        # Bytes of a SIP message that are no UTF-8 are passed on by the proxy as they came.
        return _decode(data.decode("utf-8", errors="replace"))
    except _UNREADABLE:
        return None


class Listening:
    """The right to be told of the events of some calls, until `close`."""

    def __init__(self, close: Callable[["Listening"], None], keys: list[tuple[str, str]]) -> None:
        self._close = close
        self.keys = keys

    def close(self) -> None:
        """Stop. Does no harm a second time."""
        self._close(self)
        self.keys = []


class EventTable:
    """Who is told of which event: one look-up for each.

    Attributes:
        unreadable: Datagrams so far that were no event.
    """

    def __init__(self) -> None:
        self.unreadable = 0
        self._by_call: dict[tuple[str, str], dict[Listening, Tell]] = {}
        self._of_all: list[Tell] = []

    def __len__(self) -> int:
        return len(self._by_call)

    def listen(self, names: Sequence[str], callids: Sequence[str], tell: Tell) -> Listening:
        """Tell of these events of these calls, in the order in which they come in."""
        keys = [(name, callid) for name in names for callid in callids]
        listening = Listening(self._close, keys)
        for key in keys:
            self._by_call.setdefault(key, {})[listening] = tell
        return listening

    def listen_to_all(self, tell: Tell) -> Callable[[], None]:
        """Tell of every event of every call; return what ends that, once."""
        self._of_all.append(tell)
        return lambda: self._of_all.remove(tell)

    def receive(self, data: bytes) -> None:
        """Tell whom it concerns; what is no event is dropped and counted."""
        event = parse_event(data)
        if event is None:
            self.unreadable += 1
            logger.warning("no event: %r", data[:200])
            return
        for tell in tuple(self._of_all):
            tell(event)
        listeners = self._by_call.get((event.method, event.params.callid))
        if listeners is not None:
            for tell in tuple(listeners.values()):
                tell(event)

    def _close(self, listening: Listening) -> None:
        for key in listening.keys:
            listeners = self._by_call[key]
            del listeners[listening]
            if not listeners:
                del self._by_call[key]


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
