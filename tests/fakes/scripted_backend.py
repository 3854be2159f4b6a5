"""A back end that does what the test tells it to, and remembers what it was asked."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Generic, Self, TypeAlias, TypeVar, cast

from call_api.backends.base import (
    ACTING,
    Acting,
    CallChange,
    CallInfo,
    CallPage,
    HoldStep,
    Remains,
    StartStep,
    Stream,
    TellChange,
    TransferStep,
)
from call_api.model import CallId, LegName, SipUri

T = TypeVar("T")

Item: TypeAlias = StartStep | TransferStep | HoldStep | Exception | asyncio.Event
"""A step is reported, an exception is raised, an event is waited for."""


class ScriptedBackend:
    """Plays one script for every command it is asked.

    `end` plays it too, as far as it goes without steps.

    Args:
        refuses: Raised by every stream on entering, by `calls`, and by `remains`.
        calls: What `calls` returns.
        cleanup: Called and awaited when a stream is left before the end of its script.

    Attributes:
        asked: The name of each method that was called, with its arguments.
        acting: What `ACTING` was for each stream; None: nothing.
        open_streams: Streams that were entered and not left.
        left_early: Streams that were left before the end of their script.
        watchings: Those who are told of changes.
        proxy_states: What `proxies` returns.
        left: What `remains` and its like return.
    """

    def __init__(
        self,
        *script: Item,
        refuses: Exception | None = None,
        calls: Sequence[CallInfo] = (),
        cleanup: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.script: Sequence[Item] = script
        self.refuses = refuses
        self.cleanup = cleanup
        self.asked: list[tuple[object, ...]] = []
        self.acting: list[Acting | None] = []
        self.open_streams = 0
        self.left_early = 0
        self.watchings: list[_Watching] = []
        self.proxy_states: dict[str, str] = {}
        self.left = Remains(callid=CallId("c"), call="unknown")
        self._calls = calls

    def next_script(self) -> Sequence[Item]:
        """Return the script of the next command."""
        return self.script

    def is_ready(self) -> str | None:
        return None

    def proxies(self) -> dict[str, str]:
        return self.proxy_states

    def start(self, caller: SipUri, callee: SipUri) -> Stream[StartStep]:
        self.asked.append(("start", caller, callee))
        return _Script[StartStep](self)

    def transfer(self, callid: CallId, leg: LegName, to: SipUri) -> Stream[TransferStep]:
        self.asked.append(("transfer", callid, leg, to))
        return _Script[TransferStep](self)

    def join(
        self,
        callid_a: CallId,
        leg_a: LegName,
        callid_b: CallId,
        leg_b: LegName,
        to: SipUri | None = None,
    ) -> Stream[TransferStep]:
        self.asked.append(("join", callid_a, leg_a, callid_b, leg_b, to))
        return _Script[TransferStep](self)

    def hold(self, callid: CallId, legs: Sequence[LegName]) -> Stream[HoldStep]:
        self.asked.append(("hold", callid, tuple(legs)))
        return _Script[HoldStep](self)

    def unhold(self, callid: CallId, legs: Sequence[LegName]) -> Stream[HoldStep]:
        self.asked.append(("unhold", callid, tuple(legs)))
        return _Script[HoldStep](self)

    async def end(self, callid: CallId) -> None:
        self.asked.append(("end", callid))
        async with _Script[HoldStep](self) as steps:
            async for _ in steps:
                pass

    async def remains(self, callid: CallId) -> Remains:
        return self._left("remains", callid)

    async def remains_of_start(self, callid: CallId | None) -> Remains:
        return self._left("remains_of_start", callid)

    async def remains_of_transfer(
        self, callids: Sequence[CallId], callid: CallId | None
    ) -> Remains:
        return self._left("remains_of_transfer", tuple(callids), callid)

    def _left(self, *asked: object) -> Remains:
        self.asked.append(asked)
        if self.refuses is not None:
            raise self.refuses
        return self.left

    async def calls(self, limit: int, after: CallId | None) -> CallPage:
        self.asked.append(("calls", limit, after))
        for item in self.script:
            if isinstance(item, asyncio.Event):
                await item.wait()
        if self.refuses is not None:
            raise self.refuses
        return CallPage(calls=self._calls[:limit])

    def watch(self, tell: TellChange) -> "_Watching":
        watching = _Watching(self.watchings, tell)
        self.watchings.append(watching)
        return watching

    def show(self, *calls: CallInfo) -> None:
        """Have these calls, and no others."""
        self._calls = calls

    def tell(self, change: CallChange) -> None:
        """Have a call changed."""
        for watching in tuple(self.watchings):
            watching.tell(change)


class _Watching:
    """One who is told of changes."""

    def __init__(self, watchings: "list[_Watching]", tell: TellChange) -> None:
        self.tell = tell
        self._watchings = watchings

    def close(self) -> None:
        if self in self._watchings:
            self._watchings.remove(self)


class _Script(Generic[T]):
    """A stream: one run through the script."""

    def __init__(self, backend: ScriptedBackend) -> None:
        self._backend = backend
        self._items = iter(backend.next_script())
        self._has_ended = False

    async def __aenter__(self) -> AsyncIterator[T]:
        acting = ACTING.get(None)
        self._backend.acting.append(acting)
        if acting is not None:
            await acting.may_act()
        if self._backend.refuses is not None:
            raise self._backend.refuses
        self._backend.open_streams += 1
        return self

    async def __aexit__(self, *_: object) -> None:
        self._backend.open_streams -= 1
        if self._has_ended:
            return
        self._backend.left_early += 1
        if self._backend.cleanup is not None:
            await self._backend.cleanup()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        for item in self._items:
            if isinstance(item, asyncio.Event):
                await item.wait()
            elif isinstance(item, Exception):
                self._has_ended = True
                raise item
            else:
                return cast("T", item)
        self._has_ended = True
        raise StopAsyncIteration
