"""What takes SIP in: an agent, a registrar, their rules, and the switchboard behind them."""

import asyncio
from collections.abc import Hashable
from typing import cast

from call_api.backends.embedded.agent import Agent
from call_api.backends.embedded.gate import Gate
from call_api.backends.embedded.inbound import Inbound
from call_api.backends.embedded.incoming_request import IncomingRequest
from call_api.backends.embedded.routing import Decide, Directory
from call_api.backends.embedded.switchboard import Switchboard
from call_api.config import Embedded
from call_api.errors import CommandCancelled
from call_api.sip import session_timer
from call_api.sip.flow import Flow
from call_api.sip.registrar import Registrar
from call_api.sip.timers import Timers

NAME = "call-api"
"""What we call ourselves in User-Agent and Server."""
CLOSE_WITHIN = 2.0
"""Seconds that closing waits for the phones to answer the BYEs of all calls."""
SWEEP_EVERY = 5.0
"""Seconds between two looks for what has expired."""
PROBE_EVERY = 90.0
"""Seconds without a word from a phone in a call after which it is asked whether it is there."""


class Exchange:
    """What takes SIP in and gives it to a switchboard: an agent, a registrar, and their rules.

    Args:
        settings: Of the back end.
        group: Where operations run; left, its tasks have to be cancelled.
        decide: Says who rings for whom; by default all of the callee's phones do.
    """

    def __init__(
        self,
        settings: Embedded,
        group: asyncio.TaskGroup,
        *,
        timers: Timers | None = None,
        decide: Decide | None = None,
    ) -> None:
        loop = asyncio.get_running_loop()
        self._now = loop.time
        domains = [settings.host, *settings.domains]
        self.agent = Agent(
            clock=loop,
            on_request=self._receive,
            timers=timers,
            name=NAME,
            supported=("replaces", session_timer.OPTION),
            max_transactions=settings.max_transactions,
            max_message=settings.max_message,
            has_dialog=lambda callid, tag: self.board.calls.leg(callid, tag) is not None,
        )
        self.registrar = Registrar(
            domains,
            max_per_user=settings.max_contacts,
            max_bindings=settings.max_registrations,
        )
        directory = Directory(self.registrar, settings.users, loop, ring_for=settings.ring_for)
        self.board = Switchboard(
            self.agent, directory, group, decide=decide, max_calls=settings.max_calls
        )
        realm = settings.domains[0] if settings.domains else settings.host
        gate = Gate(settings.users, realm, loop.time, self.registrar.serves, settings.algorithms)
        self._inbound = Inbound(self.board, self.registrar, gate)

    def flow_lost(self, flow: Flow) -> None:
        """Note that a connection is gone."""
        self.registrar.lose_flow(cast(Hashable, flow))
        self.agent.flow_lost(flow)

    async def sweep(self) -> None:
        """Look after what expires, until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_EVERY)
            self.registrar.handle_timer(self._now())
            self.board.refresh()
            self.board.probe(PROBE_EVERY)

    async def close(self) -> None:
        """Hang up everything, and forget it."""
        await self.board.close(CommandCancelled("the back end is closing"), CLOSE_WITHIN)
        self.agent.close()

    def _receive(self, incoming: IncomingRequest) -> None:
        self._inbound.receive(incoming, self._now())
