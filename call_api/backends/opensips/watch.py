"""CallWatch: what happens to calls, told as it happens."""

import asyncio
import logging
from collections import deque
from collections.abc import Container
from typing import Final

from msgspec.structs import replace

from call_api.backends.base import CallChange, CallInfo, TellChange, Watching
from call_api.backends.opensips import events
from call_api.backends.opensips.call_infos import CallInfos
from call_api.backends.opensips.calls import survey
from call_api.backends.opensips.dialogs import without_osid
from call_api.backends.opensips.events import EventParams, ProxyEvent
from call_api.backends.opensips.outcomes import parse_status
from call_api.backends.opensips.shared import Shared
from call_api.errors import CallApiError, UnknownCall
from call_api.model import CallId, CallState

logger = logging.getLogger(__name__)

_SURVEY_EVERY: Final = 30.0
"""Seconds between two looks at all calls: events may be lost."""

_MAX_WAITING: Final = 10_000
"""Events; when more wait, the newest are lost, and found by the next look at all calls."""

_NEW: Final = 1
_STATES: Final[dict[int, CallState]] = {2: "ringing", 3: "answered", 4: "answered"}
_RANKS: Final[dict[CallState, int]] = {"created": 1, "ringing": 2, "answered": 3, "ended": 4}


class CallWatcher:
    """Tells of changes, while somebody wants to know.

    The proxy's events name a call and say little more: what it is, the proxy is asked once.
    """

    def __init__(self, shared: Shared, infos: CallInfos) -> None:
        self._shared = shared
        self._infos = infos
        self._tells: dict[_Watching, TellChange] = {}
        self._running: _Run | None = None

    def watch(self, tell: TellChange) -> Watching:
        """Tell of every change from now on, until that is closed."""
        watching = _Watching(self)
        self._tells[watching] = tell
        if self._running is None:
            self._running = _Run(self._shared, self._infos, self._tell)
        return watching

    def stop(self, watching: "_Watching") -> None:
        """Tell one no more, and with the last one rest."""
        self._tells.pop(watching, None)
        if not self._tells and self._running is not None:
            self._running.close()
            self._running = None

    def _tell(self, change: CallChange) -> None:
        for tell in tuple(self._tells.values()):
            tell(change)


class _Watching:
    def __init__(self, watcher: CallWatcher) -> None:
        self._watcher = watcher

    def close(self) -> None:
        self._watcher.stop(self)


