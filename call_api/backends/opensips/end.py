"""CallEnd: both legs are hung up, ringing or answered."""

from call_api.backends.base import ACTING
from call_api.backends.opensips import requests
from call_api.backends.opensips.outcomes import result_of
from call_api.backends.opensips.shared import Shared, look_at
from call_api.errors import ProxyUnreachable, UnknownCall
from call_api.model import CallId


async def end_call(shared: Shared, callid: CallId) -> None:
    """Hang up both legs of a call.

    Raises:
        UnknownCall, ProxyRefused, NotSupported: The proxy refuses.
        ProxyUnreachable: It does not answer, and the call may still be up.
    """
    proxy = await shared.proxies.find(callid)
    dialog_id: str = callid
    if requests.looks_like_dialog_id(callid):
        dialog = await proxy.dialog(callid)
        if dialog is None or dialog.is_over:
            raise UnknownCall(callid)
        dialog_id = dialog.id or callid
    await ACTING.get().may_act()
    reply = await proxy.request(requests.end(dialog_id))
    if reply.silence is None:
        result_of(reply, callid)
        return
    dialog = await look_at(proxy, callid, reply.silence)
    if dialog is not None and not dialog.is_over:
        raise ProxyUnreachable(f"{reply.silence}; the call is {dialog.call_state}")
