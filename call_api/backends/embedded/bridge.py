"""The calls: which legs are in them, what they are called, and who may change them now.

Tables and their rules alone: what is sent to a leg is the business of others. No I/O.
"""

import bisect
from collections import OrderedDict
from collections.abc import Iterator
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from call_api.backends.base import CallInfo, CallPage
from call_api.errors import CallBusy, UnknownCall
from call_api.model import LEGS, CallId, CallState, LegName

MAX_CURSORS = 1000
"""How many ends of pages are remembered after the call there has ended."""

_MIN_HOLES = 64  # ended calls that the order may keep before it is made anew


class Party(Protocol):
    """What has to be known of a leg here: one phone's dialog with us."""

    @property
    def callid(self) -> str:
        """The Call-ID of the dialog."""

    @property
    def tag(self) -> str:
        """Our tag in the dialog."""

    @property
    def holds(self) -> bool:
        """Whether the phone itself keeps the other party on hold."""


L = TypeVar("L", bound=Party)

OTHER: dict[LegName, LegName] = {"caller": "callee", "callee": "caller"}


class Call(Generic[L]):
    """What two parties are, or are about to be, joined by.

    Attributes:
        callid: What the call is called, whichever legs it has.
        started: When it was made, UTC.
        state: How far it has come.
        uris: Who the parties are, also while they have no leg.
        legs: The leg of each party that has answered, or that called us.
        branches: Legs that ring: of those that ring for one party one may win.
        held: Parties that a command has put on hold.
        owner: Who is changing the call now; None: nobody.
        told_held: The parties on hold, as those who watch the call know it.
    """

    __slots__ = (
        "branches",
        "callid",
        "held",
        "legs",
        "owner",
        "serial",
        "started",
        "state",
        "told_held",
        "uris",
    )

    def __init__(
        self, callid: CallId, serial: int, started: datetime, uris: dict[LegName, str]
    ) -> None:
        self.callid = callid
        self.serial = serial
        self.started = started
        self.state: CallState = "created"
        self.uris = uris
        self.legs: dict[LegName, L] = {}
        self.branches: set[L] = set()
        self.held: frozenset[LegName] = frozenset()
        self.owner: object | None = None
        self.told_held: tuple[LegName, ...] = ()

    def name_of(self, leg: L) -> LegName | None:
        """Return which party the leg is; None for one that only rings."""
        for name, other in self.legs.items():
            if other is leg:
                return name
        return None

    def peer_of(self, leg: L) -> L | None:
        """Return the leg that this one is joined with, if there is one."""
        name = self.name_of(leg)
        return None if name is None else self.legs.get(OTHER[name])

    def all_legs(self) -> list[L]:
        """Return every leg, those that ring included."""
        return [*self.legs.values(), *self.branches]

    def names(self) -> set[str]:
        """Return every Call-ID that names the call."""
        return {self.callid, *(leg.callid for leg in self.all_legs())}

    def on_hold(self) -> list[LegName]:
        """Return the parties on hold, by a command or by the other party's phone."""
        return [
            name
            for name in LEGS
            if name in self.held or ((peer := self.legs.get(OTHER[name])) and peer.holds)
        ]

    def info(self) -> CallInfo:
        """Return the call as CallList shows it."""
        return CallInfo(
            callid=self.callid,
            state=self.state,
            caller=self.uris["caller"],
            callee=self.uris["callee"],
            started=self.started,
            held=self.on_hold(),
        )


