"""The events of the proxies, given to those who listen to a call."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from call_api.backends.opensips.events import ProxyEvent, Tell, decode_event

logger = logging.getLogger(__name__)

_UNREADABLE: Final = (msgspec.DecodeError, RecursionError, UnicodeError)


def parse_event(data: bytes) -> ProxyEvent | None:
    """Return the event in ``data``, or None if it holds none."""
    try:
        return decode_event(data)
    except _UNREADABLE:
        pass
    try:
        # Bytes of a SIP message that are no UTF-8 are passed on by the proxy as they came.
        return decode_event(data.decode("utf-8", errors="replace"))
    except _UNREADABLE:
        return None


class Listener(ABC):
    """Who is told of some events of some calls.

    Attributes:
        names: Those of the events.
        callids: Those of the calls.
    """

    def __init__(self, names: Sequence[str], callids: Sequence[str]) -> None:
        self.names = names
        self.callids = callids

    @abstractmethod
    def hear(self, event: ProxyEvent) -> None:
        """Take in an event. Never waits, never raises."""


class EventTable:
    """Who is told of which event: one look-up for each.

    Attributes:
        unreadable: Datagrams so far that were no event.
    """

    def __init__(self) -> None:
        self.unreadable = 0
        self._by_call: dict[str, tuple[Listener, ...]] = {}
        self._of_all: tuple[Tell, ...] = ()

    def __len__(self) -> int:
        return len(self._by_call)

    def add(self, listener: Listener) -> None:
        """Tell of its events, in the order in which they come in."""
        for callid in listener.callids:
            others = self._by_call.get(callid)
            self._by_call[callid] = (listener,) if others is None else (*others, listener)

    def remove(self, listener: Listener) -> None:
        """Tell it nothing more. Does no harm a second time."""
        for callid in listener.callids:
            listeners = self._by_call.get(callid)
            if listeners is None or listener not in listeners:
                continue
            if len(listeners) == 1:
                del self._by_call[callid]
            else:
                others = [one for one in listeners if one is not listener]
                self._by_call[callid] = tuple(others)

    def listen(self, names: Sequence[str], callids: Sequence[str], tell: Tell) -> "Listening":
        """Tell of these events of these calls, until that is closed."""
        listening = Listening(self, names, callids, tell)
        self.add(listening)
        return listening

    def listen_to_all(self, tell: Tell) -> Callable[[], None]:
        """Tell of every event of every call; return what ends that, once."""
        self._of_all = (*self._of_all, tell)
        return lambda: self._ignore(tell)

    def receive(self, data: bytes) -> None:
        """Tell whom it concerns; what is no event is dropped and counted."""
        event = parse_event(data)
        if event is None:
            self.unreadable += 1
            logger.warning("no event: %r", data[:200])
            return
        for tell in self._of_all:
            tell(event)
        listeners = self._by_call.get(event.params.callid)
        if listeners is None:
            return
        for listener in listeners:
            if event.method in listener.names:
                listener.hear(event)

    def _ignore(self, tell: Tell) -> None:
        others = list(self._of_all)
        others.remove(tell)
        self._of_all = tuple(others)


class Listening(Listener):
    """The right to be told of some events of some calls, until `close`."""

    def __init__(
        self, table: EventTable, names: Sequence[str], callids: Sequence[str], tell: Tell
    ) -> None:
        super().__init__(names, callids)
        self._table = table
        self._tell = tell

    def hear(self, event: ProxyEvent) -> None:
        """Tell of it."""
        self._tell(event)

    def close(self) -> None:
        """Stop. Does no harm a second time."""
        self._table.remove(self)
