"""The calls that there are, by what is told of them. No I/O.

While there is no connection nothing is told. What has happened meanwhile is found afterwards by
comparing what was known with the list of calls.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec.structs import replace

from call_api.backends.base import CallInfo
from call_api.commands.call_watch import CallEvent
from call_api.model import CallChangeName, CallId

_RANKS: Final = {"created": 0, "ringing": 1, "answered": 2, "ended": 3}
"""How far a call has come: it never goes back."""

_LATER: Final = ("ringing", "answered", "held", "resumed")
"""What happens only to a call that there is."""


class Mirror:
    """All calls, or one of them.

    Args:
        callid: The only call that counts; None: all do.

    Attributes:
        callid: What that call is called now.
        calls: Every call that counts and has not ended, oldest first.
        is_over: Whether the only call that counts has ended.
    """

    def __init__(self, callid: str | None = None) -> None:
        self.callid = callid
        self.calls: dict[CallId, CallInfo] = {}
        self.is_over = False
        self._touched: set[CallId] = set()  # told of since the list was asked for
        self._inferred: dict[CallId, CallInfo] = {}  # found in the list, and not told of since

    def ask_for_list(self) -> None:
        """Note that the list is asked for now: what is told from now on may be newer than it."""
        self._touched.clear()

    def take(self, change: CallEvent) -> list[CallEvent]:
        """Note a change; return what of it is news.

        That a call was made may have been missed: it is news then as well.
        """
        if not self._counts(change):
            return []
        self._touched.add(change.callid)
        if self._is_known(change):
            return []
        is_missed = change.event in _LATER and change.callid not in self.calls
        self._note(change)
        return [replace(change, event="created"), change] if is_missed else [change]

    def compare(self, listed: Iterable[CallInfo]) -> list[CallEvent]:
        """Note what is in the list; return the changes by which that differs from what was known.

        A call that was told of since the list was asked for is as it was told.
        """
        now = {
            call.callid: call
            for call in listed
            if call.callid not in self._touched and self.callid in (None, call.callid)
        }
        gone = [
            replace(call, state="ended", held=())
            for callid, call in self.calls.items()
            if callid not in now and callid not in self._touched
        ]
        found = [change for call in (*gone, *now.values()) for change in self._differences(call)]
        for change in found:
            self._note(change)
        self._inferred = {change.callid: change.call for change in found}
        return found

    def _counts(self, change: CallEvent) -> bool:
        if self.callid is None or change.callid == self.callid:
            return True
        if self.callid not in change.was:
            return False
        self.calls.pop(CallId(self.callid), None)
        self.callid = change.callid
        return True

    def _is_known(self, change: CallEvent) -> bool:
        """Whether a change is one that was found in the list, or came before such a one."""
        found = self._inferred.get(change.callid)
        if found is None or change.event == "branch_failed":
            return False
        if _RANKS[change.call.state] < _RANKS[found.state]:
            return True
        del self._inferred[change.callid]
        return change.call == found or found.state == "ended"

    def _note(self, change: CallEvent) -> None:
        if change.event != "ended":
            self.calls[change.callid] = change.call
            return
        self.calls.pop(change.callid, None)
        self.is_over = change.callid == self.callid

    def _differences(self, call: CallInfo) -> Iterator[CallEvent]:
        for event in _between(self.calls.get(call.callid), call):
            yield CallEvent(callid=call.callid, event=event, call=call)


def _between(before: CallInfo | None, now: CallInfo) -> Iterator[CallChangeName]:
    """Yield what has happened to a call."""
    if before is None:
        yield "created"
    elif (before.caller, before.callee) != (now.caller, now.callee):
        yield "transferred"
    if now.state not in ("created", None if before is None else before.state):
        yield now.state
    held, holds = set(before.held) if before else set(), set(now.held)
    if now.state != "ended" and holds - held:
        yield "held"
    if now.state != "ended" and held - holds:
        yield "resumed"
