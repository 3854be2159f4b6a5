"""A phone is referred to somebody, and what comes of it is followed to its end.

The heart of CallBlindTransfer and CallAttendedTransfer, and the second half of CallStart.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from call_api.backends.base import ACTING, TransferStep
from call_api.backends.opensips import events
from call_api.backends.opensips.cancel import call_off, cancel
from call_api.backends.opensips.client import ProxyClient
from call_api.backends.opensips.dialogs import Dialog
from call_api.backends.opensips.event_table import Listening
from call_api.backends.opensips.events import ProxyEvent
from call_api.backends.opensips.inbox import Inbox, Told, Trouble
from call_api.backends.opensips.mi import MiRequest, Reply
from call_api.backends.opensips.new_call import NewCallSearch
from call_api.backends.opensips.outcomes import INVALID_PARAMS, METHOD_NOT_FOUND, refusal
from call_api.backends.opensips.replaced import end_replaced
from call_api.backends.opensips.shared import Shared, established, look_at
from call_api.backends.opensips.transfer_progress import Question, TransferProgress
from call_api.errors import (
    CallApiError,
    CallBusy,
    CallFailed,
    NotSupported,
    ProxyRefused,
    ProxyUnreachable,
    UnknownCall,
)
from call_api.model import CallId

_HEARD: Final = (events.TRANSFER, events.STATE, events.REFUSED)
_STRAY_FOR: Final = 32.0
"""Seconds in which a phone that was referred may still call, after the command was left or the
proxy has given up: the life of a request (64 times T1: RFC 3261, section 17.1.2.2)."""

_LOOKS: Final = 5
_NOTE_EVERY: Final = 0.05  # seconds

Ask: TypeAlias = Callable[[Sequence[Dialog]], MiRequest]
"""Makes a request that refers a phone, of how the calls are."""


class TransferWatch:
    """Follows one transfer.

    Args:
        inbox: Gets the events of these calls already.
        known: The call that is transferred, and the one whose leg is taken over, if any.
        again: What to ask for instead, if the proxy refuses a second transfer of that call.
        try_again: Whether that is also asked for when the phone refuses the REFER at once.
    """

    def __init__(
        self,
        shared: Shared,
        proxy: ProxyClient,
        inbox: Inbox,
        progress: TransferProgress,
        known: Sequence[Dialog],
        again: Ask,
        *,
        try_again: bool = False,
    ) -> None:
        self.progress = progress
        self._shared = shared
        self._proxy = proxy
        self._inbox = inbox
        self._known = tuple(known)
        self._callid = CallId(known[0].callid)
        self._again = again
        self._try_again = try_again
        self._refused: CallApiError | bool | None = None  # how the first try ended
        self._search = NewCallSearch(shared.recent, proxy)
        self._is_asked = False
        self._is_given_up = False
        self._is_complete = False
        self._new_call: Listening | None = None
        self._listened_to = CallId("")

    async def refer(self, request: MiRequest) -> None:
        """Have the phone referred; return once the proxy has done so.

        Raises:
            CallApiError: It refuses, or does not answer and has not done so.
        """
        if self._known[0].transfer_leg is not None:
            await self._refer_again(CallBusy(self._callid))
            return
        await ACTING.get().may_act()
        self._is_asked = True
        reply = await self._proxy.request(request)
        if reply.error is not None:
            self._is_asked = False
            error = refusal(reply.error, self._callid)
            if not isinstance(error, CallBusy):
                raise error
            if not self._has_begun():
                self._known = (await established(self._proxy, self._callid), *self._known[1:])
            if not self._has_begun():  # else a copy of the request was there first
                await self._refer_again(error)
                return
        if not self._has_begun() and reply.silence is not None:
            await self._find_out(reply.silence)
        self.progress.accept(self._now)

    async def next_step(self) -> TransferStep | None:
        """Return the next step as soon as there is one; None: there will be no more.

        Raises:
            CallApiError: The transfer has failed.
        """
        progress = self.progress
        while True:
            if progress.steps:
                if progress.steps[0].state == "ok":
                    await self._complete(progress.steps[0].callid)
                return progress.steps.popleft()
            if progress.was_refused_at_once and self._try_again:
                self._try_again = False
                self._refused = progress.outcome
                await self._send_again()
            elif isinstance(progress.outcome, CallApiError):
                raise progress.outcome
            elif progress.outcome:
                return None
            elif progress.question is not None:
                await self._ask(progress.question)
            else:
                await self._wait(progress.next_timer() or self._now + _STRAY_FOR)
            self._listen_to_new_call()

    async def undo(self) -> None:
        """Cancel what rings for it, and hang up what was built."""
        await self._settle()
        if self.progress.new_callid is not None:
            await cancel(self._proxy, self.progress.new_callid)

    async def leave(self) -> None:
        """Keep the old calls as they are; if the new one is up already, complete the transfer.

        By then a phone may have let go of its old call, or be about to: nobody could go back.
        So `progress` tells of a success, unless the transfer was given up.
        """
        await self._settle()
        progress, new = self.progress, self.progress.new_callid
        if new is None:
            return
        if self._is_given_up or isinstance(progress.outcome, CallApiError):
            await cancel(self._proxy, new)
            return
        if progress.outcome is None:
            progress.tell_left(await call_off(self._proxy, new))
        if progress.outcome is True:
            await self._complete(new)

    def give_up(self) -> None:
        """Let nothing come of it any more: its failure is told."""
        self._is_given_up = True

    def close(self) -> None:
        """Stop listening to the new call."""
        if self._new_call is not None:
            self._new_call.close()
            self._new_call = None
            self._shared.making.discard(self._listened_to)

    @property
    def _now(self) -> float:
        return self._proxy.loop.time()

    async def _settle(self) -> None:
        """Take in all that was told; wait for a new call that may come still."""
        self._take_all()
        progress = self.progress
        if self._is_asked and progress.new_callid is None and progress.may_go_on:
            await self._catch_stray()

    async def _complete(self, new: CallId) -> None:
        """End what is replaced. Twice does no harm: whoever waits for it may be cancelled."""
        if not self._is_complete:
            self._shared.proxies.remember(new, self._proxy)
            await end_replaced(self._shared, self._proxy, self._known)
            self._is_complete = True

    async def _refer_again(self, busy: CallApiError) -> None:
        """Get past callops, which lets a dialog be transferred once in its life.

        Raises:
            CallBusy: It is being transferred right now.
        """
        dialog = self._known[0]
        for _ in range(_LOOKS):  # one that has just failed is noted so a moment later
            if not dialog.transfer_leg:
                break
            await asyncio.sleep(_NOTE_EVERY)
            dialog = await established(self._proxy, self._callid)
        self._known = (dialog, *self._known[1:])
        if dialog.transfer_leg != "" or not dialog.id:
            raise busy
        self.progress.ignore(dialog.transfer_callid)
        await self._send_again()

    async def _send_again(self) -> None:
        """Have a REFER sent past callops: its answer is the phone's own."""
        await ACTING.get().may_act()
        request = self._again(self._known)
        self._is_asked = True
        self._proxy.send(request, self._inbox.put, self._shared.patience.refer_within)
        self.progress.accept_unnoted(self._now)

    async def _find_out(self, silence: str) -> None:
        dialog = await look_at(self._proxy, self._callid, silence)
        if self._has_begun() or (dialog is not None and dialog.transfer_leg):
            return
        if dialog is None or dialog.is_over:
            raise ProxyUnreachable(f"{silence}; the call has ended")
        if dialog.transfer_leg is None:
            raise ProxyUnreachable(f"{silence}; the call is {dialog.call_state}, not transferred")

    async def _wait(self, until: float) -> None:
        told = await self._inbox.get(until)
        if told is None:
            self.progress.handle_timer(self._now)
        else:
            self._take(told)

    def _has_begun(self) -> bool:
        """Return whether the proxy has told anything of it by now."""
        self._take_all()
        return self.progress.has_begun

    def _take_all(self) -> None:
        while (told := self._inbox.take()) is not None:
            self._take(told)

    def _take(self, told: Told) -> None:
        if isinstance(told, ProxyEvent):
            self.progress.receive(told, self._now)
        elif isinstance(told, Trouble):
            self.progress.fail(ProxyUnreachable(told.reason))
        else:
            self._take_refer_answer(told)

    def _take_refer_answer(self, reply: Reply) -> None:
        """Take in what the phone said to a REFER that was sent past callops."""
        if reply.error is not None and reply.error.code in (INVALID_PARAMS, METHOD_NOT_FOUND):
            if isinstance(self._refused, CallFailed):
                self.progress.refused(self._refused.status, self._refused.reason)
                return
            what = "Request Pending: the call was transferred before, and that cannot be undone"
            self.progress.fail(ProxyRefused(491, what), is_certain=True)
        elif reply.error is not None and reply.error.code == 404:
            self.progress.fail(UnknownCall(self._callid), is_certain=True)
        elif reply.error is not None and reply.error.code == 408:
            self.progress.unanswered()
        elif reply.error is not None:
            self.progress.refused(reply.error.code, reply.error.reason)
        elif isinstance(reply.result, dict):
            status, reason = reply.result.get("Code"), reply.result.get("Reason")
            if isinstance(status, int) and status >= 300:
                self.progress.refused(status, str(reason or ""))

    async def _ask(self, question: Question) -> None:
        """Ask the proxy how things are.

        Raises:
            ProxyUnreachable: It does not answer.
        """
        progress, proxy = self.progress, self._proxy
        progress.question = None
        try:
            if question is Question.OLD_CALL:
                dialog = await proxy.dialog(self._callid, with_values=True)
            elif question is Question.NEW_CALL and progress.new_callid is not None:
                dialog = await proxy.dialog(progress.new_callid)
            else:
                dialog = await self._search.find(self._known[0].id)
        except (ProxyRefused, NotSupported, CallBusy):
            return  # it does not tell; time will
        self._take_all()
        if question is Question.OLD_CALL:
            progress.tell_old_call(dialog, self._now)
        else:
            progress.tell_new_call(dialog, self._now)

    def _listen_to_new_call(self) -> None:
        new = self.progress.new_callid
        if new is None or new == self._listened_to:
            return
        self.close()
        self._listened_to = new
        self._shared.making.add(new)
        self._new_call = self._shared.table.listen((events.STATE,), (new,), self._inbox.put)

    async def _catch_stray(self) -> None:
        """Wait for the new call for a while: a REFER cannot be taken back."""
        progress = self.progress
        progress.wait_for_stray(self._now, self._now + _STRAY_FOR)
        while progress.new_callid is None and progress.outcome is None:
            if progress.question is not None:
                try:
                    await self._ask(progress.question)
                except ProxyUnreachable:
                    return
            else:
                await self._wait(progress.next_timer() or self._now)
