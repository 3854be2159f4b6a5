"""A call that is just being made is ended again, however far it has come."""

import asyncio
import logging
from typing import Final

from call_api.backends.opensips import requests
from call_api.backends.opensips.client import ProxyClient
from call_api.backends.opensips.dialogs import ANSWERED, NEW, Dialog
from call_api.errors import CallApiError
from call_api.model import CallId

logger = logging.getLogger(__name__)

_WITHIN: Final = 8.0
"""Seconds for a call to be over: longer than a phone's INVITE without any answer lasts at most
proxies, and than a refused `dlg_end_dlg` has to be repeated."""

_LOOK_EVERY: Final = 0.1  # seconds
_LOOK_SOON: Final = 0.02  # seconds; where a call that comes up is not to be missed
_ASK_EVERY: Final = 1.0  # seconds
_RINGS_WITHIN: Final = 0.5
"""Seconds for a phone to ring, or to answer at once as it does to Replaces (RFC 3891). Before, it
cannot be cancelled (RFC 3261, section 9.1), and the proxy would end what is just being answered."""


async def cancel(proxy: ProxyClient, callid: CallId) -> bool:
    """End a call that is just being made, even if it is answered; return whether it is over.

    This is repeated until there is nothing left, or nobody tells. For the proxy refuses (500)
    while it is sending the INVITE on, a moment before it even agrees and does nothing, and where
    a CANCEL meets a 200 the call comes up.
    """
    began = proxy.loop.time()
    asked = _Asked()
    state = NEW
    while (now := proxy.loop.time()) < began + _WITHIN:
        if asked.is_due(state, now) and await _end(proxy, callid):
            asked.note(state, now)
        try:
            dialog = await proxy.dialog(callid)
        except CallApiError as exc:
            logger.warning("%s: whether %s is over is not known: %s", proxy.name, callid, exc)
            return False
        if dialog is None or dialog.is_over:
            return True
        state = dialog.state
        await asyncio.sleep(_LOOK_EVERY)
    logger.warning("%s: %s could not be ended", proxy.name, callid)
    return False


async def call_off(proxy: ProxyClient, callid: CallId) -> Dialog | None:
    """Cancel a call that rings; one that is answered is left alone, and returned.

    `dlg_end_dlg` would do if it did not also hang up what was answered a moment ago. So the
    INVITE's transaction is cancelled, in which that does nothing. None may also mean that the
    proxy does not tell.
    """
    began = proxy.loop.time()
    asked = _Asked()
    while (now := proxy.loop.time()) < began + _WITHIN:
        try:
            dialog = await proxy.dialog(callid)
        except CallApiError as exc:
            logger.warning("%s: whether %s is over is not known: %s", proxy.name, callid, exc)
            return None
        if dialog is None or dialog.is_over:
            return None
        if dialog.state >= ANSWERED:
            return dialog
        is_early = dialog.state <= NEW and now < began + _RINGS_WITHIN
        is_due = not is_early and asked.is_due(dialog.state, now)
        if is_due and await _cancel_ringing(proxy, dialog):
            asked.note(dialog.state, now)
        await asyncio.sleep(_LOOK_SOON)
    logger.warning("%s: %s could not be cancelled", proxy.name, callid)
    return None


class _Asked:
    """When the proxy agreed to end a call, and how far the call had come by then."""

    def __init__(self) -> None:
        self._state = 0
        self._again_at = 0.0

    def is_due(self, state: int, now: float) -> bool:
        """Whether it is to be asked (again)."""
        return state > self._state or now >= self._again_at

    def note(self, state: int, now: float) -> None:
        """It has agreed."""
        self._state, self._again_at = state, now + _ASK_EVERY


async def _cancel_ringing(proxy: ProxyClient, dialog: Dialog) -> bool:
    callid = CallId(dialog.callid)
    if dialog.invite_cseq:
        request = requests.cancel(callid, dialog.invite_cseq)
        reply = await proxy.request(request, proxy.reply_within / 2)
        if reply.is_answer and reply.error is None:
            return True
    # The proxy does not find the transaction: the phone's Call-ID header has an unusual form.
    return await _end(proxy, callid)


async def _end(proxy: ProxyClient, callid: CallId) -> bool:
    reply = await proxy.request(requests.end(callid), proxy.reply_within / 2)
    return reply.is_answer and reply.error is None
