"""A demo phone: a plain user agent that registers, rings, answers and sends silence."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from call_api.backends.embedded.agent import Agent
from call_api.backends.embedded.incoming_request import IncomingRequest
from call_api.backends.embedded.phone_call import PhoneCall
from call_api.backends.embedded.registration import Registration, RegistrationFailed
from call_api.backends.embedded.silence import Ticker
from call_api.sip.flow import Address, Flow, Transport
from call_api.sip.grammar import BadHeader
from call_api.sip.timers import Timers
from call_api.transports.sip_endpoint import SipEndpoint, sip_endpoint

logger = logging.getLogger(__name__)

MAX_CALLS = 100
"""Most calls of one phone at a time; further ones find it busy."""

_ALLOW = ("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO")
_LEAVE_WITHIN = 2.0  # seconds that the registrar has to answer a phone that goes


@dataclass(kw_only=True, slots=True)
class Behaviour:
    """How a phone treats its callers; may be changed at any time.

    Attributes:
        answer_after: Seconds of ringing before it answers; None: it rings until the caller
            gives up.
        refuse_with: Status with which it refuses every call, as 486; None: it rings.
        refuse_reinvites_with: Status with which it refuses to change a call; None: it agrees.
        is_dead: It neither answers anything nor notices anything, as if without power.
        ring_for: Seconds that its own calls may ring.
    """

    answer_after: float | None = 0.3
    refuse_with: int | None = None
    refuse_reinvites_with: int | None = None
    is_dead: bool = False
    ring_for: float = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """Whose phone it is, and where it registers.

    Attributes:
        name: User name.
        domain: What the user's URI ends in.
        registrar: IP address and port.
        transport: How the phone talks to it.
        host: Where the phone listens, as an IP address; its ports are free ones.
        expires: Seconds that a binding is asked for.
    """

    name: str
    password: str = field(repr=False)
    domain: str
    registrar: Address
    transport: Transport = "UDP"
    host: str = "127.0.0.1"
    expires: int = 300


class Phone:
    """One phone. Made by `phone`.

    Attributes:
        name: Its user.
        uri: Its address, as others call it.
        behaviour: How it treats its callers.
        calls: Its calls that have not ended, oldest first.
        past_calls: The last ones that have.
    """

    def __init__(
        self,
        line: Line,
        *,
        behaviour: Behaviour,
        ticker: Ticker,
        timers: Timers | None = None,
    ) -> None:
        loop = asyncio.get_running_loop()
        self.name = line.name
        self.password = line.password
        self.uri = f"sip:{line.name}@{line.domain}"
        self.host = line.host
        self.behaviour = behaviour
        self.ticker = ticker
        self.agent = Agent(clock=loop, on_request=self._take, timers=timers, name="demo-phone")
        self.registration = Registration(
            self.agent,
            self.flow,
            loop,
            user=line.name,
            password=line.password,
            domain=line.domain,
            expires=line.expires,
        )
        self._line = line
        self._endpoint: SipEndpoint | None = None
        self._flow: Flow | None = None
        self._calls: dict[tuple[str, str], PhoneCall] = {}
        self.past_calls: list[PhoneCall] = []
        self._past_sent = 0
        self._past_received = 0
        self._changed = asyncio.Event()

    @property
    def calls(self) -> list[PhoneCall]:
        """The calls that have not ended, oldest first."""
        return list(self._calls.values())

    @property
    def sent_packets(self) -> int:
        """RTP packets of all its calls, past ones included."""
        return self._past_sent + sum(call.sent_packets for call in self._calls.values())

    @property
    def received_packets(self) -> int:
        """RTP packets of all its calls, past ones included."""
        return self._past_received + sum(call.received_packets for call in self._calls.values())

    @property
    def address(self) -> Address:
        """Where the phone listens, with UDP and TCP."""
        endpoint = self._powered()
        return endpoint.host, endpoint.port

    def call(self, target: str, peer: Address | None = None) -> PhoneCall:
        """Call somebody; `until` tells when the call's state changes.

        Args:
            target: A SIP URI.
            peer: Where to send the INVITE; by default to the registrar.
        """
        flow = self.flow() if peer is None else self._powered().flow(self._line.transport, peer)
        call = PhoneCall.calling(self, target, flow)
        self._calls[call.callid, call.tag] = call
        return call

    async def until(self, claim: Callable[[], bool], within: float = 10.0) -> None:
        """Return once a claim about this phone, its calls or its counters is true.

        Raises:
            TimeoutError: It has not become true in so many seconds.
        """
        async with asyncio.timeout(within):
            while not claim():
                await self._changed.wait()

    def flow(self) -> Flow:
        """Return the way to the registrar; a new connection if the old one is gone.

        Raises:
            RuntimeError: The phone is off.
        """
        if self._flow is None or not self._flow.is_open:
            self._flow = self._powered().flow(self._line.transport, self._line.registrar)
        return self._flow

    # For the phone's own parts.

    def changed(self) -> None:
        """Let everybody who waits in `until` look again."""
        self._changed.set()
        self._changed = asyncio.Event()

    def forget(self, call: PhoneCall) -> None:
        """Move a call that has ended to the past ones."""
        if self._calls.pop((call.callid, call.tag), None) is not None:
            self._past_sent += call.sent_packets
            self._past_received += call.received_packets
            self.past_calls = [*self.past_calls[-MAX_CALLS:], call]

    def receive(self, data: bytes, flow: Flow) -> None:
        """Take what the endpoint received."""
        if not self.behaviour.is_dead:
            self.agent.receive(data, flow)

    def flow_lost(self, flow: Flow) -> None:
        """Register anew, if the connection to the registrar is gone."""
        self.agent.flow_lost(flow)
        if flow == self._flow:
            self.registration.flow_lost()

    def turn_on(self, endpoint: SipEndpoint) -> None:
        """Use an endpoint whose messages come to `receive`."""
        self._endpoint = endpoint

    async def turn_off(self) -> None:
        """Hang up, and take the binding back, if the registrar answers in time."""
        for call in self.calls:
            call.hang_up()
        try:
            async with asyncio.timeout(_LEAVE_WITHIN):
                await self.registration.unregister()
        except (RegistrationFailed, TimeoutError) as exc:
            logger.info("%s: still registered: %s", self.name, exc)
        finally:
            self.agent.close()
            for call in self.calls:
                call.drop()

    def _powered(self) -> SipEndpoint:
        if self._endpoint is None:
            raise RuntimeError(f"the phone {self.name} is off")
        return self._endpoint

    def _take(self, incoming: IncomingRequest) -> None:
        request = incoming.request
        if request.to_tag is not None:
            call = self._calls.get((request.callid, request.to_tag))
            if call is None:
                incoming.respond(481)
            else:
                call.take(incoming)
        elif request.method == "INVITE":
            self._take_call(incoming)
        elif request.method == "OPTIONS":
            incoming.respond(200, headers=[_ALLOW, ("Accept", "application/sdp")])
        else:
            incoming.respond(405, headers=[_ALLOW])

    def _take_call(self, incoming: IncomingRequest) -> None:
        refusal = self.behaviour.refuse_with
        if refusal is None and len(self._calls) >= MAX_CALLS:
            refusal = 486
        if refusal is not None:
            incoming.respond(refusal)
            return
        try:
            call = PhoneCall.ringing(self, incoming)
        except BadHeader as exc:
            incoming.respond(400, exc.problem)
            return
        self._calls[call.callid, call.tag] = call
        self.changed()


@asynccontextmanager
async def phone(
    line: Line,
    *,
    behaviour: Behaviour | None = None,
    ticker: Ticker | None = None,
    timers: Timers | None = None,
) -> AsyncIterator[Phone]:
    """A registered phone, as long as the block runs.

    Args:
        behaviour: How it treats its callers; by default it answers after 0.3 s.
        ticker: Shared with other phones, to send all sound from one timer.

    Raises:
        RegistrationFailed: The registrar refuses it, or does not answer.
        OSError: There is no free port.
    """
    made = Phone(
        line,
        behaviour=behaviour or Behaviour(),
        ticker=ticker or Ticker(asyncio.get_running_loop()),
        timers=timers,
    )
    async with sip_endpoint(
        line.host, 0, made.receive, on_lost=made.flow_lost, on_broken=made.agent.refuse
    ) as endpoint:
        made.turn_on(endpoint)
        try:
            await made.registration.register()
            yield made
        finally:
            await made.turn_off()
