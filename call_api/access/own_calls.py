"""A back end as one client may use it: the calls of others are unknown to it."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from types import TracebackType
from typing import Generic, TypeVar

from call_api.access.owners import Owners
from call_api.access.standing import Standing
from call_api.backends.base import (
    ACTING,
    Backend,
    CallChange,
    CallInfo,
    CallPage,
    HoldStep,
    Remains,
    StartStep,
    Stream,
    TellChange,
    TransferStep,
    Watching,
)
from call_api.errors import UnknownCall
from call_api.model import CallId, LegName, SipUri

PAGE = 1000
"""Calls that are looked at at a time."""

S = TypeVar("S", bound=StartStep | TransferStep)


class OwnCalls:
    """Lets a client do to its own calls what the back end can, and tell nothing of others.

    Whoever's scope covers everybody's calls is let through; what it does to a call changes
    nothing about whose that is.
    """

    def __init__(self, backend: Backend, owners: Owners, standing: Standing) -> None:
        self._backend = backend
        self._owners = owners
        self._standing = standing

    def is_ready(self) -> str | None:
        """Return None, or why commands would fail now, in one line."""
        return self._backend.is_ready()

    def proxies(self) -> Mapping[str, str]:
        """Return each SIP proxy by its name: ``up``, or what is wrong. Empty: it needs none."""
        return self._backend.proxies()

    def start(self, caller: SipUri, callee: SipUri) -> Stream[StartStep]:
        """Call the caller, then join it with the callee; the call is the client's."""
        owners, token, callid = self._owners, self._standing.name, ACTING.get().callid

        def own(step: StartStep) -> None:
            owners.rename(callid, step.callid)

        owners.own(callid, token)
        return _Noting(
            self._backend.start(caller, callee), own, when_undone=lambda: owners.forget(callid)
        )

    def transfer(self, callid: CallId, leg: LegName, to: SipUri) -> Stream[TransferStep]:
        """Move one leg to another destination, release the other one."""
        self._check("CallBlindTransfer", callid)
        return self._following(self._backend.transfer(callid, leg, to), callid)

    def join(
        self,
        callid_a: CallId,
        leg_a: LegName,
        callid_b: CallId,
        leg_b: LegName,
        to: SipUri | None = None,
    ) -> Stream[TransferStep]:
        """Join leg A of one call with leg B of another, release the two others."""
        self._check("CallAttendedTransfer", callid_a)
        self._check("CallAttendedTransfer", callid_b)
        return self._following(self._backend.join(callid_a, leg_a, callid_b, leg_b, to), callid_a)

    def hold(self, callid: CallId, legs: Sequence[LegName]) -> Stream[HoldStep]:
        """Put legs on hold."""
        self._check("CallHold", callid)
        return self._backend.hold(callid, legs)

    def unhold(self, callid: CallId, legs: Sequence[LegName]) -> Stream[HoldStep]:
        """End the hold of legs."""
        self._check("CallUnhold", callid)
        return self._backend.unhold(callid, legs)

    async def end(self, callid: CallId) -> None:
        """Hang up both legs of a call, ringing or answered."""
        self._check("CallEnd", callid)
        await self._backend.end(callid)

    async def remains(self, callid: CallId) -> Remains:
        """Return what is left of a call: asked for commands, and not by clients."""
        return await self._backend.remains(callid)

    async def remains_of_start(self, callid: CallId | None) -> Remains:
        """Return what is left of the call that a command began to make; likewise."""
        return await self._backend.remains_of_start(callid)

    async def remains_of_transfer(
        self, callids: Sequence[CallId], callid: CallId | None
    ) -> Remains:
        """Return what is left of a transfer, or of a join; likewise."""
        return await self._backend.remains_of_transfer(callids, callid)

    async def calls(self, limit: int, after: CallId | None) -> CallPage:
        """Return up to ``limit`` of the client's calls in the order in which they were made."""
        if self._standing.whose("CallList") is None:
            return await self._backend.calls(limit, after)
        wanted = self._owners.calls_of(self._standing.name)
        found: list[CallInfo] = []
        while wanted:
            page = await self._backend.calls(PAGE, after)
            for call in page.calls:
                if call.callid in wanted:
                    if len(found) == limit:
                        return CallPage(calls=found, next=found[-1].callid)
                    wanted.discard(call.callid)
                    found.append(call)
            if page.next is None:
                break
            after = page.next
        return CallPage(calls=found)

    def watch(self, tell: TellChange) -> Watching:
        """Tell of every change of the client's calls from now on, until that is closed."""
        return self._backend.watch(lambda change: tell(change) if self.may_see(change) else None)

    def may_see(self, change: CallChange) -> bool:
        """Return whether the client may hear of a change."""
        token = self._standing.whose("CallWatch")
        if token is None:
            return True
        names = (change.call.callid, *change.names)
        return any(self._owners.owner(name) == token for name in names)

    def _check(self, method: str, callid: CallId) -> None:
        token = self._standing.whose(method)
        if token is not None and self._owners.owner(callid) != token:
            raise UnknownCall(callid)

    def _following(self, steps: Stream[TransferStep], callid: CallId) -> Stream[TransferStep]:
        """Note what a call is called after a transfer."""
        owners = self._owners

        def rename(step: TransferStep) -> None:
            if step.state == "ok":
                owners.rename(callid, step.callid)

        return _Noting(steps, rename)


class _Noting(Generic[S]):
    """A stream of which each step is noted before it is read.

    Args:
        when_undone: Called if it is left before the step ``ok``.
    """

    def __init__(
        self,
        steps: Stream[S],
        note: Callable[[S], None],
        when_undone: Callable[[], None] = lambda: None,
    ) -> None:
        self._steps = steps
        self._note = note
        self._when_undone: Callable[[], None] | None = when_undone

    async def __aenter__(self) -> AsyncIterator[S]:
        """Enter the stream."""
        try:
            self._read = await self._steps.__aenter__()
        except BaseException:
            self._undo()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        """Leave the stream."""
        try:
            return await self._steps.__aexit__(kind, exc, trace)
        finally:
            self._undo()

    def __aiter__(self) -> "_Noting[S]":
        return self

    async def __anext__(self) -> S:
        """Return the next step."""
        step = await anext(self._read)
        if step.state == "ok":
            self._when_undone = None
        self._note(step)
        return step

    def _undo(self) -> None:
        when_undone, self._when_undone = self._when_undone, None
        if when_undone is not None:
            when_undone()


def as_allowed(
    backend: Backend, owners: Owners | None, standing: Standing
) -> tuple[Backend, Callable[[CallChange], bool] | None]:
    """Return the back end as a client may use it, and whether it may hear of a change.

    Args:
        owners: None: all calls are everybody's.

    Returns:
        For the second, None: it may hear of all.
    """
    if owners is None or not standing.name:
        return backend, None
    own = OwnCalls(backend, owners, standing)
    return own, own.may_see
