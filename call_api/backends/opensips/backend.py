"""The back end for one or several OpenSIPS proxies."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

from call_api.backends.base import (
    CallPage,
    HoldStep,
    Remains,
    StartStep,
    Stream,
    TellChange,
    TransferStep,
    Watching,
)
from call_api.backends.opensips import remains, requests
from call_api.backends.opensips.call_infos import CallInfos
from call_api.backends.opensips.calls import CallLister
from call_api.backends.opensips.end import end_call
from call_api.backends.opensips.hold import HoldFlow
from call_api.backends.opensips.shared import Shared
from call_api.backends.opensips.start import StartFlow
from call_api.backends.opensips.transfer import TransferFlow
from call_api.backends.opensips.transfer_progress import TransferProgress
from call_api.backends.opensips.watch import CallWatcher
from call_api.errors import CallBusy
from call_api.model import CallId, LegName, SipUri


class OpenSipsBackend:
    """Carries out commands on calls that pass through OpenSIPS (`call_api.backends.base`)."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        infos = CallInfos(shared)
        self._lister = CallLister(shared, infos)
        self._watcher = CallWatcher(shared, infos)

    def is_ready(self) -> str | None:
        """Return None, or why commands would fail now, in one line."""
        return self._shared.proxies.is_ready()

    def proxies(self) -> dict[str, str]:
        """Return ``up``, or what is wrong, for each proxy by its name."""
        return self._shared.proxies.states()

    def start(self, caller: SipUri, callee: SipUri) -> Stream[StartStep]:
        """Call the caller, then join it with the callee. Ends after the step ``ok``."""
        return StartFlow(self._shared, caller, callee)

    def transfer(self, callid: CallId, leg: LegName, to: SipUri) -> Stream[TransferStep]:
        """Move one leg to another destination, release the other one."""
        return TransferFlow(
            self._shared,
            (callid,),
            lambda _: requests.refer(callid, leg, to),
            lambda known: requests.refer_again(known[0], leg, to),
            TransferProgress((callid,), to, patience=self._shared.patience),
        )

    def join(
        self,
        callid_a: CallId,
        leg_a: LegName,
        callid_b: CallId,
        leg_b: LegName,
        to: SipUri | None = None,
    ) -> Stream[TransferStep]:
        """Join leg A of one call with leg B of another, release the two others."""
        if callid_a == callid_b:
            raise CallBusy(callid_a)

        return TransferFlow(
            self._shared,
            (callid_a, callid_b),
            lambda known: requests.refer_to_leg(known[0], leg_a, known[1], leg_b, to),
            lambda known: requests.refer_to_leg_again(known[0], leg_a, known[1], leg_b, to),
            TransferProgress((callid_a, callid_b), to, patience=self._shared.patience),
            lambda known: known[1].uri(leg_b),
        )

    def hold(self, callid: CallId, legs: Sequence[LegName]) -> Stream[HoldStep]:
        """Put legs on hold. Ends when every one of them is."""
        return HoldFlow(self._shared, callid, legs, hold=True)

    def unhold(self, callid: CallId, legs: Sequence[LegName]) -> Stream[HoldStep]:
        """End the hold of legs. Ends when every one of them is back."""
        return HoldFlow(self._shared, callid, legs, hold=False)

    def end(self, callid: CallId) -> Coroutine[Any, Any, None]:
        """Hang up both legs of a call, ringing or answered."""
        return end_call(self._shared, callid)

    async def remains(self, callid: CallId) -> Remains:
        """Return what is left of a call."""
        return await remains.remains(self._shared, callid)

    async def remains_of_start(self, callid: CallId | None) -> Remains:
        """Return what is left of a call that was being made; end what is half made."""
        return await remains.remains_of_start(self._shared, callid)

    async def remains_of_transfer(
        self, callids: Sequence[CallId], callid: CallId | None
    ) -> Remains:
        """Return what is left of a transfer; cancel what rings for it."""
        return await remains.remains_of_transfer(self._shared, callids, callid)

    async def calls(self, limit: int, after: CallId | None) -> CallPage:
        """Return up to ``limit`` calls in the order in which they were made."""
        now = asyncio.get_running_loop().time()
        return await self._lister.page(limit, after, now)

    def watch(self, tell: TellChange) -> Watching:
        """Tell of every change of every call from now on, until that is closed."""
        return self._watcher.watch(tell)
