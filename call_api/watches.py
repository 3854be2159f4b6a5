"""Who watches which calls: the back end tells a change once, and so does each client hear it."""

from collections.abc import Callable

from call_api import jsonrpc
from call_api.backends.base import Backend, CallChange, Watching
from call_api.commands.call_watch import CallEvent
from call_api.errors import TooManyRequests
from call_api.model import CallId


class Watchers:
    """The clients that watch. The back end is watched once for all, while there is one."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._watching: Watching | None = None
        self._of_all: dict[Watches, None] = {}
        self._of_one: dict[CallId, dict[Watches, None]] = {}

    def add(self, watches: "Watches", callid: CallId | None) -> None:
        """Tell a client of a call's changes from now on; None: of every call's."""
        if callid is None:
            self._of_all[watches] = None
        else:
            self._of_one.setdefault(callid, {})[watches] = None
        if self._watching is None:
            self._watching = self._backend.watch(self._tell)

    def remove(self, watches: "Watches", callid: CallId | None) -> None:
        """Take that back. Does no harm if it was not so."""
        if callid is None:
            self._of_all.pop(watches, None)
        elif (others := self._of_one.get(callid)) is not None:
            others.pop(watches, None)
            if not others:
                del self._of_one[callid]
        if not self._of_all and not self._of_one and self._watching is not None:
            self._watching.close()
            self._watching = None

    def _tell(self, change: CallChange) -> None:
        callid = change.call.callid
        for name in change.names:
            for watches in self._watchers_of(name) if name != callid else ():
                watches.rename(name, callid)
        of_one = self._watchers_of(callid)
        told = dict.fromkeys((*self._of_all, *of_one))
        if told:
            text = jsonrpc.encode_notification("CallEvent", CallEvent.of(change))
            for watches in told:
                if watches.may_see is None or watches.may_see(change):
                    watches.send(text)
        if change.event == "ended":
            for watches in of_one:
                watches.forget(callid)

    def _watchers_of(self, callid: CallId) -> "tuple[Watches, ...]":
        return tuple(self._of_one.get(callid, ()))


class Watches:
    """What one client watches: all calls, or some of them one by one, or both.

    A call that was watched under an old name, or under that of one of its legs, is watched on
    under the name that it has; with the call ends its watch.

    Args:
        send: Takes one notification. Must not raise.
        most: How many calls it may watch one by one.
        may_see: Whether it may hear of a change; None: of all.
    """

    def __init__(
        self,
        *,
        watchers: Watchers,
        send: Callable[[bytes], None],
        most: int,
        may_see: Callable[[CallChange], bool] | None = None,
    ) -> None:
        self.send = send
        self.may_see = may_see
        self._watchers = watchers
        self._most = most
        self._waiting: set[CallId | None] = set()  # until the client is answered
        self._names: dict[CallId, CallId] = {}  # what it said -> what the call is called now

    def ask_for(self, callid: CallId | None) -> None:
        """Note that the client wants a call's changes, or with None every call's.

        Raises:
            TooManyRequests: It watches as many calls as it may.
        """
        if callid in self._names:
            return
        if callid is not None and len(self._names) + len(self._waiting) >= self._most:
            raise TooManyRequests(retry_after=1.0)
        self._waiting.add(callid)

    def begin(self, callid: CallId | None) -> None:
        """Send what was asked for, unless the client has thought better of it by now."""
        if callid not in self._waiting:
            return
        self._waiting.discard(callid)
        if callid is not None:
            self._names[callid] = callid
        self._watchers.add(self, callid)

    def end(self, callid: CallId | None) -> None:
        """Send no more of what was asked for like this. Does no harm if nothing was."""
        self._waiting.discard(callid)
        if callid is None:
            self._watchers.remove(self, None)
            return
        now = self._names.pop(callid, None)
        if now is None:  # it may be the new name of a call that it watches under an old one
            self.forget(callid)
        elif now not in self._names.values():
            self._watchers.remove(self, now)

    def close(self) -> None:
        """Send nothing more."""
        self._waiting.clear()
        for callid in (None, *self._names.values()):
            self._watchers.remove(self, callid)
        self._names.clear()

    def rename(self, old: CallId, new: CallId) -> None:
        """Take note that a call has a new name."""
        for said, now in self._names.items():
            if now == old:
                self._names[said] = new
        self._watchers.add(self, new)  # first: there must always be one who watches
        self._watchers.remove(self, old)

    def forget(self, callid: CallId) -> None:
        """Take note that a call is over."""
        for said in [said for said, now in self._names.items() if now == callid]:
            del self._names[said]
        self._watchers.remove(self, callid)
