"""CallEnd: both legs are hung up, ringing or answered."""

from typing import Final

from call_api.backends.base import ACTING
from call_api.backends.opensips import requests
from call_api.backends.opensips.cancel import cancel
from call_api.backends.opensips.client import ProxyClient
from call_api.backends.opensips.mi import Reply
from call_api.backends.opensips.outcomes import refusal
from call_api.backends.opensips.shared import Shared, look_at
from call_api.errors import CallBusy, NotSupported, ProxyRefused, ProxyUnreachable, UnknownCall
from call_api.model import CallId

_NOT_NOW: Final = 500
"""The proxy is just passing the INVITE on. A moment before, it agrees and does nothing."""

_GONE: Final = 404


async def end_call(shared: Shared, callid: CallId) -> None:
    """Hang up both legs of a call.

    Raises:
        UnknownCall, ProxyRefused, NotSupported: The proxy refuses.
        ProxyUnreachable: It does not answer, and the call may still be up.
    """
    loop = shared.timers.loop
    if shared.ended.has(callid, loop.time()):
        raise UnknownCall(callid)
    proxy = shared.proxies.known(callid) or await shared.proxies.find(callid)
    dialog_id: str = callid
    if requests.looks_like_dialog_id(callid):
        dialog = await proxy.dialog(callid)
        if dialog is None or dialog.is_over:
            raise UnknownCall(callid)
        dialog_id = dialog.id or callid
    await ACTING.get().may_act()
    may_ring = shared.may_ring(callid)
    reply: Reply | None = await proxy.request(requests.end(dialog_id))
    if reply is not None and reply.silence is not None:
        reply = await _ask_again(proxy, callid, dialog_id, reply.silence)
    if reply is None:
        return
    if reply.error is not None and (reply.error.code != _NOT_NOW or not may_ring):
        raise refusal(reply.error, callid)
    if may_ring and not await cancel(proxy, callid):
        raise ProxyRefused(_NOT_NOW, "the call could not be ended")
    shared.ended.add(callid, loop.time())


async def _ask_again(
    proxy: ProxyClient, callid: CallId, dialog_id: str, silence: str
) -> Reply | None:
    """Return what the proxy says the second time; None: the call is over.

    Either the request was lost or its answer; to end a call twice does no harm.

    Raises:
        ProxyUnreachable: It does not say anything.
    """
    try:
        dialog = await look_at(proxy, callid, silence)
    except (ProxyRefused, NotSupported, CallBusy):
        how = "how the call is, it does not tell"
    else:
        if dialog is None or dialog.is_over:
            return None
        how = f"the call is {dialog.call_state}"
    await ACTING.get().may_act()
    reply = await proxy.request(requests.end(dialog_id))
    if reply.silence is not None:
        raise ProxyUnreachable(f"{silence}; {how}")
    is_gone = reply.error is not None and reply.error.code == _GONE
    return None if is_gone else reply
