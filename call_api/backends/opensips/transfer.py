"""CallBlindTransfer and CallAttendedTransfer."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Self

from call_api.backends.base import ACTING, TransferStep
from call_api.backends.opensips import events
from call_api.backends.opensips.dialogs import Dialog
from call_api.backends.opensips.inbox import Inbox, Trouble
from call_api.backends.opensips.requests import MiRequest
from call_api.backends.opensips.shared import Shared, established
from call_api.backends.opensips.transfer_progress import TransferProgress
from call_api.backends.opensips.transfer_watch import Again, TransferWatch
from call_api.errors import CallApiError, CallFailed, ProxyUnreachable
from call_api.model import CallId

HEARD: Final = (events.TRANSFER, events.STATE, events.REFUSED)
"""What tells of a transfer."""

_UNDO_WITHIN: Final = 1.0
"""Seconds for which a command that was left waits until everything is undone."""


class TransferFlow:
    """One transfer of an established call. Entered: the phone is referred.

    Left early: what rings for it is cancelled, and the old call goes on; or, if the new one is up
    already, the transfer is completed.

    Args:
        callids: The call to transfer, and the one whose leg is taken over, if any.
        request: Refers the phone.
        again: As for `TransferWatch`.
        whom: Tells, of how the calls are, who is asked if the client did not say.
    """

    def __init__(
        self,
        shared: Shared,
        callids: Sequence[CallId],
        request: MiRequest,
        again: Again,
        progress: TransferProgress,
        whom: Callable[[Sequence[Dialog]], str] | None = None,
    ) -> None:
        self._shared = shared
        self._whom = whom
        self._callids = callids
        self._request = request
        self._again = again
        self._progress = progress
        self._inbox: Inbox = Inbox(asyncio.get_running_loop())
        self._closers: list[Callable[[], None]] = [self._inbox.close]
        self._watch: TransferWatch | None = None
        self._is_over = False

    async def __aenter__(self) -> Self:
        """Refer the phone.

        Raises:
            CallApiError: It cannot be; `Backend` says why not.
        """
        try:
            await self._open()
        except BaseException as failed:
            # A refusal is certain; silence, or being cancelled, leaves open what has happened.
            self._is_over = isinstance(failed, CallApiError) and not isinstance(
                failed, ProxyUnreachable
            )
            await self._close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let go of everything."""
        await self._close()

    def __aiter__(self) -> Self:
        """Go on where it was left."""
        return self

    async def __anext__(self) -> TransferStep:
        """Return the next step.

        Raises:
            CallApiError: The transfer has failed; `Backend` says how.
        """
        assert self._watch is not None
        try:
            step = await self._watch.next_step()
        except CallFailed:
            # What rings is left ringing when the time is up, and cancelled on the way out.
            self._is_over = self._watch.progress.is_settled
            raise
        if step is None:
            self._is_over = True
            raise StopAsyncIteration
        self._is_over = step.state == "ok"
        return step

    async def _open(self) -> None:
        shared = self._shared
        proxy = await shared.proxies.find(self._callids[0])
        self._closers.append(shared.claim(self._callids).close)
        inbox = self._inbox
        self._closers.append(shared.table.listen(HEARD, self._callids, inbox.put).close)
        self._closers.append(proxy.on_trouble(lambda reason: inbox.put(Trouble(reason))))
        known = [await established(proxy, callid) for callid in self._callids]
        await shared.settle(self._callids[0])
        if self._whom is not None:
            self._progress.ask_for(self._whom(known))
        watch = TransferWatch(shared, proxy, inbox, self._progress, known, self._again)
        self._closers.append(watch.close)
        self._watch = watch
        await watch.refer(self._request)

    async def _close(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None and not self._is_over:
            undoing = self._shared.keeper.finish(self._undo(watch), f"undo {self._callids[0]}")
            # Goes on by itself: a phone that has not called yet may do so, and must be caught.
            await asyncio.wait((undoing,), timeout=_UNDO_WITHIN)
        else:
            self._release()

    async def _undo(self, watch: TransferWatch) -> None:
        try:
            await ACTING.get().may_act()
            await watch.leave()
        finally:
            self._release()

    def _release(self) -> None:
        for close in reversed(self._closers):
            close()
        self._closers.clear()
