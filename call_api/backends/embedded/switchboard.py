"""Calls, legs and phones put together: what every operation works with."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime

from call_api.backends.embedded.agent import Agent
from call_api.backends.embedded.changes import Changes
from call_api.backends.embedded.leg import Leg
from call_api.backends.embedded.operation import Calls, Operation, PhoneCall
from call_api.backends.embedded.refresh import Refresh
from call_api.backends.embedded.reinvite import gone
from call_api.backends.embedded.routing import Decide, Directory, Incoming, Ring, Target
from call_api.errors import CallApiError, CallFailed, TooManyRequests
from call_api.model import CallId, LegName
from call_api.sip.dialog import new_callid, new_tag
from call_api.sip.flow import Flow
from call_api.sip.message import REASONS
from call_api.sip.uri import BadUri, Uri, parse_target

logger = logging.getLogger(__name__)

MAX_CALLS = 20_000
"""How many calls there may be, if nothing else is said."""
REFRESH_AGAIN_AFTER = 10.0
"""Seconds after which a session is refreshed again, if the phone did not agree."""
RETRY_AFTER = 5.0
"""Seconds after which one more may be tried when there are as many as there may be."""


class Switchboard:
    """All that goes on: the table of calls, the operations that run, and their common moves.

    Args:
        group: Where the operations' tasks live.
        decide: Says who rings for whom; by default all of the callee's phones do.
        max_calls: How many calls there may be; more are refused.

    Attributes:
        changes: Tells those who watch what becomes of the calls.
        is_closing: Everything is about to end; nothing is put back any more.
    """

    def __init__(
        self,
        agent: Agent,
        directory: Directory,
        group: asyncio.TaskGroup,
        *,
        decide: Decide | None = None,
        max_calls: int = MAX_CALLS,
    ) -> None:
        self.agent = agent
        self.calls: Calls = Calls()
        self.changes = Changes()
        self.is_closing = False
        self._directory = directory
        self._decide = decide or directory.decide
        self._max_calls = max_calls
        self._group = group
        self._now = asyncio.get_running_loop().time
        self._running: dict[asyncio.Task[None], Operation] = {}
        self._deaths: dict[Leg, asyncio.Future[None]] = {}

    # Operations.

    def start(self, operation: Operation) -> None:
        """Let an operation run in a task of its own."""
        task = self._group.create_task(operation.drive(), name=operation.title)
        self._running[task] = operation
        task.add_done_callback(self._running.pop)

    async def close(self, error: CallApiError, within: float) -> None:
        """End every call and every operation; wait so many seconds for the phones."""
        self.is_closing = True
        for operation in list(self._running.values()):
            operation.stop(error)
        for call in self.calls:
            self.end(call)
        await self.until_dead(self.calls.all_legs(), within)

    # Calls.

    def open(self, callid: str, caller: str, callee: str, owner: Operation) -> PhoneCall:
        """Make a call that belongs to an operation.

        Args:
            callid: What it is to be called; if that is empty, or taken, it gets another name.

        Raises:
            TooManyRequests: There are as many calls as there may be.
        """
        if len(self.calls) >= self._max_calls:
            raise TooManyRequests(RETRY_AFTER)
        name = callid if callid and self.calls.is_free(callid) else new_callid()
        call = self.calls.open(CallId(name), caller, callee, datetime.now(UTC))
        call.owner = owner
        owner.calls = (call,)
        self.changes.tell("created", call)
        return call

    def ringing(self, call: PhoneCall) -> None:
        """Note that a phone rings; only for the first one of a call that is something new."""
        if call.state == "created":
            call.state = "ringing"
            self.changes.tell("ringing", call)

    def answered(self, call: PhoneCall) -> None:
        """Note that both parties of a call talk."""
        call.state = "answered"
        self.changes.tell("answered", call)

    def tidy(self, call: PhoneCall) -> None:
        """End a call that nobody changes any more and that is none."""
        if call.state != "ended" and (call.state != "answered" or len(call.legs) < 2):
            self.end(call)

    def end(self, call: PhoneCall, error: CallApiError | None = None) -> list[Leg]:
        """Hang up all legs of a call and forget it; return them.

        Args:
            error: Told to whoever is changing the call.
        """
        owner, names, was_over = call.owner, self.changes.names_of(call), call.state == "ended"
        legs = self.calls.end(call)
        if not was_over:
            self.changes.tell("ended", call, also=names)
        for leg in legs:
            leg.hang_up()
        if isinstance(owner, Operation):
            owner.stop(error)
        return legs

    def release(self, leg: Leg) -> None:
        """Hang up one leg. It is taken out of its call first, so the call goes on."""
        self.calls.detach(leg)
        leg.hang_up()

    def seat(self, call: PhoneCall, name: LegName, leg: Leg) -> None:
        """Make a leg that has answered one of the two parties.

        Raises:
            CallFailed: It has hung up already.
        """
        if not leg.is_up:
            raise gone()
        self.calls.seat(call, name, leg)

    def reseat(self, call: PhoneCall, name: LegName, leg: Leg, uri: str) -> Leg | None:
        """Let a leg take the place of a party; return the one that was there, to be hung up.

        It is in no call any more, so that its end does not end this one.

        Raises:
            CallFailed: The new one has hung up already.
        """
        left, names = call.legs.get(name), self.changes.names_of(call, self.calls.call_of(leg))
        if left is not None and leg.is_up:
            self.calls.detach(left)
        self.seat(call, name, leg)
        call.uris[name] = uri
        call.held = frozenset()
        call.told_held = tuple(call.on_hold())
        self.changes.tell("transferred", call, also=names)
        return left

    # Legs.

    def new_leg(self, flow: Flow, uri: str, callid: str = "", tag: str = "") -> Leg:
        """Return a leg to a phone; it is in no call as yet."""
        return Leg(
            self.agent,
            flow,
            callid=callid or new_callid(),
            tag=tag or new_tag(),
            uri=uri,
            home=self,
            now=self._now(),
        )

    async def until_dead(self, legs: Sequence[Leg], within: float) -> None:
        """Wait until nothing more is expected of these legs, or for so many seconds."""
        waits = []
        for leg in legs:
            if not leg.is_dead:
                self._deaths[leg] = wait = asyncio.get_running_loop().create_future()
                waits.append(wait)
        try:
            if waits:
                await asyncio.wait(waits, timeout=within)
        finally:
            for leg in legs:
                self._deaths.pop(leg, None)

    def leg_dead(self, leg: Leg) -> None:
        """Note that nothing more is expected of a phone in this dialog."""
        self.calls.forget(leg)
        wait = self._deaths.pop(leg, None)
        if wait is not None:
            wait.set_result(None)

    def way_to(self, leg: Leg) -> Flow:
        """Return how a phone can be reached whose connection is lost: where it is back."""
        phones = self._directory.phones_of_uri(leg.uri)
        same = [p for p in phones if leg.dialog is not None and p.uri == leg.dialog.remote_target]
        found = same or phones
        return found[0].flow if len(found) == 1 else leg.flow

    def moved(self, phone: Target) -> None:
        """Note that a phone has registered from elsewhere; its calls go there, too."""
        for leg in self.calls.all_legs():
            is_its = leg.dialog is not None and leg.dialog.remote_target == phone.uri
            # Another user's phone may say that it has the same address, for whatever reason.
            if is_its and phone in self._directory.phones_of_uri(leg.uri):
                leg.flow = phone.flow

    def refresh(self) -> None:
        """Refresh the sessions of the phones that leave that to us (RFC 4028)."""
        now = self._now()
        for leg in self.calls.all_legs():
            due_at = leg.refreshing.due_at
            if leg.is_up and due_at is not None and due_at <= now:
                leg.refreshing.due_at = now + REFRESH_AGAIN_AFTER
                self.start(Refresh(self, leg))

    def probe(self, every: float) -> None:
        """Ask after each phone that nothing was heard of for so many seconds."""
        now = self._now()
        for call in self.calls:
            for leg in list(call.legs.values()):  # to ask one may be to lose it
                if leg.is_up and now - leg.heard_at >= every:
                    leg.heard_at = now
                    leg.probe()

    def leg_gone(self, leg: Leg) -> None:
        """Note that a phone has ended its leg, or is lost."""
        call = self.calls.call_of(leg)
        if call is None:
            return
        name = call.name_of(leg)
        self.calls.detach(leg)
        if not isinstance(call.owner, Operation):
            self.end(call)
        elif name is not None:
            call.owner.leg_gone(call, name)

    # Phones.

    def phones(self, caller: str, callee: str) -> Ring:
        """Return who rings when ``callee`` is called.

        Raises:
            CallFailed: Nobody, with the status that a caller would get.
        """
        try:
            uri = parse_target(callee)
        except BadUri:
            raise CallFailed(404, REASONS[404]) from None
        if uri.scheme == "sips":  # there is no TLS
            raise CallFailed(416, REASONS[416])
        return self.decide(caller, uri)

    def decide(self, caller: str, callee: Uri) -> Ring:
        """Like `phones`, of a callee that is parsed already.

        Raises:
            CallFailed: As there.
        """
        decision = self._decide(Incoming(caller=caller, callee=callee))
        if isinstance(decision, Ring):
            if decision.targets:
                return decision
            raise CallFailed(480, REASONS[480])
        raise CallFailed(decision.status, decision.reason or REASONS.get(decision.status, ""))