class _Run:
    """One time of watching: from the first who wants to know until the last."""

    def __init__(self, shared: Shared, infos: CallInfos, tell: TellChange) -> None:
        self._shared = shared
        self._infos = infos
        self._tell = tell
        self._calls: dict[CallId, CallInfo] = {}
        self._replaced: set[CallId] = set()  # by a transfer: nothing but their end is news
        self._merging: dict[CallId, set[CallId]] = {}  # new call -> those that it is made of
        self._waiting: deque[ProxyEvent] = deque()
        self._news = asyncio.Event()
        self._stop_listening = shared.table.listen_to_all(self._receive)
        self._task = shared.keeper.spawn(self._work(), "watch calls")

    def close(self) -> None:
        """Tell nothing more."""
        self._stop_listening()
        self._task.cancel()

    def _receive(self, event: ProxyEvent) -> None:
        if len(self._waiting) < _MAX_WAITING:
            self._waiting.append(event)
            self._news.set()

    async def _work(self) -> None:
        """Go from one event to the next, and look at everything now and then."""
        loop = asyncio.get_running_loop()
        found = (await survey(self._shared, self._infos)).calls
        # The proxy does not tell that a call is made: one that does not ring yet may be news.
        self._calls = {one: call for one, call in found.items() if call.state != "created"}
        for event in self._waiting:  # a call that was made meanwhile is news
            if event.method == events.STATE and event.params.old_state <= _NEW:
                self._calls.pop(CallId(event.params.callid), None)
        survey_at = loop.time() + _SURVEY_EVERY
        while True:
            while self._waiting:
                await self._take(self._waiting.popleft())
            self._news.clear()
            try:
                async with asyncio.timeout_at(survey_at):
                    await self._news.wait()
            except TimeoutError:
                await self._survey()
                survey_at = loop.time() + _SURVEY_EVERY

    async def _take(self, event: ProxyEvent) -> None:
        params = event.params
        if event.method == events.STATE:
            await self._take_state(params)
        elif event.method == events.HOLD and params.state == "ok":
            await self._take_hold(params)
        elif event.method == events.TRANSFER:
            await self._take_transfer(params)

    async def _take_state(self, params: EventParams) -> None:
        callid = CallId(params.callid)
        if params.new_state >= events.ENDED:
            self._end(callid)
            return
        state = _STATES.get(params.new_state)
        known = self._calls.get(callid)
        is_news = known is None or _RANKS[known.state] < _RANKS[state or "created"]
        if state is None or not is_news or callid in self._replaced:
            return
        call = known or await self._look(callid)
        if call is not None:
            self._advance(replace(call, state=state))

    async def _take_hold(self, params: EventParams) -> None:
        known = self._calls.get(CallId(params.callid))
        now = await self._look(CallId(params.callid)) if known is not None else None
        if now is not None:
            self._change_hold(now)

    async def _take_transfer(self, params: EventParams) -> None:
        old, new = CallId(params.callid), CallId(params.transfer_callid or "")
        if params.state == "fail":
            self._merging.pop(new, None)
            self._take_failure(params)
        elif old not in self._replaced:
            # An attended transfer is told of both its calls, one after the other.
            self._merging.setdefault(new, set()).add(old)
            if params.state == "ok":
                await self._complete_transfer(new)

    async def _complete_transfer(self, new: CallId) -> None:
        """Tell of it. The old calls are still there until somebody ends them."""
        names = self._merging.pop(new)
        call = self._calls.get(new) or await self._look(new)
        if call is not None:
            self._replaced |= names
            self._calls[new] = call
            self._tell(CallChange(event="transferred", call=call, names=sorted(names)))

    def _take_failure(self, params: EventParams) -> None:
        call = self._calls.get(CallId(params.callid))
        status = parse_status(params.status)
        if call is None:
            return
        self._tell(
            CallChange(
                event="branch_failed",
                call=call,
                target=without_osid(params.destination or "") or None,
                status=None if status is None else status[0],
            )
        )

    def _advance(self, call: CallInfo) -> None:
        """Tell how far a call has come since it was told of last."""
        known = self._calls.get(call.callid)
        if known is None:
            self._tell(CallChange(event="created", call=replace(call, state="created")))
        self._calls[call.callid] = call
        if call.state == "ringing":
            self._tell(CallChange(event="ringing", call=call))
        elif call.state == "answered" and (known is None or known.state != "answered"):
            self._tell(CallChange(event="answered", call=call))

    def _change_hold(self, now: CallInfo) -> None:
        known = self._calls.get(now.callid)
        if known is None or set(known.held) == set(now.held):
            return
        call = self._calls[now.callid] = replace(known, held=now.held)
        event = "held" if set(now.held) - set(known.held) else "resumed"
        self._tell(CallChange(event="held" if event == "held" else "resumed", call=call))

    def _end(self, callid: CallId) -> None:
        self._replaced.discard(callid)
        known = self._calls.pop(callid, None)
        if known is not None:
            self._tell(CallChange(event="ended", call=replace(known, state="ended", held=())))

    async def _look(self, callid: CallId) -> CallInfo | None:
        try:
            proxy = await self._shared.proxies.find(callid)
            dialog = await proxy.dialog(callid, with_values=True)
        except CallApiError as exc:
            logger.debug("%s is not looked at: %s", callid, exc)
            return None
        return None if dialog is None or dialog.is_over else self._infos.of(dialog)

    async def _survey(self) -> None:
        """Find what no event has told."""
        found = await survey(self._shared, self._infos)
        for callid, call in found.calls.items():
            known = self._calls.get(callid)
            if callid in self._replaced:
                continue
            if known is None:
                self._advance(call)
            elif _RANKS[known.state] < _RANKS[call.state]:
                self._advance(replace(call, held=known.held))
            self._change_hold(call)
        if found.failed is None:
            await self._end_all_but(found.calls)

    async def _end_all_but(self, listed: Container[CallId]) -> None:
        for callid in [one for one in self._calls if one not in listed]:
            if await self._is_over(callid):
                self._end(callid)
        self._replaced &= self._calls.keys()
        for new in [one for one in self._merging if one not in listed]:
            del self._merging[new]

    async def _is_over(self, callid: CallId) -> bool:
        """Make sure: when calls end while the list is read in parts, it lacks others as well."""
        try:
            proxy = await self._shared.proxies.find(callid)
            dialog = await proxy.dialog(callid)
        except UnknownCall:
            return True
        except CallApiError:
            return False
        return dialog is None or dialog.is_over
