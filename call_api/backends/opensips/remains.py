"""What is left of the calls of a daemon that died: the proxy has the dialogs still.

What was half made is ended. Nothing is asked of a phone a second time.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from call_api.backends.base import ACTING, Remains
from call_api.backends.opensips import requests
from call_api.backends.opensips.calls import all_dialogs
from call_api.backends.opensips.cancel import call_off, cancel
from call_api.backends.opensips.client import ProxyClient
from call_api.backends.opensips.dialogs import ANSWERED, Dialog, without_osid
from call_api.backends.opensips.shared import Shared, hang_up
from call_api.errors import UnknownCall
from call_api.model import CallId

_STRAY_LOOKS: Final = 10
_STRAY_EVERY: Final = 0.5
"""Looks, and seconds between them, for the call of a phone that was referred just before."""


async def remains(shared: Shared, callid: CallId) -> Remains:
    """Return what is left of a call.

    Raises:
        CallApiError: No proxy tells.
    """
    found = await _find(shared, callid)
    if found is None:
        return Remains(callid=callid, call="gone")
    dialog = found[1]
    if dialog.state < ANSWERED:
        return Remains(callid=callid, call="ringing")
    return Remains(callid=callid, call="up", held=dialog.held)


async def remains_of_start(shared: Shared, callid: CallId | None) -> Remains:
    """Return what is left of a call that was being made; end what is half made.

    The first leg is one dialog, between the proxy and the caller; the call itself is another
    one, which the caller's phone makes when it is referred.

    Raises:
        CallApiError: No proxy tells.
    """
    first = requests.header_callid(ACTING.get().callid)
    leg = await _find(shared, first)
    if leg is None:
        made = None if callid is None else await _find(shared, callid)
        if made is None:
            return Remains(callid=callid or first, call="gone")
        return await _decide(made[0], made[1], None)
    proxy, dialog = leg
    await ACTING.get().may_act()
    if dialog.state < ANSWERED:
        await cancel(proxy, first)
        return Remains(callid=first, call="ringing")
    new = await _new_call(proxy, dialog, callid)
    if new is not None:
        decided = await _decide(proxy, new, None)
        await hang_up(proxy, first)
        return decided
    await hang_up(proxy, first)
    stray = await _stray(proxy, dialog)
    if stray is not None:
        await cancel(proxy, CallId(stray.callid))
    return Remains(callid=first, call="caller")


async def remains_of_transfer(
    shared: Shared, callids: Sequence[CallId], callid: CallId | None
) -> Remains:
    """Return what is left of a transfer; cancel what rings for it, or release who was left.

    Raises:
        CallApiError: No proxy tells.
    """
    old = await _find(shared, callids[0])
    if old is None:
        new = None if callid is None else await _find(shared, callid)
        if new is None:
            return Remains(callid=callid or callids[0], call="gone")
        return await _decide(*new, callids[0])
    proxy, dialog = old
    made = await _new_call(proxy, dialog, callid) or await _stray(proxy, dialog)
    if made is None:
        return Remains(callid=callids[0], call="untransferred", held=dialog.held)
    await ACTING.get().may_act()
    decided = await _decide(proxy, made, callids[0])
    if decided.call == "up":
        for one in callids:
            await hang_up(proxy, one)
    return decided


async def _decide(proxy: ProxyClient, new: Dialog, old: CallId | None) -> Remains:
    """Return what became of a new call; one that rings is cancelled.

    Args:
        old: The call that is there without it; None: there is none.
    """
    callid = CallId(new.callid)
    if new.state < ANSWERED:
        if old is None and await cancel(proxy, callid):
            return Remains(callid=callid, call="ringing")
        if old is not None and await call_off(proxy, callid) is None:
            return Remains(callid=old, call="untransferred")
    return Remains(callid=callid, call="up", destination=without_osid(new.callee), held=new.held)


async def _find(shared: Shared, callid: CallId) -> tuple[ProxyClient, Dialog] | None:
    """Return the live dialog with this Call-ID and the proxy that has it."""
    try:
        proxy = await shared.proxies.find(callid)
    except UnknownCall:
        return None
    dialog = await proxy.dialog(callid, with_values=True)
    return None if dialog is None or dialog.is_over else (proxy, dialog)


async def _new_call(proxy: ProxyClient, old: Dialog, callid: CallId | None) -> Dialog | None:
    """Return the live call that a transfer of ``old`` has made."""
    for one in (callid, old.transfer_callid):
        dialog = None if one is None else await proxy.dialog(CallId(one), with_values=True)
        if dialog is not None and not dialog.is_over:
            return dialog
    for dialog in await all_dialogs(proxy):
        if old.id and dialog.replaces(old.id) and not dialog.is_over:
            return dialog
    return None


async def _stray(proxy: ProxyClient, old: Dialog) -> Dialog | None:
    """Return the call that a phone makes which was referred just now, and has not called yet."""
    if not old.transfer_leg:
        return None
    for _ in range(_STRAY_LOOKS):
        await asyncio.sleep(_STRAY_EVERY)
        now = await proxy.dialog(CallId(old.callid), with_values=True)
        new = await _new_call(proxy, now or old, None)
        if new is not None or now is None or now.transfer_leg == "":
            return new
    return None
