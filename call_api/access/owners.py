"""Whose calls are: what a token's command made belongs to the token, whatever it is called."""

from collections.abc import Callable

from call_api.backends.base import Backend, CallChange, Watching
from call_api.model import CallId

MOST = 200_000
"""Calls that are known; of more the oldest ones are nobody's: those may see them who see all."""


class Owners:
    """Remembers whose the calls are, and follows them as they change their names and end.

    The back end is watched only while there are calls that have an owner.

    Args:
        call_soon: Calls its argument in the loop's next turn.
        are_needed: Whether owners matter now: while everybody sees all, a call is nobody's, and
            costs nothing.
    """

    def __init__(
        self,
        backend: Backend,
        call_soon: Callable[[Callable[[], None]], object],
        *,
        are_needed: Callable[[], bool] = lambda: True,
        most: int = MOST,
    ) -> None:
        self._are_needed = are_needed
        self._backend = backend
        self._call_soon = call_soon
        self._most = most
        self._calls: dict[_OwnedCall, None] = {}  # the oldest one first
        self._named: dict[CallId, _OwnedCall] = {}
        self._watching: Watching | None = None

    def __len__(self) -> int:
        return len(self._calls)

    def owner(self, callid: CallId) -> str | None:
        """Return the token that a call belongs to; None: nobody's, or no call."""
        call = self._named.get(callid)
        return None if call is None else call.token

    def calls_of(self, token: str) -> set[CallId]:
        """Return what the calls of a token are called now."""
        return {call.callid for call in self._calls if call.token == token}

    def own(self, callid: CallId, token: str) -> None:
        """Take note of a call that is being made for a token."""
        if callid in self._named or not self._are_needed():
            return
        call = _OwnedCall(token, callid)
        self._calls[call] = None
        self._named[callid] = call
        if len(self._calls) > self._most:
            self._drop(next(iter(self._calls)))
        if self._watching is None:
            self._watching = self._backend.watch(self._heed)

    def rename(self, old: CallId, new: CallId) -> None:
        """Take note that a call has another name, too."""
        call = self._named.get(old)
        if call is not None:
            self._name(call, new)
            call.callid = new

    def forget(self, callid: CallId) -> None:
        """Take note that a call is over, or has not come to be."""
        call = self._named.get(callid)
        if call is not None:
            self._drop(call)

    def _heed(self, change: CallChange) -> None:
        callid = change.call.callid
        call = self._first((callid, *change.names))
        if call is None:
            return
        if change.event == "ended":
            # The others who watch are to know whose it was, until they have heard of it.
            self._call_soon(lambda: self._end(call, (callid, *change.names)))
            return
        call.callid = callid
        for name in (callid, *change.names):
            self._name(call, name)

    def _first(self, names: tuple[CallId, ...]) -> "_OwnedCall | None":
        return next((self._named[name] for name in names if name in self._named), None)

    def _name(self, call: "_OwnedCall", name: CallId) -> None:
        """Give a call a name, taking it from another one that has become a part of it."""
        before = self._named.get(name)
        if before is call:
            return
        if before is not None:
            before.names.discard(name)
            if not before.names:
                self._calls.pop(before, None)
        call.names.add(name)
        self._named[name] = call

    def _end(self, call: "_OwnedCall", names: tuple[CallId, ...]) -> None:
        """Forget a call that has ended; of one that went into another one its own names only."""
        if call.callid in names:
            self._drop(call)

    def _drop(self, call: "_OwnedCall") -> None:
        self._calls.pop(call, None)
        while call.names:
            del self._named[call.names.pop()]
        if not self._calls and self._watching is not None:
            self._watching.close()
            self._watching = None


class _OwnedCall:
    """One call, under all its names."""

    __slots__ = ("callid", "names", "token")

    def __init__(self, token: str, callid: CallId) -> None:
        self.token = token
        self.callid = callid  # what it is called now
        self.names = {callid}
