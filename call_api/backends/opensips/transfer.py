"""CallBlindTransfer and CallAttendedTransfer."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Self

from call_api.backends.base import ACTING, TransferStep
from call_api.backends.opensips import events
from call_api.backends.opensips.dialogs import Dialog
from call_api.backends.opensips.inbox import Inbox, Trouble
from call_api.backends.opensips.shared import Shared, established
from call_api.backends.opensips.transfer_progress import TransferProgress
from call_api.backends.opensips.transfer_watch import Ask, TransferWatch
from call_api.errors import CallApiError, CallFailed, ProxyUnreachable
from call_api.model import CallId

HEARD: Final = (events.TRANSFER, events.STATE, events.REFUSED)
"""What tells of a transfer."""

_UNDO_WITHIN: Final = 1.0
"""Seconds for which a command that was left waits until everything is undone."""


class TransferFlow:
    """One transfer of an established call. Entered: the phone is referred.

    Left early: what rings for it is cancelled, and the old call goes on; or, if the new one is up
    already, the transfer is completed. Cancelled, it tells which: who reads is told the rest of
    the steps if it is completed.

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
        request: Ask,
        again: Ask,
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
        self._undoing: asyncio.Task[None] | None = None
        self._is_over = False

    async def __aenter__(self) -> Self:
        """Refer the phone.

        Raises:
            CallApiError: It cannot be; `Backend` says why not.
        """
        try:
            await self._open()
        except asyncio.CancelledError:
            if not await self._leave():
                raise
        except BaseException as failed:
            # A refusal is certain; silence leaves open what has happened.
            self._is_over = isinstance(failed, CallApiError) and not isinstance(
                failed, ProxyUnreachable
            )
            self._give_up()
            await self._leave()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let go of everything."""
        await self._leave()

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
            step = await self._next_step(self._watch)
        except CallApiError as failed:
            # What rings is left ringing when the time is up, and cancelled on the way out.
            self._is_over = isinstance(failed, CallFailed) and self._progress.is_settled
            self._give_up()
            raise
        if step is None:
            self._is_over = True
            raise StopAsyncIteration
        self._is_over = step.state == "ok"
        return step

    async def _next_step(self, watch: TransferWatch) -> TransferStep | None:
        try:
            return await watch.next_step()
        except asyncio.CancelledError:
            if not await self._leave():
                raise
        return await watch.next_step()

    async def _open(self) -> None:
        shared = self._shared
        proxy = await shared.proxies.find(self._callids[0])
        self._closers.append(shared.claim(self._callids).close)
        inbox = self._inbox
        self._closers.append(shared.table.listen(HEARD, self._callids, inbox.put).close)
        self._closers.append(
            proxy.on_trouble(self._callids[0], lambda reason: inbox.put(Trouble(reason))).close
        )
        known = [await established(proxy, callid) for callid in self._callids]
        await shared.settle(self._callids[0])
        if self._whom is not None:
            self._progress.ask_for(self._whom(known))
        watch = TransferWatch(shared, proxy, inbox, self._progress, known, self._again)
        self._closers.append(watch.close)
        self._watch = watch
        await watch.refer(self._request(known))

    def _give_up(self) -> None:
        if self._watch is not None:
            self._watch.give_up()

    async def _leave(self) -> bool:
        """Undo what is not over; return whether that was too late, and it is complete."""
        watch = self._watch
        if self._undoing is not None:
            pass  # it lets go of everything
        elif watch is None or self._is_over:
            self._release()
        else:
            self._undoing = self._shared.keeper.finish(
                self._undo(watch), f"undo {self._callids[0]}"
            )
            await asyncio.wait((self._undoing,), timeout=_UNDO_WITHIN)
            if self._progress.new_callid is None:
                # Goes on by itself: a phone that has not called yet may do so, and is caught.
                watch.give_up()
            else:
                await asyncio.wait((self._undoing,))
        return self._progress.outcome is True

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
