"""What a command may ask of any back end."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, TypeAlias, TypeVar

from msgspec import Struct

from call_api.model import CallChangeName, CallId, CallState, LegName, SipUri

T = TypeVar("T")

Stream: TypeAlias = AbstractAsyncContextManager[AsyncIterator[T]]
"""Entered: accepted, and subscribed. Left, in whatever way: unsubscribed."""


class Acting(Protocol):
    """The right of one running command to change something, and the name its call gets."""

    @property
    def callid(self) -> CallId:
        """The Call-ID that a call made for this command takes on its first leg."""

    async def may_act(self) -> None:
        """Return if the command is still ours to run.

        Raises:
            Fenced: It is not; nothing may be sent for it any more.
        """


ACTING: ContextVar[Acting] = ContextVar("ACTING")
"""Set by whoever runs a command. A back end awaits its `may_act` before each request that
changes something, and names a new call after its `callid`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StartStep:
    """One step of a call that is being made.

    Attributes:
        state: ``answered``: the caller has. ``transferring``: the callee is about to be
            asked. ``start``: it is being asked. ``pending``: it told its progress.
            ``ok``: it has answered, both parties talk.
        callid: What the call is called from ``start`` on.
        status: The progress with ``pending``, as in ``"180 Ringing"``.
    """

    state: Literal["answered", "transferring", "start", "pending", "ok"]
    callid: CallId
    status: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class TransferStep:
    """One step of a transfer.

    Attributes:
        state: ``start``: the destination is being asked. ``pending``: it told its progress.
            ``ok``: the transfer is complete, the party that was left is released.
        callid: What the call is called after the transfer.
        destination: Who is asked.
        status: The progress with ``pending``, as in ``"180 Ringing"``.
    """

    state: Literal["start", "pending", "ok"]
    callid: CallId
    destination: SipUri
    status: str = ""


class HoldStep(Struct, frozen=True, kw_only=True, gc=False):
    """One leg's hold, or its end.

    Attributes:
        state: ``start``: it is asked. ``ok``: it has agreed.
        is_last: Whether the stream ends here, so that nobody need ask it for more. It may not
            know yet.
    """

    leg: LegName
    state: Literal["start", "ok"]
    is_last: bool = False


class CallInfo(Struct, frozen=True, kw_only=True):
    """One call, as CallList shows it.

    Attributes:
        callid: The Call-ID that commands take.
        started: When the call was made, UTC.
        held: The legs that are on hold.
    """

    callid: CallId
    state: CallState
    caller: str
    callee: str
    started: datetime
    held: Sequence[LegName] = ()


class CallPage(Struct, frozen=True, kw_only=True):
    """Some calls, and the Call-ID after which the next page starts (None: this was the last)."""

    calls: Sequence[CallInfo]
    next: CallId | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CallChange:
    """Something that has happened to a call.

    Attributes:
        call: How it is now.
        names: What it also was called, or is: its watchers may know it by one of these.
        target: Who refused, with ``branch_failed``: a SIP URI.
        status: The SIP status with which.
    """

    event: CallChangeName
    call: CallInfo
    names: Sequence[CallId] = ()
    target: str | None = None
    status: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Remains:
    """What is left of the call of a command whose daemon died.

    Attributes:
        callid: What the call is called now.
        call: ``unknown``: nobody can tell. ``gone``: there is none any more. ``ringing``: it rang,
            and was ended. ``caller``: the caller alone was in it, and was hung up. ``up``: both
            parties talk; of a transfer: to each other. ``untransferred``: it is as it was before
            the transfer.
        destination: Whom a transfer that is complete has reached; empty: not known.
        held: The legs that are on hold.
    """

    callid: CallId
    call: Literal["unknown", "gone", "ringing", "caller", "up", "untransferred"]
    destination: str = ""
    held: Sequence[LegName] = ()


TellChange: TypeAlias = Callable[[CallChange], None]
"""Is told of a change. Never waits, never raises, and changes no call."""


class Watching(Protocol):
    """The right to be told of changes."""

    def close(self) -> None:
        """End it. Does no harm a second time."""


class Backend(Protocol):
    """Controls calls on one SIP proxy. One instance serves all clients at once.

    Every method raises `ProxyUnreachable` when the proxy is silent, `ProxyRefused` when it
    refuses, `UnknownCall` when no call has the Call-ID, `CallBusy` when another command is
    changing the call, `CallFailed` when a SIP party refuses (408: it did not answer) and
    `NotSupported` when this back end cannot do it. Streams raise on entering or while read. A
    stream that is left early cancels what rings and hangs up what was built; a transfer that
    is left early leaves the old call as it was. One that is cancelled when that is too late goes
    on instead, so that its end is told as it is. `remains` and its like are for commands whose
    daemon died while they ran: another daemon asks, of a back end that was opened since.
    """

    def is_ready(self) -> str | None:
        """Return None, or why commands would fail now, in one line."""

    def proxies(self) -> Mapping[str, str]:
        """Return each SIP proxy by its name: ``up``, or what is wrong. Empty: it needs none."""

    def start(self, caller: SipUri, callee: SipUri) -> Stream[StartStep]:
        """Call the caller, then join it with the callee. Ends after the step ``ok``."""

    def transfer(self, callid: CallId, leg: LegName, to: SipUri) -> Stream[TransferStep]:
        """Move one leg to another destination, release the other one.

        The stream misses no step, and ends after the step ``ok``.
        """

    def join(
        self,
        callid_a: CallId,
        leg_a: LegName,
        callid_b: CallId,
        leg_b: LegName,
        to: SipUri | None = None,
    ) -> Stream[TransferStep]:
        """Join leg A of one call with leg B of another, release the two others.

        The stream misses no step, and ends after the step ``ok``.

        Args:
            to: Whom leg A is told that it talks to; by default leg B's own URI.
        """

    def hold(self, callid: CallId, legs: Sequence[LegName]) -> Stream[HoldStep]:
        """Put legs on hold. Ends when every one of them is."""

    def unhold(self, callid: CallId, legs: Sequence[LegName]) -> Stream[HoldStep]:
        """End the hold of legs. Ends when every one of them is back."""

    async def end(self, callid: CallId) -> None:
        """Hang up both legs of a call, ringing or answered."""

    async def remains(self, callid: CallId) -> Remains:
        """Return what is left of a call. Changes nothing."""

    async def remains_of_start(self, callid: CallId | None) -> Remains:
        """Return what is left of the call that the command in `ACTING` began to make.

        A call that is half made is ended; no step is repeated.

        Args:
            callid: What the call was called last, as far as that was told.
        """

    async def remains_of_transfer(
        self, callids: Sequence[CallId], callid: CallId | None
    ) -> Remains:
        """Return what is left of a transfer, or of a join.

        What rings for it is cancelled. If its new call is up, those who were left are released.

        Args:
            callids: The call that was transferred, and the one whose leg was taken over, if any.
            callid: What the new call is called, as far as that was told.
        """

    async def calls(self, limit: int, after: CallId | None) -> CallPage:
        """Return up to ``limit`` calls in the order in which they were made."""

    def watch(self, tell: TellChange) -> Watching:
        """Tell of every change of every call from now on, until that is closed.

        Nothing is done for it while nobody watches. Changes that are found out late, because
        the proxy's word of them was lost, are told late, those in between maybe not at all.
        """
