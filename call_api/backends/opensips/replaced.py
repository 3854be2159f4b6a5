"""What a transfer has replaced is ended: nobody else does."""

import asyncio
from collections.abc import Sequence
from typing import Final

from call_api.backends.opensips.client import ProxyClient
from call_api.backends.opensips.dialogs import Dialog
from call_api.backends.opensips.shared import Shared, hang_up
from call_api.errors import CallApiError
from call_api.model import CallId

_LOOKS: Final = 5
_LOOK_EVERY: Final = 0.2  # seconds


async def end_replaced(shared: Shared, proxy: ProxyClient, known: Sequence[Dialog]) -> None:
    """End the call that was transferred, and the one whose leg was taken over, if any."""
    await hang_up(proxy, CallId(known[0].callid))
    for dialog in known[1:]:
        shared.keeper.finish(_end_what_is_left(proxy, dialog), f"end {dialog.callid}")


async def _end_what_is_left(proxy: ProxyClient, dialog: Dialog) -> None:
    """End a call whose leg was taken over: the phone does so itself, unless it cannot."""
    callid = CallId(dialog.callid)
    for _ in range(_LOOKS):
        try:
            now = await proxy.dialog(callid)
        except CallApiError:
            return
        if now is None or now.is_over:
            return
        await asyncio.sleep(_LOOK_EVERY)
    await hang_up(proxy, callid)
