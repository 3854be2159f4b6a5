"""CallStart: the proxy calls the caller, and then has that phone call the callee."""

import asyncio
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Final, Self

from call_api.backends.base import ACTING, StartStep
from call_api.backends.opensips import events, requests
from call_api.backends.opensips.dialogs import Dialog
from call_api.backends.opensips.first_leg import FirstLeg
from call_api.backends.opensips.inbox import Inbox, Trouble
from call_api.backends.opensips.mi import MiRequest
from call_api.backends.opensips.shared import Shared
from call_api.backends.opensips.transfer_progress import GONE, TransferProgress
from call_api.backends.opensips.transfer_watch import TransferWatch
from call_api.errors import CallFailed, NotSupported, UnknownCall
from call_api.model import CallId, LegName, SipUri

_HEARD: Final = (events.TRANSFER, events.STATE, events.REFUSED)
_UNDO_WITHIN: Final = 1.0
"""Seconds for which a command that was left waits until everything is undone."""


class _Phase(Enum):
    RINGING = "the caller is being called"
    ANSWERED = "the caller has answered"
    REFERRED = "the caller is being joined with the callee"


class StartFlow:
    """One call that is being made. Entered: the proxy was asked to call the caller.

    However it ends, the first leg is ended, and what was built on the way is hung up.
    """

    def __init__(self, shared: Shared, caller: SipUri, callee: SipUri) -> None:
        self._shared = shared
        self._caller = caller
        self._callee = callee
        self._callid = CallId("")
        self._inbox = Inbox(asyncio.get_running_loop())
        self._closers: list[Callable[[], object]] = [self._inbox.close]
        self._phase = _Phase.RINGING
        self._leg: FirstLeg | None = None
        self._watch: TransferWatch | None = None
        self._is_done = False

    async def __aenter__(self) -> Self:
        """Have the caller called.

        Raises:
            ProxyUnreachable, NotSupported, InvalidParams: It cannot be.
        """
        try:
            await self._open()
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """End the first leg, and whatever was not finished."""
        await self._close()

    def __aiter__(self) -> Self:
        """Go on where it was left."""
        return self

    async def __anext__(self) -> StartStep:
        """Return the next step.

        Raises:
            CallApiError: The call was not made; `Backend` says why.
        """
        try:
            return await self._next_step()
        except UnknownCall:
            raise CallFailed(487, "the caller hung up", leg="caller") from None
        except CallFailed as failed:
            raise CallFailed(failed.status, failed.reason, leg=self._who(failed)) from failed

    async def _next_step(self) -> StartStep:
        leg = self._leg
        assert leg is not None
        if self._phase is _Phase.RINGING:
            await leg.answered()
            self._phase = _Phase.ANSWERED
            return StartStep(state="answered", callid=self._callid)
        if self._phase is _Phase.ANSWERED:
            await self._refer(leg)
            self._phase = _Phase.REFERRED
            return StartStep(state="transferring", callid=self._callid)
        assert self._watch is not None
        step = await self._watch.next_step()
        if step is None:
            raise StopAsyncIteration
        self._is_done = step.state == "ok"
        return StartStep(state=step.state, callid=step.callid, status=step.status)

    def _who(self, failed: CallFailed) -> LegName | None:
        """Return which party it was; None: the proxy does not tell."""
        if self._watch is None or self._watch.progress.new_callid is None:
            return "caller"
        # 487: either the caller has cancelled its call, or the proxy has, after its own time.
        is_unknown = failed.status == 487 or (failed.status, failed.reason) == GONE
        return None if is_unknown else "callee"

    async def _open(self) -> None:
        shared, inbox = self._shared, self._inbox
        callid = self._callid = requests.header_callid(ACTING.get().callid)
        proxy = shared.proxies.any_up()
        if not proxy.waits_beside:
            raise NotSupported("start calls over mi_http, which waits for a phone to answer")
        request = requests.invite(self._caller, self._callee, callid, proxy.sip_uri)
        self._closers.append(shared.table.listen(_HEARD, (callid,), inbox.put).close)
        self._closers.append(
            proxy.on_trouble(callid, lambda reason: inbox.put(Trouble(reason))).close
        )
        shared.starting[callid] = (self._caller, self._callee)
        self._closers.append(lambda: shared.starting.pop(callid, None))
        await ACTING.get().may_act()
        shared.proxies.remember(callid, proxy)
        self._leg = FirstLeg(proxy, inbox, callid, shared.patience.ring_for)
        self._leg.call(request)

    async def _refer(self, leg: FirstLeg) -> None:
        """Have the caller's phone call the callee, as soon as that does no harm.

        Raises:
            CallApiError: It cannot be.
        """
        dialog = await leg.acknowledged()
        progress = TransferProgress((self._callid,), self._callee, patience=self._shared.patience)
        watch = TransferWatch(
            self._shared, leg.proxy, self._inbox, progress, (dialog,), self._again, try_again=True
        )
        self._closers.append(watch.close)
        self._watch = watch
        # The proxy is the caller of this leg.
        await watch.refer(requests.refer(self._callid, "callee", self._callee))

    def _again(self, known: Sequence[Dialog]) -> MiRequest:
        return requests.refer_again(known[0], "callee", self._callee)

    async def _close(self) -> None:
        if self._is_done or self._leg is None:
            self._release()
            return
        self._is_done = True
        undoing = self._shared.keeper.finish(self._undo(self._leg), f"undo {self._callid}")
        # Goes on by itself: a phone that has not answered or called yet may do so later.
        await asyncio.wait((undoing,), timeout=_UNDO_WITHIN)

    async def _undo(self, leg: FirstLeg) -> None:
        try:
            await ACTING.get().may_act()
            await leg.end()
            if self._watch is not None:
                await self._watch.undo()
        finally:
            self._release()

    def _release(self) -> None:
        for close in reversed(self._closers):
            close()
        self._closers.clear()
