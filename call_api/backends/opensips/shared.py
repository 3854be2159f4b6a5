"""What the flows of all commands share."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from call_api.backends.opensips import events, requests
from call_api.backends.opensips.client import ATTEMPTS, ProxyClient
from call_api.backends.opensips.dialogs import ANSWERED, CONFIRMED, Dialog
from call_api.backends.opensips.ended import EndedCalls
from call_api.backends.opensips.event_table import EventTable
from call_api.backends.opensips.keeper import Keeper
from call_api.backends.opensips.patience import Patience
from call_api.backends.opensips.proxies import Proxies
from call_api.backends.opensips.recent_dialogs import ACK_WITHIN, RecentDialogs
from call_api.errors import (
    CallBusy,
    NotSupported,
    ProxyRefused,
    ProxyUnreachable,
    UnknownCall,
)
from call_api.model import CallId
from call_api.spare_timers import SpareTimers

logger = logging.getLogger(__name__)

HOLD_WITHIN: Final = 40.0
"""Seconds for both legs to answer a re-INVITE: what SIP waits itself (RFC 3261, section
17.1.1.2), and some."""

SETTLE_FOR: Final = 0.02
"""Seconds from the proxy's word that a dialog is acknowledged until the phone has the ACK."""

_ACK_EVERY: Final = 0.03  # seconds; as long as the ACK may take to be passed on


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """The proxies, their events, and who is changing which call.

    Attributes:
        starting: The first leg of every CallStart that runs: its Call-ID, caller and callee.
        making: The calls that referred phones make.
    """

    proxies: Proxies
    table: EventTable
    recent: RecentDialogs
    keeper: Keeper
    patience: Patience
    timers: SpareTimers
    hold_within: float = HOLD_WITHIN
    changing: set[CallId] = field(default_factory=set)
    starting: dict[CallId, tuple[str, str]] = field(default_factory=dict)
    making: set[CallId] = field(default_factory=set)
    ended: EndedCalls = field(default_factory=EndedCalls)

    def may_ring(self, callid: CallId) -> bool:
        """Return whether a call may not be answered yet, for all that was told of it."""
        return callid in self.making or callid in self.starting or self.recent.rings(callid)

    def is_settled(self, callid: CallId) -> bool:
        """Return whether there is nothing that `settle` would wait for, as nearly always."""
        age = self.recent.acknowledged_for(callid)
        return not self.recent.awaits_ack(callid) if age is None else age >= SETTLE_FOR

    async def settle(self, callid: CallId) -> None:
        """Wait until a call that was answered just now takes requests.

        The proxy tells that a dialog is acknowledged just before it passes the ACK on. A REFER or
        re-INVITE that overtakes the ACK takes its sequence number away from it. Nothing tells when
        it is done; 90 of 90 calls were good after this time.
        """
        if self.recent.awaits_ack(callid):
            await self._acknowledged(callid)
        age = self.recent.acknowledged_for(callid)
        if age is not None and age < SETTLE_FOR:
            await asyncio.sleep(SETTLE_FOR - age)

    async def _acknowledged(self, callid: CallId) -> None:
        news = asyncio.Event()
        listening = self.table.listen((events.STATE,), (callid,), lambda _: news.set())
        try:
            async with asyncio.timeout(ACK_WITHIN):
                await news.wait()
        except TimeoutError:
            return
        finally:
            listening.close()

    def claim(self, callids: Sequence[CallId]) -> "Claim":
        """Be the only command that transfers or holds these calls, until the claim is closed.

        Raises:
            CallBusy: Another one is at it.
        """
        for callid in callids:
            if callid in self.changing:
                raise CallBusy(callid)
        self.changing.update(callids)
        return Claim(self.changing, callids)


class Claim:
    """The right to change some calls; ends with `close`, which does no harm a second time."""

    def __init__(self, changing: set[CallId], callids: Sequence[CallId]) -> None:
        self._changing = changing
        self._callids = callids

    def close(self) -> None:
        """Let others change them."""
        self._changing.difference_update(self._callids)
        self._callids = ()


async def hang_up(proxy: ProxyClient, callid: CallId) -> bool:
    """End a call that this command made or has replaced; return whether it is over.

    Ending it twice does no harm, so this is repeated when there is no answer.
    """
    for _ in range(ATTEMPTS):
        reply = await proxy.request(requests.end(callid), proxy.reply_within / 2)
        if reply.error is not None and reply.error.code != 404:
            logger.warning("%s: %s could not be ended: %s", proxy.name, callid, reply.error.reason)
            return False
        if reply.is_answer:
            return True
    logger.warning("%s: no answer on ending %s", proxy.name, callid)
    return False


async def established(proxy: ProxyClient, callid: CallId) -> Dialog:
    """Return a call that is answered, as soon as the answer is acknowledged too.

    In between, a REFER overtakes the ACK and takes its sequence number away, and callops holds
    nothing.

    Raises:
        UnknownCall: There is none, or it is over.
        ProxyRefused: It rings still.
        ProxyUnreachable: The proxy is silent.
    """
    until = proxy.loop.time() + ACK_WITHIN
    is_new = False  # the ACK was not there yet, and may be on its way still
    while True:
        try:
            dialog = await proxy.dialog(callid, with_values=True)
        except (ProxyRefused, NotSupported, CallBusy):
            return Dialog(id="", callid=callid, state=CONFIRMED)  # it does not tell
        if dialog is None or dialog.is_over:
            raise UnknownCall(callid)
        if dialog.state < ANSWERED:
            raise ProxyRefused(410, "Dialog not ready")
        if (dialog.state >= CONFIRMED and not is_new) or proxy.loop.time() >= until:
            return dialog
        is_new = dialog.state < CONFIRMED
        await asyncio.sleep(_ACK_EVERY)


async def look_at(proxy: ProxyClient, callid: CallId, silence: str) -> Dialog | None:
    """Return how a call is after a request was not answered.

    Raises:
        ProxyUnreachable: This is not answered either.
    """
    try:
        return await proxy.dialog(callid, with_values=True)
    except ProxyUnreachable as exc:
        raise ProxyUnreachable(f"{silence}; how the call is, is not known") from exc
