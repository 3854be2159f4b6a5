"""One OpenSIPS proxy: asks it things, and keeps its events coming."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, Protocol, TypeAlias

from call_api.backends.opensips import requests
from call_api.backends.opensips.dialogs import Dialog, parse_dialog
from call_api.backends.opensips.events import EVENTS, OPTIONAL_EVENTS
from call_api.backends.opensips.mi import MiRequest, Reply
from call_api.backends.opensips.mi_exchange import MiExchange
from call_api.backends.opensips.outcomes import result_of
from call_api.errors import CallApiError, ProxyUnreachable, UnknownCall
from call_api.model import CallId, SipUri

logger = logging.getLogger(__name__)

ATTEMPTS: Final = 3
"""How often a request that changes nothing is sent, if there is no answer."""

SUBSCRIBED_FOR: Final = 60
"""Seconds after which the proxy stops sending events to a daemon that has died."""

_GOOD_BYE_WITHIN: Final = 0.2  # seconds for each answer; without it the subscription expires
_LOOK_EVERY: Final = 5.0  # seconds between two looks at a proxy that is up
_LOOK_AGAIN: Final = 1.0  # and at one that is down
_RENEW_EVERY: Final = 3  # looks: well before the subscriptions expire
_MADE_WITHIN: Final = 0.1  # seconds from a command's begin until the proxy has its call

TellReply: TypeAlias = Callable[[Reply], None]
"""Is told, once, what came of a request. Never waits, never raises."""


class MiChannel(Protocol):
    """What MI requests travel on."""

    @property
    def local_host(self) -> str:
        """Our address, as the proxy reaches it."""

    @property
    def peer_host(self) -> str:
        """The proxy's address."""

    def send(self, request_id: int, data: bytes) -> None:
        """Send a request. Never waits."""

    def forget(self, request_id: int) -> None:
        """Its answer is of no interest any more."""

    def close(self) -> None:
        """Let go of everything."""


class EventSource(Protocol):
    """Where events come in."""

    def socket(self, local_host: str) -> str:
        """Return where a proxy is to send them; it reaches us as ``local_host``."""

    def expect(self, host: str) -> None:
        """Take in those of the proxy with this address."""


Connect: TypeAlias = Callable[["ProxyClient"], Awaitable[MiChannel]]
"""Opens a channel that gives answers to `ProxyClient.receive`, and failures to `fail`.

Raises:
    OSError: There is no way to the proxy.
"""


class Troubled:
    """The right to be told when a call is lost, until `close`."""

    def __init__(
        self,
        others: dict["Troubled", None],
        callid: CallId,
        tell: Callable[[str], None],
        since: float,
    ) -> None:
        self._others = others
        self.callid = callid
        self.tell = tell
        self.since = since

    def close(self) -> None:
        """Stop. Does no harm a second time."""
        self._others.pop(self, None)


