"""The back end that needs no proxy: a registrar and back-to-back user agent of our own."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from call_api.backends.base import (
    CallPage,
    HoldStep,
    Remains,
    StartStep,
    Stream,
    TellChange,
    TransferStep,
    Watching,
)
from call_api.backends.embedded.attended import Join
from call_api.backends.embedded.exchange import Exchange
from call_api.backends.embedded.hold import Hold
from call_api.backends.embedded.operation import acting_callid, may_act
from call_api.backends.embedded.remains import remains
from call_api.backends.embedded.routing import Decide
from call_api.backends.embedded.start import Start
from call_api.backends.embedded.steps import Steps
from call_api.backends.embedded.switchboard import Switchboard
from call_api.backends.embedded.transfer import Transfer
from call_api.config import Config, Embedded
from call_api.errors import CallFailed
from call_api.model import CallId, LegName, SipUri
from call_api.sip.flow import host_port
from call_api.sip.timers import Timers
from call_api.transports.sip_endpoint import sip_endpoint
from call_api.transports.tcp import TcpLimits

logger = logging.getLogger(__name__)

BYE_WITHIN = 4.0
"""Seconds that CallEnd waits for the phones' answers; the call is over without them, too."""


class EmbeddedBackend:
    """Carries out the commands. Made by `embedded_backend`.

    Attributes:
        host: The address that phones reach it at.
        port: The port, for UDP and TCP.
    """

    def __init__(self, board: Switchboard, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self._board = board

    def is_ready(self) -> str | None:
        """Return None, or why commands would fail now, in one line."""
        return "the SIP back end is closing" if self._board.is_closing else None

    def proxies(self) -> dict[str, str]:
        """Return nothing: phones come here."""
        return {}

    def start(self, caller: SipUri, callee: SipUri) -> Stream[StartStep]:
        """Call the caller, then join it with the callee."""
        board = self._board
        return Steps(board, lambda tell: Start(board, caller, callee, acting_callid(), tell))

    def transfer(self, callid: CallId, leg: LegName, to: SipUri) -> Stream[TransferStep]:
        """Move one leg to another destination, release the other one."""
        board = self._board
        return Steps(board, lambda tell: Transfer(board, board.calls.find(callid), leg, to, tell))

    def join(
        self,
        callid_a: CallId,
        leg_a: LegName,
        callid_b: CallId,
        leg_b: LegName,
        to: SipUri | None = None,
    ) -> Stream[TransferStep]:
        """Join leg A of one call with leg B of another, release the two others."""
        board = self._board

        def make(tell: Callable[[TransferStep], None]) -> Join:
            call_a, call_b = board.calls.find(callid_a), board.calls.find(callid_b)
            return Join(board, call_a, leg_a, call_b, leg_b, to, tell)

        return Steps(board, make)

    def hold(self, callid: CallId, legs: Sequence[LegName]) -> Stream[HoldStep]:
        """Put legs on hold."""
        return self._hold(callid, legs, is_on=True)

    def unhold(self, callid: CallId, legs: Sequence[LegName]) -> Stream[HoldStep]:
        """End the hold of legs."""
        return self._hold(callid, legs, is_on=False)

    def _hold(self, callid: CallId, legs: Sequence[LegName], *, is_on: bool) -> Stream[HoldStep]:
        board = self._board
        return Steps(
            board, lambda tell: Hold(board, board.calls.find(callid), legs, is_on=is_on, tell=tell)
        )

    async def end(self, callid: CallId) -> None:
        """Hang up both legs of a call, ringing or answered."""
        await may_act()
        call = self._board.calls.find(callid)
        legs = self._board.end(call, CallFailed(487, "Request Terminated"))
        await self._board.until_dead(legs, BYE_WITHIN)

    async def remains(self, callid: CallId) -> Remains:
        """Return what is left of a call."""
        return remains(self._board.calls, callid)

    async def remains_of_start(self, callid: CallId | None) -> Remains:
        """Return what is left of a call that was being made."""
        return remains(self._board.calls, callid or CallId(acting_callid()))

    async def remains_of_transfer(
        self, callids: Sequence[CallId], callid: CallId | None
    ) -> Remains:
        """Return what is left of a transfer."""
        return remains(self._board.calls, callid or callids[0])

    async def calls(self, limit: int, after: CallId | None) -> CallPage:
        """Return up to ``limit`` calls in the order in which they were made."""
        return self._board.calls.page(limit, after)

    def watch(self, tell: TellChange) -> Watching:
        """Tell of every change of every call from now on, until that is closed."""
        return self._board.changes.watch(tell)


@asynccontextmanager
async def embedded_backend(
    settings: Embedded, *, timers: Timers | None = None, decide: Decide | None = None
) -> AsyncIterator[EmbeddedBackend]:
    """Serve phones as long as the block runs; then hang up all calls.

    Args:
        decide: Says who rings for whom; by default all of the callee's phones do.

    Raises:
        OSError: The host is unknown, or the port is in use.
    """
    try:
        async with asyncio.TaskGroup() as group:
            exchange = Exchange(settings, group, timers=timers, decide=decide)
            agent = exchange.agent
            async with sip_endpoint(
                settings.host,
                settings.port,
                agent.receive,
                on_lost=exchange.flow_lost,
                on_broken=agent.refuse,
                limits=TcpLimits(message_bytes=settings.max_message),
            ) as endpoint:
                sweeping = group.create_task(exchange.sweep(), name="sweep of the SIP back end")
                try:
                    yield EmbeddedBackend(exchange.board, endpoint.host, endpoint.port)
                finally:
                    sweeping.cancel()
                    await exchange.close()
    except BaseExceptionGroup as exc:
        # The tasks here see to their own errors, so this is the block's one, to be left as it is.
        raise exc.exceptions[0] from exc.exceptions[0].__cause__


@asynccontextmanager
async def open_backend(config: Config) -> AsyncIterator[EmbeddedBackend]:
    """Serve phones by the settings in ``embedded``, as long as the block runs.

    Raises:
        OSError: The host is unknown, or the port is in use.
    """
    async with embedded_backend(config.embedded) as backend:
        logger.info(
            "phones register at %s, over UDP and TCP", host_port((backend.host, backend.port))
        )
        yield backend
