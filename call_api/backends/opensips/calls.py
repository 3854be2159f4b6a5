"""CallList: the dialogs of all proxies, as calls."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from call_api.backends.base import CallInfo, CallPage
from call_api.backends.opensips import requests
from call_api.backends.opensips.client import ProxyClient
from call_api.backends.opensips.dialogs import Dialog, parse_dialogs, without_osid
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

    def __init__(self) -> None:
        self._list: list[CallInfo] = []
        self._taken_at: float | None = None
        self._first_seen: dict[CallId, float] = {}

    async def page(self, shared: Shared, limit: int, after: CallId | None, now: float) -> CallPage:
        """Return up to ``limit`` calls after the one with this Call-ID.

        Args:
            now: On the loop's clock.

        Raises:
            ProxyUnreachable, ProxyRefused, NotSupported: No proxy tells.
        """
        is_fresh = self._taken_at is not None and now < self._taken_at + _KEPT_FOR
        if after is None or not is_fresh:
            self._list = await self._read(shared)
            self._taken_at = now
        start = self._place_after(after)
        calls = self._list[start : start + limit]
        has_more = start + limit < len(self._list)
        return CallPage(calls=calls, next=calls[-1].callid if has_more else None)

    def _place_after(self, after: CallId | None) -> int:
        if after is None:
            return 0
        for at, call in enumerate(self._list):
            if call.callid == after:
                return at + 1
        return len(self._list)

    async def _read(self, shared: Shared) -> list[CallInfo]:
        found: dict[CallId, CallInfo] = {}
        failed: CallApiError | None = None
        for client in shared.proxies.clients:
            try:
                dialogs = await _all_dialogs(client)
            except CallApiError as exc:
                failed = exc
                continue
            for dialog in dialogs:
                if not dialog.is_over:
                    call = self._call(dialog, shared)
                    found[call.callid] = call
        if failed is not None and not found:
            raise failed
        self._first_seen = {one: at for one, at in self._first_seen.items() if one in found}
        return sorted(found.values(), key=lambda call: (call.started, call.callid))

    def _call(self, dialog: Dialog, shared: Shared) -> CallInfo:
        callid = CallId(dialog.callid)
        # While it rings the proxy does not tell since when.
        now = datetime.now(UTC).timestamp()
        started = dialog.started or self._first_seen.setdefault(callid, now)
        caller, callee = shared.starting.get(
            callid, (without_osid(dialog.caller), without_osid(dialog.callee))
        )
        return CallInfo(
            callid=callid,
            state=dialog.call_state,
            caller=caller,
            callee=callee,
            started=datetime.fromtimestamp(started, UTC),
            held=dialog.held,
        )


async def _all_dialogs(client: ProxyClient) -> Sequence[Dialog]:
    """Read the list in parts that fit into an answer; smaller ones if they do not."""
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