class ProxyClient:
    """Talks to one proxy, for all commands at once.

    Args:
        name: What it is called in logs and errors: its address.
        sip_uri: Where it takes SIP requests.
        connect: Opens what requests travel on.
        reply_within: Seconds it has to answer a request that needs no phone.
        waits_beside: Whether a request that needs a phone leaves the others alone meanwhile.

    Attributes:
        down: Why it cannot be used, with its name; None when it can.
    """

    def __init__(
        self,
        *,
        name: str,
        sip_uri: SipUri,
        connect: Connect,
        reply_within: float = 2.0,
        waits_beside: bool = True,
    ) -> None:
        self.name = name
        self.waits_beside = waits_beside
        self._connect = connect
        self.sip_uri = sip_uri
        self.reply_within = reply_within
        self.down: str | None = f"{name}: no answer yet"
        self.loop = asyncio.get_running_loop()
        self._is_wire_logged = logger.isEnabledFor(logging.DEBUG)
        self._exchange = MiExchange()
        self._waiting: dict[int, TellReply | asyncio.Future[Reply]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._sweeps_at = 0.0  # uvloop's handle of a timer that is due has no when()
        self._channel: MiChannel | None = None
        self._up_since: str | None = None
        self._troubled: dict[Troubled, None] = {}

    @property
    def waiting(self) -> int:
        """The number of requests without an answer yet."""
        return len(self._waiting)

    def send(self, request: MiRequest, tell: TellReply, within: float | None = None) -> None:
        """Send a request, once.

        Args:
            tell: May be told before this returns.
            within: Seconds to wait for the answer; by default the usual ones.
        """
        self._send(request, tell, within)

    def request(self, request: MiRequest, within: float | None = None) -> asyncio.Future[Reply]:
        """Send a request, once, and return what comes of it."""
        reply: asyncio.Future[Reply] = self.loop.create_future()
        self._send(request, reply, within)
        return reply

    async def ask(self, request: MiRequest) -> Reply:
        """Send a request that changes nothing, several times if need be."""
        reply = Reply()
        for _ in range(ATTEMPTS):
            reply = await self.request(request, self.reply_within / 2)
            if reply.is_answer:
                break
        return reply

    async def dialog(self, callid: CallId, *, with_values: bool = False) -> Dialog | None:
        """Return the dialog with this Call-ID, over or not; None: the proxy knows none.

        Raises:
            ProxyUnreachable, ProxyRefused, CallBusy, NotSupported: The proxy does not tell.
        """
        reply = await self.ask(requests.dialog_of(callid, with_values=with_values))
        try:
            found = parse_dialog(result_of(reply, callid))
        except UnknownCall:
            return None
        return found if found is not None and found.callid == callid else None

    def receive(self, data: bytes) -> None:
        """Take in an answer. Called by the channel."""
        if self._is_wire_logged:
            logger.debug("%s < %s", self.name, data)
        answered = self._exchange.receive(data)
        if answered is not None:
            self._answer(answered[0], answered[1])

    def fail(self, request_id: int | None, reason: str) -> None:
        """A request will have no answer; None: none of those that wait. Called by the channel."""
        lost = tuple(self._waiting) if request_id is None else (request_id,)
        for one in lost:
            if self._exchange.forget(one):
                self._answer(one, Reply(silence=f"{self.name}: {reason}"))
        if request_id is None:
            self._set_down(reason)
            self._tell_trouble(reason)

    def close(self) -> None:
        """Give up every request and let go of the channel."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.down = f"{self.name}: the daemon is shutting down"
        for request_id in tuple(self._waiting):
            self.fail(request_id, "the daemon is shutting down")
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def on_trouble(self, callid: CallId, tell: Callable[[str], None]) -> Troubled:
        """Have it told when a call is lost: the proxy is gone, or was started anew without it."""
        troubled = Troubled(self._troubled, callid, tell, self.loop.time())
        self._troubled[troubled] = None
        return troubled

    async def open(self) -> MiChannel:
        """Return the channel, open.

        Raises:
            OSError: There is no way to the proxy.
        """
        if self._channel is None:
            self._channel = await self._connect(self)
        return self._channel

    async def look_after(self, events: EventSource) -> None:
        """Keep the events coming, for ever, and know whether the proxy is up."""
        looks = 0
        while True:
            await asyncio.sleep(_LOOK_AGAIN if self.down else _LOOK_EVERY)
            looks += 1
            try:
                await self.look(events, renew=self.down is not None or looks % _RENEW_EVERY == 0)
            except Exception:  # else nobody would ever look again
                logger.exception("%s: looking at it failed", self.name)

    async def look(self, events: EventSource, *, renew: bool) -> None:
        """See whether the proxy is up; subscribe to its events if need be."""
        try:
            channel = await self.open()
        except OSError as exc:
            self._set_down(exc.strerror or str(exc))
            return
        reply = await self.ask(requests.uptime())
        if reply.silence is not None:
            self._set_down(reply.silence)
            return
        has_restarted = self._has_restarted(reply)
        events.expect(channel.peer_host)
        problem = self.down
        if renew or has_restarted:
            problem = await self._subscribe(events.socket(channel.local_host))
        if problem is not None:
            self._set_down(problem)
        elif self.down is not None:
            logger.info("%s: ready", self.name)
            self.down = None
        if has_restarted:
            await self._tell_lost("OpenSIPS was started anew")

    async def unsubscribe(self, events: EventSource) -> None:
        """Have no more events sent, if the proxy is up and answers soon."""
        if self._channel is not None and self.down is None:
            socket = events.socket(self._channel.local_host)
            for event in EVENTS:
                await self.request(requests.subscribe(event, socket, 0), _GOOD_BYE_WITHIN)

    def _send(
        self,
        request: MiRequest,
        waiter: TellReply | asyncio.Future[Reply],
        within: float | None,
    ) -> None:
        within = within or self.reply_within
        channel, now = self._channel, self.loop.time()
        request_id, data = self._exchange.request(request.method, request.params, now, within)
        self._waiting[request_id] = waiter
        if channel is None:
            self.fail(request_id, "not connected")
            return
        if self._is_wire_logged:
            logger.debug("%s > %s", self.name, data)
        if self._timer is None or now + within < self._sweeps_at:
            self._sweep_at(now + within)
        channel.send(request_id, data)

    def _answer(self, request_id: int, reply: Reply) -> None:
        waiter = self._waiting.pop(request_id)
        if not isinstance(waiter, asyncio.Future):
            waiter(reply)
        elif not waiter.done():  # its command may have been cancelled
            waiter.set_result(reply)

    async def _subscribe(self, socket: str) -> str | None:
        """Return why there will be no events, or None."""
        for event in EVENTS:
            reply = await self.ask(requests.subscribe(event, socket, SUBSCRIBED_FOR))
            if reply.silence is not None:
                return reply.silence
            if reply.error is not None and event not in OPTIONAL_EVENTS:
                return f"no subscription to {event}: {reply.error.code} {reply.error.reason}"
        return None

    def _has_restarted(self, reply: Reply) -> bool:
        since = reply.result.get("Up since") if isinstance(reply.result, dict) else None
        before, self._up_since = self._up_since, since or self._up_since
        return before is not None and since is not None and since != before

    def _set_down(self, reason: str) -> None:
        named = reason if reason.startswith(self.name) else f"{self.name}: {reason}"
        if self.down is None:
            logger.warning("%s", named)
        self.down = named

    def _tell_trouble(self, reason: str) -> None:
        for troubled in tuple(self._troubled):
            troubled.tell(f"{self.name}: {reason}")

    async def _tell_lost(self, reason: str) -> None:
        """Tell of the calls that are no more. Others were made since, or kept in a database."""
        for troubled in tuple(self._troubled):
            try:
                is_there = await self.dialog(troubled.callid) is not None
            except ProxyUnreachable:  # to ask for each would take hours
                self._tell_trouble(reason)
                return
            except CallApiError:
                is_there = False
            is_new = self.loop.time() < troubled.since + _MADE_WITHIN
            if troubled in self._troubled and not is_there and not is_new:
                troubled.tell(f"{self.name}: {reason}")

    def _sweep_at(self, at: float) -> None:
        """One timer for all that wait."""
        if self._timer is not None:
            self._timer.cancel()
        self._sweeps_at = at
        self._timer = self.loop.call_at(at, self._sweep)

    def _sweep(self) -> None:
        self._timer = None
        for request_id in self._exchange.handle_timer(self.loop.time()):
            if self._channel is not None:
                self._channel.forget(request_id)
            self._answer(request_id, Reply(silence=f"{self.name}: no answer"))
        at = self._exchange.next_timer()
        if at is not None and (self._timer is None or at < self._sweeps_at):
            self._sweep_at(at)
