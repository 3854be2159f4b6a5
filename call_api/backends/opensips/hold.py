"""CallHold and CallUnHold: re-INVITEs to both legs, one change of a call at a time."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Self

from call_api.backends.base import ACTING, HoldStep
from call_api.backends.opensips import events, requests
from call_api.backends.opensips.client import ProxyClient
from call_api.backends.opensips.events import ProxyEvent
from call_api.backends.opensips.hold_progress import HoldProgress
from call_api.backends.opensips.inbox import Inbox, Told, Trouble
from call_api.backends.opensips.mi import Reply
from call_api.backends.opensips.outcomes import INVALID_PARAMS, refusal
from call_api.backends.opensips.shared import Shared, established, look_at
from call_api.errors import (
    CallApiError,
    CallBusy,
    NotSupported,
    ProxyRefused,
    ProxyUnreachable,
    UnknownCall,
)
from call_api.model import LEGS, CallId, LegName

_HEARD: Final = (events.HOLD, events.STATE)
_NOT_READY: Final = 410  # the call rings, or its answer is not acknowledged yet
_SETTLE_WITHIN: Final = 5.0
"""Seconds for which a change goes on after its command was left: a second one on top of it
leaves the call broken."""


class HoldFlow:
    """One change of a call's hold. Entered: the proxy asks the legs.

    Left early, the change goes on: a re-INVITE cannot be taken back.
    """

    def __init__(
        self, shared: Shared, callid: CallId, legs: Sequence[LegName], *, hold: bool
    ) -> None:
        self._shared = shared
        self._callid = callid
        self._legs = tuple(leg for leg in LEGS if leg in legs)
        self._hold = hold
        self._progress = HoldProgress(self._legs, hold=hold, within=shared.hold_within)
        self._loop = asyncio.get_running_loop()
        self._inbox: Inbox = Inbox(self._loop)
        self._closers: list[Callable[[], object]] = [self._inbox.close]
        self._proxy: ProxyClient | None = None
        self._is_asked = False

    async def __aenter__(self) -> Self:
        """Have the legs asked.

        Raises:
            CallApiError: They are not; `Backend` says why.
        """
        try:
            await self._open()
        except BaseException:
            self._close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let go of everything, at the latest when the change is over."""
        self._close()

    def __aiter__(self) -> Self:
        """Go on where it was left."""
        return self

    async def __anext__(self) -> HoldStep:
        """Return the next step.

        Raises:
            CallApiError: A leg refused, or did not answer; `Backend` says how.
        """
        progress = self._progress
        while not progress.steps:
            if isinstance(progress.outcome, CallApiError):
                raise progress.outcome
            if progress.outcome:
                raise StopAsyncIteration
            await self._advance()
        return progress.steps.popleft()

    async def _open(self) -> None:
        shared, inbox = self._shared, self._inbox
        proxy = self._proxy = await shared.proxies.find(self._callid)
        self._closers.append(shared.claim((self._callid,)).close)
        self._closers.append(shared.table.listen(_HEARD, (self._callid,), inbox.put).close)
        self._closers.append(
            proxy.on_trouble(self._callid, lambda reason: inbox.put(Trouble(reason)))
        )
        await shared.settle(self._callid)
        await ACTING.get().may_act()
        self._is_asked = True
        request = requests.change_hold(self._callid, self._legs, hold=self._hold)
        reply = await proxy.request(request)
        if reply.error is not None and reply.error.code == _NOT_READY:
            self._is_asked = False
            await established(proxy, self._callid)
            await ACTING.get().may_act()
            self._is_asked = True
            reply = await proxy.request(request)
        if reply.error is not None:
            self._is_asked = False
            raise self._refusal(reply)
        self._take_all()
        if reply.silence is not None and not self._progress.has_begun:
            await self._find_out(proxy, reply.silence)
        self._progress.accept(self._loop.time())

    def _refusal(self, reply: Reply) -> CallApiError:
        assert reply.error is not None
        if reply.error.code == INVALID_PARAMS and len(self._legs) == 1:
            return NotSupported("put one leg on hold: this OpenSIPS knows only both at once")
        return refusal(reply.error, self._callid)

    async def _find_out(self, proxy: ProxyClient, silence: str) -> None:
        """Find out whether a request that was not answered was carried out.

        Raises:
            ProxyUnreachable: It was not, as far as can be told.
            UnknownCall: There is no such call.
        """
        dialog = await look_at(proxy, self._callid, silence)
        self._take_all()
        if dialog is None or dialog.is_over:
            self._is_asked = False
            raise UnknownCall(self._callid)
        self._progress.tell_call(dialog, self._loop.time())
        if not self._progress.has_begun:
            held = " and ".join(dialog.held) or "no leg"
            raise ProxyUnreachable(f"{silence}; on hold is: {held}")

    async def _advance(self) -> None:
        progress, proxy = self._progress, self._proxy
        assert proxy is not None
        if progress.wants_dialog:
            progress.wants_dialog = False
            try:
                dialog = await proxy.dialog(self._callid, with_values=True)
            except (ProxyRefused, NotSupported, CallBusy):
                return  # it does not tell; time will
            self._take_all()
            progress.tell_call(dialog, self._loop.time())
            return
        told = await self._inbox.get(progress.next_timer() or self._loop.time() + _SETTLE_WITHIN)
        if told is None:
            progress.handle_timer(self._loop.time())
        else:
            self._take(told)

    def _take_all(self) -> None:
        while (told := self._inbox.take()) is not None:
            self._take(told)

    def _take(self, told: Told) -> None:
        if isinstance(told, ProxyEvent):
            self._progress.receive(told, self._loop.time())
        elif isinstance(told, Trouble):
            self._progress.fail(ProxyUnreachable(told.reason))

    def _close(self) -> None:
        if self._is_asked and self._progress.outcome is None:
            self._is_asked = False
            self._shared.keeper.finish(self._settle(), f"hold of {self._callid}")
            return
        for close in reversed(self._closers):
            close()
        self._closers.clear()

    async def _settle(self) -> None:
        self._progress.accept(self._loop.time())  # it may not have been answered yet
        try:
            async with asyncio.timeout(_SETTLE_WITHIN):
                while self._progress.outcome is None:
                    await self._advance()
        except (TimeoutError, CallApiError):
            return
        finally:
            self._close()