class Bridge(Generic[L]):
    """All calls, found by every Call-ID that names them, and all legs, found by their dialog."""

    def __init__(self) -> None:
        self._names: dict[str, Call[L]] = {}
        self._dialogs: dict[tuple[str, str], L] = {}
        self._calls_of: dict[L, Call[L]] = {}
        self._by_serial: dict[int, Call[L]] = {}
        self._order: list[int] = []  # serial numbers, rising, with holes where calls have ended
        self._last_serial = 0
        self._cursors: OrderedDict[CallId, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._by_serial)

    def __iter__(self) -> Iterator[Call[L]]:
        """All calls, in the order in which they were made."""
        return iter(list(self._by_serial.values()))

    # Calls.

    def is_free(self, callid: str) -> bool:
        """Whether no call has this name."""
        return callid not in self._names

    def open(self, callid: CallId, caller: str, callee: str, started: datetime) -> Call[L]:
        """Make a call without legs, under a name that is free."""
        self._last_serial += 1
        call: Call[L] = Call(
            callid, self._last_serial, started, {"caller": caller, "callee": callee}
        )
        self._names[callid] = call
        self._by_serial[call.serial] = call
        self._order.append(call.serial)
        return call

    def find(self, callid: str) -> Call[L]:
        """Return the call with this name, or with a leg of this Call-ID.

        Raises:
            UnknownCall: There is none.
        """
        try:
            return self._names[callid]
        except KeyError:
            raise UnknownCall(CallId(callid)) from None

    def end(self, call: Call[L]) -> list[L]:
        """Forget a call and return the legs that it still had; again: nothing."""
        if call.state == "ended":
            return []
        legs = call.all_legs()
        for leg in legs:
            self.detach(leg)
        call.state = "ended"
        if self._names.get(call.callid) is call:  # a leg that has left may bear the same name
            del self._names[call.callid]
        del self._by_serial[call.serial]
        if len(self._order) > 2 * len(self._by_serial) + _MIN_HOLES:
            self._order = sorted(self._by_serial)
        return legs

    # Who may change a call.

    def take(self, owner: object, *calls: Call[L]) -> None:
        """Give calls to one owner alone: all of them, or none.

        Raises:
            CallBusy: One of them belongs to somebody, or is not answered yet.
        """
        for call in calls:
            if call.owner is not None or call.state != "answered":
                raise CallBusy(call.callid)
        for call in calls:
            call.owner = owner

    # Legs.

    def leg(self, callid: str, tag: str) -> L | None:
        """Return the leg with this Call-ID and our tag, also one that is in no call any more."""
        return self._dialogs.get((callid, tag))

    def all_legs(self) -> list[L]:
        """Return every leg that something can still come from."""
        return list(self._dialogs.values())

    def call_of(self, leg: L) -> Call[L] | None:
        """Return the call that a leg is in."""
        return self._calls_of.get(leg)

    def ring(self, call: Call[L], leg: L) -> None:
        """Add a leg that rings; its Call-ID names the call from now on."""
        call.branches.add(leg)
        self._calls_of[leg] = call
        self._dialogs[leg.callid, leg.tag] = leg
        self._names[leg.callid] = call

    def seat(self, call: Call[L], name: LegName, leg: L) -> None:
        """Make a leg one of the two parties: one that rang, or that comes from elsewhere."""
        if self._calls_of.get(leg) is not call:
            self.detach(leg)
            self.ring(call, leg)
        call.branches.discard(leg)
        call.legs[name] = leg

    def detach(self, leg: L) -> Call[L] | None:
        """Take a leg out of its call; return that call, None for a leg that is in none."""
        call = self._calls_of.pop(leg, None)
        if call is None:
            return None
        call.branches.discard(leg)
        name = call.name_of(leg)
        if name is not None:
            del call.legs[name]
        # The contacts of one party all ring under one Call-ID.
        if leg.callid != call.callid and all(leg.callid != o.callid for o in call.all_legs()):
            del self._names[leg.callid]
        return call

    def forget(self, leg: L) -> None:
        """Forget the dialog of a leg, because nothing more can come in it."""
        self._dialogs.pop((leg.callid, leg.tag), None)

    # The list.

    def page(self, limit: int, after: CallId | None) -> CallPage:
        """Return up to ``limit`` calls, in the order in which they were made.

        Args:
            after: Where the last page ended. That call may be over by now.

        Raises:
            UnknownCall: No page ended there, and no call has that name.
        """
        start = 0 if after is None else bisect.bisect_right(self._order, self._serial(after))
        found: list[Call[L]] = []
        for index in range(start, len(self._order)):
            call = self._by_serial.get(self._order[index])
            if call is None:
                continue
            if len(found) == limit:
                return CallPage(calls=[c.info() for c in found], next=self._cursor(found[-1]))
            found.append(call)
        return CallPage(calls=[c.info() for c in found])

    def _serial(self, callid: CallId) -> int:
        return self._cursors.get(callid) or self.find(callid).serial

    def _cursor(self, call: Call[L]) -> CallId:
        self._cursors[call.callid] = call.serial
        self._cursors.move_to_end(call.callid)
        if len(self._cursors) > MAX_CURSORS:
            self._cursors.popitem(last=False)
        return call.callid
