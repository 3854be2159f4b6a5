"""CallHold and CallUnHold: re-INVITEs to both legs, one change of a call at a time."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Final, Self

from call_api.backends.base import ACTING, HoldStep
from call_api.backends.opensips import events, requests
from call_api.backends.opensips.client import ProxyClient, Troubled
from call_api.backends.opensips.event_table import Listener
from call_api.backends.opensips.events import ProxyEvent
from call_api.backends.opensips.hold_progress import HoldProgress
from call_api.backends.opensips.mi import MiError, Reply
from call_api.backends.opensips.outcomes import INVALID_PARAMS, refusal
from call_api.backends.opensips.shared import Claim, Shared, established, look_at
from call_api.errors import (
    CallApiError,
    CallBusy,
    NotSupported,
    ProxyRefused,
    ProxyUnreachable,
    UnknownCall,
)
from call_api.model import LEGS, CallId, LegName
from call_api.spare_timers import SpareTimer

_HEARD: Final = (events.HOLD, events.STATE)
_NOT_READY: Final = 410  # the call rings, or its answer is not acknowledged yet
_SETTLE_WITHIN: Final = 5.0
"""Seconds for which a change goes on after its command was left: a second one on top of it
leaves the call broken."""


class HoldFlow(Listener):
    """One change of a call's hold. Entered: the proxy asks the legs.

    Left early, the change goes on: a re-INVITE cannot be taken back.
    """

    def __init__(
        self, shared: Shared, callid: CallId, legs: Sequence[LegName], *, hold: bool
    ) -> None:
        super().__init__(_HEARD, (callid,))
        self._shared = shared
        self._callid = callid
        self._legs: tuple[LegName, ...] = LEGS if len(legs) == len(LEGS) else tuple(legs)
        self._hold = hold
        self._progress = HoldProgress(self._legs, hold=hold, within=shared.hold_within)
        self._loop = shared.timers.loop
        self._proxy: ProxyClient | None = None
        self._claim: Claim | None = None
        self._troubled: Troubled | None = None
        self._timer: SpareTimer | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._is_asked = False

    async def __aenter__(self) -> Self:
        """Have the legs asked.

        Raises:
            CallApiError: They are not; `Backend` says why.
        """
        shared, callid = self._shared, self._callid
        try:
            proxy = shared.proxies.known(callid) or await shared.proxies.find(callid)
            self._open(proxy)
            if not shared.is_settled(callid):
                await shared.settle(callid)
            await ACTING.get().may_act()
            reply = await self._ask(proxy)
            if reply.error is not None or reply.silence is not None:
                await self._mend(proxy, reply)
            self._progress.accept(self._loop.time())
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
            await self._news()
        return progress.next_step()

    def hear(self, event: ProxyEvent) -> None:
        """Take in what the proxy tells of a leg, or of the call."""
        self._progress.receive(event, self._loop.time())
        self._wake()

    def _open(self, proxy: ProxyClient) -> None:
        self._proxy = proxy
        self._claim = self._shared.claim((self._callid,))
        self._shared.table.add(self)
        self._troubled = proxy.on_trouble(self._callid, self._lose)

    def _ask(self, proxy: ProxyClient) -> asyncio.Future[Reply]:
        self._is_asked = True
        return proxy.request(requests.change_hold(self._callid, self._legs, hold=self._hold))

    async def _mend(self, proxy: ProxyClient, reply: Reply) -> None:
        """Ask once more if the call was not ready; find out what silence means.

        Raises:
            CallApiError: The legs are not asked.
        """
        if reply.error is not None and reply.error.code == _NOT_READY:
            self._is_asked = False
            await established(proxy, self._callid)
            await ACTING.get().may_act()
            reply = await self._ask(proxy)
        if reply.error is not None:
            self._is_asked = False
            raise self._refusal(reply.error)
        if reply.silence is not None and not self._progress.has_begun:
            await self._find_out(proxy, reply.silence)

    def _refusal(self, error: MiError) -> CallApiError:
        if error.code == INVALID_PARAMS and len(self._legs) == 1:
            return NotSupported("put one leg on hold: this OpenSIPS knows only both at once")
        return refusal(error, self._callid)

    async def _find_out(self, proxy: ProxyClient, silence: str) -> None:
        """Find out whether a request that was not answered was carried out.

        Raises:
            ProxyUnreachable: It was not, as far as can be told.
            UnknownCall: There is no such call.
        """
        dialog = await look_at(proxy, self._callid, silence)
        if dialog is None or dialog.is_over:
            self._is_asked = False
            raise UnknownCall(self._callid)
        self._progress.tell_call(dialog, self._loop.time())
        if not self._progress.has_begun:
            held = " and ".join(dialog.held) or "no leg"
            raise ProxyUnreachable(f"{silence}; on hold is: {held}")

    def _news(self) -> Awaitable[None]:
        """Return what is over when there is something new."""
        progress = self._progress
        if progress.wants_dialog:
            return self._look()
        if self._timer is None:
            at = progress.next_timer() or self._loop.time() + _SETTLE_WITHIN
            self._timer = self._shared.timers.call_at(at, self._ring)
        self._waiter = self._loop.create_future()
        return self._waiter

    async def _look(self) -> None:
        assert self._proxy is not None
        self._progress.wants_dialog = False
        try:
            dialog = await self._proxy.dialog(self._callid, with_values=True)
        except (ProxyRefused, NotSupported, CallBusy):
            return  # it does not tell; time will
        self._progress.tell_call(dialog, self._loop.time())

    def _lose(self, reason: str) -> None:
        self._progress.fail(ProxyUnreachable(reason))
        self._wake()

    def _ring(self) -> None:
        self._timer = None
        self._progress.handle_timer(self._loop.time())
        self._wake()

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _close(self) -> None:
        if self._is_asked and self._progress.outcome is None:
            self._is_asked = False
            self._shared.keeper.finish(self._settle(), f"hold of {self._callid}")
            return
        if self._timer is not None:
            self._timer.cancel()
        if self._troubled is not None:
            self._troubled.close()
        self._shared.table.remove(self)
        if self._claim is not None:
            self._claim.close()
        # They refer to this, and together they would be garbage.
        self._timer = self._troubled = self._claim = None

    async def _settle(self) -> None:
        self._progress.accept(self._loop.time())  # it may not have been answered yet
        try:
            async with asyncio.timeout(_SETTLE_WITHIN):
                while self._progress.outcome is None:
                    await self._news()
        except (TimeoutError, CallApiError):
            return
        finally:
            self._close()
