"""What is behind the daemon, per back end: phones, or a proxy with phones; and what befalls it."""

import asyncio
import random
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any, Protocol

from call_api.backends.embedded.phone import Behaviour, Line, Phone, phone
from call_api.backends.embedded.silence import Ticker
from call_api.sip.flow import Address, Transport
from call_api.sip.timers import Timers
from tests.fakes.opensips.manners import Manner
from tests.fakes.opensips.trouble import Trouble
from tests.fakes.proxy import FakeProxy
from tests.fuzz.keeping import CORPUS

RING_FOR = 3.0
"""Seconds a phone may ring, at the usual pace."""

RING_FOR_AT_LEAST = 1.0


class World(Protocol):
    """One back end's surroundings.

    Attributes:
        name: The back end's.
        users: Whom calls are made to and from, some of them several times.
    """

    name: str
    users: list[str]

    async def prepare(self, stack: AsyncExitStack) -> dict[str, Any]:
        """Set up what has to be there before the daemon; return the daemon's settings."""

    async def furnish(self, stack: AsyncExitStack, sip: Address) -> None:
        """Set up what needs the daemon to be there."""

    async def befall(self, dice: random.Random) -> None:
        """Have something happen, and be over after a while."""

    async def calm(self) -> None:
        """See that all is well again, and that no phone keeps a call of its own."""


class Office:
    """Phones of this process, registered at the embedded back end over UDP and TCP."""

    name = "embedded"

    def __init__(self, pace: float) -> None:
        self._pace = pace
        self._timers = timers(pace)
        self._phones: list[Phone] = []
        self._sip: Address = ("", 0)
        self.users = [*BEHAVIOURS, "nobody", *["quick", "usual", "streamed"] * 3]

    async def prepare(self, stack: AsyncExitStack) -> dict[str, Any]:
        embedded = {
            "host": "127.0.0.1",
            "port": 0,
            "ring_for": max(RING_FOR_AT_LEAST, RING_FOR * self._pace),
        }
        return {"backend": "embedded", "embedded": embedded}

    async def furnish(self, stack: AsyncExitStack, sip: Address) -> None:
        self._sip = sip
        ticker = Ticker(asyncio.get_running_loop())
        for name, behaviour in BEHAVIOURS.items():
            transport: Transport = "TCP" if name == "streamed" else "UDP"
            line = Line(
                name=name, password="", domain="localhost", registrar=sip, transport=transport
            )
            made = phone(line, behaviour=behaviour(), ticker=ticker, timers=self._timers)
            self._phones.append(await stack.enter_async_context(made))

    async def befall(self, dice: random.Random) -> None:
        if dice.random() < 0.5:
            await self._garbage(dice)
            return
        one = dice.choice(self._phones)
        one.behaviour.is_dead = True
        await asyncio.sleep(dice.uniform(0.2, 3.0) * self._pace)
        one.behaviour.is_dead = False

    async def calm(self) -> None:
        for one in self._phones:
            one.behaviour.is_dead = False
            for call in one.calls:
                call.hang_up()

    async def _garbage(self, dice: random.Random) -> None:
        """Send odd SIP in a datagram, and then some on a connection that breaks off."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            asyncio.DatagramProtocol, remote_addr=self._sip
        )
        for _ in range(10):
            transport.sendto(inputs("sip_message", dice))
        transport.close()
        _, writer = await asyncio.open_connection(*self._sip)
        writer.write(inputs("sip_stream", dice)[1:])
        await asyncio.sleep(0.1)
        writer.transport.abort()


BEHAVIOURS: dict[str, Callable[[], Behaviour]] = {
    "quick": lambda: Behaviour(answer_after=0.0),
    "usual": lambda: Behaviour(answer_after=0.2),
    "streamed": lambda: Behaviour(answer_after=0.1),
    "slow": lambda: Behaviour(answer_after=2.0),
    "busy": lambda: Behaviour(refuse_with=486),
    "silent": lambda: Behaviour(answer_after=None),
    "stubborn": lambda: Behaviour(answer_after=0.1, refuse_reinvites_with=488),
}


class Switchroom:
    """A scripted OpenSIPS with phones of every kind."""

    name = "opensips"

    def __init__(self, seed: int, pace: float) -> None:
        self._pace = pace
        self._trouble = Trouble(seed=seed)
        self._seed = seed
        self._proxy: FakeProxy | None = None
        self.users = [*MANNERS, *["quick", "usual"] * 5]

    async def prepare(self, stack: AsyncExitStack) -> dict[str, Any]:
        made = FakeProxy(seed=self._seed, trouble=self._trouble)
        self._proxy = await stack.enter_async_context(made)
        self._proxy.switch.phones |= MANNERS
        return {
            "backend": "opensips",
            "mi": {"url": self._proxy.mi_url, "reply_within": 0.3},
            "sip": {
                "uri": "sip:127.0.0.1:5060",
                "ring_for": max(RING_FOR_AT_LEAST, RING_FOR * self._pace),
            },
        }

    async def furnish(self, stack: AsyncExitStack, sip: Address) -> None:
        """Nothing needs the daemon to be there."""

    async def befall(self, dice: random.Random) -> None:
        assert self._proxy is not None
        kind = dice.choice(("lossy", "slow", "restarted", "dead"))
        if kind == "restarted":
            self._proxy.restart()
        elif kind == "dead":
            self._proxy.die()
            await asyncio.sleep(dice.uniform(0.2, 2.0) * self._pace)
            if not self._proxy.is_alive:
                self._proxy.revive()
        else:
            self._trouble.loss = 0.1 if kind == "lossy" else 0.0
            self._trouble.delay, self._trouble.doubling = 0.05, 0.05
            await asyncio.sleep(dice.uniform(0.5, 3.0) * self._pace)
            self._trouble.calm()

    async def calm(self) -> None:
        assert self._proxy is not None
        self._trouble.calm()
        if not self._proxy.is_alive:
            self._proxy.revive()
        self._proxy.asked.clear()


MANNERS = {
    "quick": Manner(rings_for=0.0),
    "usual": Manner(),
    "slow": Manner(rings_for=2.0),
    "busy": Manner(answers="486 Busy Here"),
    "absent": Manner(is_there=False),
    "silent": Manner(answers=""),
    "stubborn": Manner(refers=603, holds=488),
    "deaf": Manner(refers=0, holds=0),
    "idle": Manner(calls_out=False),
    "baresip": Manner(rings_for=0.0, gives_up=True),
}


def timers(pace: float) -> Timers:
    """Return the SIP timers, of the daemon and of the phones."""
    usual = Timers()
    return Timers(t1=usual.t1 * pace, t2=usual.t2 * pace, t4=usual.t4 * pace)


def inputs(target: str, dice: random.Random) -> bytes:
    """Return one of the inputs that fuzzing has found interesting."""
    return dice.choice(sorted((CORPUS / target).iterdir())).read_bytes()
