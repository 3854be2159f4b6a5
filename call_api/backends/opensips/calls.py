"""CallList: the dialogs of all proxies, as calls."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from call_api.backends.base import CallInfo, CallPage
from call_api.backends.opensips import requests
from call_api.backends.opensips.call_infos import CallInfos
from call_api.backends.opensips.client import ProxyClient
from call_api.backends.opensips.dialogs import Dialog, parse_dialogs
from call_api.backends.opensips.outcomes import result_of
from call_api.backends.opensips.shared import Shared
from call_api.errors import CallApiError, ProxyUnreachable
from call_api.model import CallId

AT_A_TIME: Final = 20
"""Dialogs in one answer: one of them takes about 1.6 KB, and OpenSIPS has room for 61 KB."""

_KEPT_FOR: Final = 5.0
"""Seconds for which a list serves those who read it page by page."""


class CallLister:
    """Lists calls, page by page, in the order in which they were made.

    The proxy lists them in no order: a page needs them all. So a list is kept for a moment.
    """

    def __init__(self, shared: Shared, infos: CallInfos) -> None:
        self._shared = shared
        self._infos = infos
        self._list: list[CallInfo] = []
        self._taken_at: float | None = None

    async def page(self, limit: int, after: CallId | None, now: float) -> CallPage:
        """Return up to ``limit`` calls after the one with this Call-ID.

        Args:
            now: On the loop's clock.

        Raises:
            ProxyUnreachable, ProxyRefused, NotSupported: No proxy tells.
        """
        is_fresh = self._taken_at is not None and now < self._taken_at + _KEPT_FOR
        if after is None or not is_fresh:
            found = await survey(self._shared, self._infos)
            if found.failed is not None and not found.calls:
                raise found.failed
            there = (call for one, call in found.calls.items() if one not in found.replaced)
            self._list = sorted(there, key=self._order)
            self._taken_at = now
        start = self._place_after(after)
        calls = self._list[start : start + limit]
        has_more = start + limit < len(self._list)
        return CallPage(calls=calls, next=calls[-1].callid if has_more else None)

    def _order(self, call: CallInfo) -> tuple[int, datetime, CallId]:
        """Calls we were not told of are older; of the others the proxy knows only the second."""
        return (self._shared.recent.number(call.callid), call.started, call.callid)

    def _place_after(self, after: CallId | None) -> int:
        if after is None:
            return 0
        for at, call in enumerate(self._list):
            if call.callid == after:
                return at + 1
        return len(self._list)


@dataclass(frozen=True, slots=True)
class Survey:
    """All calls there are.

    Attributes:
        replaced: First legs of those that are being made: by another name the call is there.
        failed: Why those of some proxy are missing; None: they are all there.
    """

    calls: Mapping[CallId, CallInfo]
    replaced: Collection[CallId]
    failed: CallApiError | None


async def survey(shared: Shared, infos: CallInfos) -> Survey:
    """Return the calls of all proxies that tell."""
    found: dict[CallId, CallInfo] = {}
    replaced: set[CallId] = set()
    failed: CallApiError | None = None
    for client in shared.proxies.clients:
        try:
            dialogs = await all_dialogs(client)
        except CallApiError as exc:
            failed = exc
            continue
        live = [dialog for dialog in dialogs if not dialog.is_over]
        marks = {dialog.replaced_id for dialog in live}
        for dialog in live:
            call = infos.of(dialog)
            found[call.callid] = call
            if call.callid in shared.starting and dialog.id in marks:
                replaced.add(call.callid)
    if failed is None:
        infos.keep(found)
    return Survey(found, replaced, failed)


async def all_dialogs(client: ProxyClient) -> Sequence[Dialog]:
    """Return all dialogs of a proxy: read in parts that fit into an answer, or in smaller ones."""
    found: dict[str, Dialog] = {}
    index, count = 0, AT_A_TIME
    while True:
        if client.down is not None:
            raise ProxyUnreachable(client.down)
        reply = await client.ask(requests.dialogs(index, count))
        is_too_long = reply.error is not None and reply.error.code == 500
        if count > 1 and is_too_long:
            count = max(count // 4, 1)
            continue
        if is_too_long:
            index += 1  # not even alone: the rest is worth more than this one
            continue
        part = parse_dialogs(result_of(reply, CallId("")))
        for dialog in part:
            found[dialog.id or dialog.callid] = dialog
        if len(part) < count:
            return tuple(found.values())
        index += len(part)
