"""The embedded back end without sockets, and phones, over a lossy link in virtual time."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from call_api.backends.base import CallInfo, Stream
from call_api.backends.embedded.backend import EmbeddedBackend
from call_api.backends.embedded.exchange import Exchange
from call_api.backends.embedded.routing import Decide
from call_api.config import Embedded
from call_api.model import CallId, SipUri
from call_api.sip.flow import Transport
from call_api.sip.message import Response
from call_api.sip.parser import parse_message
from tests.fakes.lossy_link import LinkFlow, LossyLink
from tests.fakes.scripted_call import ScriptedCall
from tests.fakes.scripted_phone import ScriptedPhone
from tests.fakes.virtual_time import until

HOST = "127.0.0.1"
RING_FOR = 60.0
ALL_TIMERS = 300.0
"""Virtual seconds after which every transaction is forgotten."""


class Office:
    """One back end and its phones.

    Attributes:
        phones: By name; those of one user have numbers behind it.
    """

    def __init__(self, exchange: Exchange, link: LossyLink, users: Mapping[str, str]) -> None:
        self.exchange = exchange
        self.link = link
        self.board = exchange.board
        self.backend = EmbeddedBackend(exchange.board, HOST, 5060)
        self.phones: dict[str, ScriptedPhone] = {}
        self._users = users
        self._far: dict[str, LinkFlow] = {}

    @property
    def callid(self) -> CallId:
        """What the one call is called."""
        (callid,) = self.callids
        return callid

    @property
    def callids(self) -> list[CallId]:
        return [call.callid for call in self.board.calls]

    async def phone(
        self, name: str, *, user: str = "", transport: Transport = "UDP", registers: bool = True
    ) -> ScriptedPhone:
        """Add a phone."""
        host = f"127.0.0.{11 + len(self.phones)}"
        near, far = self.link.connect((host, HOST), transport)
        user = user or name
        phone = ScriptedPhone(user, near, (host, 4000), self._users.get(user, ""))
        near.receive = phone.receive
        far.receive = self.exchange.agent.receive
        self.phones[name] = phone
        self._far[name] = far
        if registers:
            assert await phone.register() == 200
        return phone

    def disconnect(self, phone: ScriptedPhone) -> None:
        """Let a phone's connection break; it gets a new one, which it is to register on."""
        far = self._far[phone.name]
        far.close()
        self.exchange.flow_lost(far)
        phone.agent.flow_lost(phone.flow)
        self.move(phone)

    def move(self, phone: ScriptedPhone) -> None:
        """Give a phone another way to us; it is to register on it."""
        self._far[phone.name].other.receive = None
        ends = (phone.media[0], HOST)
        near, self._far[phone.name] = self.link.connect(ends, phone.flow.transport)
        near.receive = phone.receive
        self._far[phone.name].receive = self.exchange.agent.receive
        phone.flow = near

    def answers_with(self, header: str) -> list[Response]:
        """The responses of ours, repeated ones once, that have a header."""
        ours = dict.fromkeys(data for host, data in self.link.carried if host == HOST)
        messages = [parse_message(data) for data in ours if data.strip()]
        return [m for m in messages if isinstance(m, Response) and header in m.headers]

    async def start(self, caller: ScriptedPhone, callee: ScriptedPhone) -> CallId:
        """Have a call made by command; return what it is called."""
        steps = await read(self.backend.start(SipUri(caller.uri), SipUri(callee.uri)))
        callid: CallId = steps[-1].callid
        return callid

    async def info(self) -> CallInfo:
        """The one call, as it is listed."""
        (info,) = (await self.backend.calls(10, None)).calls
        return info

    async def end(self) -> None:
        """End the one call, and see that nothing is left of it."""
        await self.backend.end(self.callid)
        await self.gone()

    async def dial(self, caller: ScriptedPhone, callee: ScriptedPhone) -> ScriptedCall:
        """Have one phone call the other; return the caller's side when both talk."""
        call = caller.dial(callee.uri)
        await until(lambda: call.state != "calling")
        assert call.state == "up", call.ended_by
        await until(lambda: talk(call, callee.calls[-1]))
        return call

    async def gone(self) -> None:
        """See that nothing is left, on either side, once all timers have run out."""
        await asyncio.sleep(ALL_TIMERS)
        assert self.callids == []
        assert self.board.calls.all_legs() == []
        assert self.exchange.agent.transactions == 0
        assert {name: len(p.live) for name, p in self.phones.items() if p.live} == {}
        assert {name for name, p in self.phones.items() if p.agent.transactions} == set()
        tasks = {task.get_name() for task in asyncio.all_tasks()}
        assert tasks == {"sweep", "test"}


def talk(a: ScriptedCall, b: ScriptedCall) -> bool:
    """Whether each sends its sound to where the other one hears it."""
    return a.sends_to == b.media and b.sends_to == a.media and a.hears and b.hears


def silent(*calls: ScriptedCall) -> bool:
    """Whether none of them sends any sound."""
    return all(call.sends_to is None for call in calls)


def far_away(loop: asyncio.AbstractEventLoop) -> LossyLink:
    """A network on which much can happen between two messages."""
    return LossyLink(loop, delay=(0.05, 0.05))


async def read(stream: Stream[Any]) -> list[Any]:
    """Return all steps of a stream."""
    async with stream as steps:
        return [step async for step in steps]


@asynccontextmanager
async def sip_office(
    *names: str,
    users: Mapping[str, str] | None = None,
    domains: Sequence[str] = (),
    ring_for: float = RING_FOR,
    decide: Decide | None = None,
    link: Callable[[asyncio.AbstractEventLoop], LossyLink] | None = None,
) -> AsyncIterator[Office]:
    """An office with registered phones, as long as the block runs.

    Args:
        domains: Whose users the phones are, besides localhost.
        link: Makes the network; by default one that is fast and loses nothing.
    """
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None
    task.set_name("test")
    settings = Embedded(users=dict(users or {}), domains=("localhost", *domains), ring_for=ring_for)
    network = link(loop) if link else LossyLink(loop, delay=(0.001, 0.001))
    async with asyncio.TaskGroup() as group:
        exchange = Exchange(settings, group, decide=decide)
        sweeping = group.create_task(exchange.sweep(), name="sweep")
        try:
            made = Office(exchange, network, settings.users)
            for name in names:
                await made.phone(name)
            yield made
        finally:
            sweeping.cancel()
            await exchange.close()
