"""A network between two agents that loses, doubles, delays and reorders, as a seed decides."""

import random
from collections.abc import Callable, Sequence
from typing import Protocol

from call_api.sip.flow import Address, Transport

Receive = Callable[[bytes, "LinkFlow"], None]


class Clock(Protocol):
    """A `ManualClock`, or an event loop."""

    def call_later(self, delay: float, callback: Callable[[], object], /) -> object: ...


class LossyLink:
    """Connects ends with each other; which message suffers what depends on the seed alone.

    Args:
        loss: Share of the messages that get lost, 0 to 1.
        doubling: Share of the messages that come twice.
        delay: Shortest and longest time on the way, in seconds; a span reorders.

    Attributes:
        carried: What was sent, lost or not, oldest first: from whom, and the bytes.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        loss: float = 0.0,
        doubling: float = 0.0,
        delay: tuple[float, float] = (0.0, 0.0),
        seed: int = 1,
    ) -> None:
        self.loss = loss
        self.doubling = doubling
        self.delay = delay
        self.carried: list[tuple[str, bytes]] = []
        self._clock = clock
        self._random = random.Random(seed)

    def connect(
        self, names: Sequence[str] = ("192.0.2.1", "192.0.2.2"), transport: Transport = "UDP"
    ) -> tuple["LinkFlow", "LinkFlow"]:
        """Return the two ends of a new connection: the first one's flow, and the second one's."""
        first = LinkFlow(self, transport, (names[0], 5060), (names[1], 5060))
        second = LinkFlow(self, transport, first.peer, first.local)
        first.other, second.other = second, first
        return first, second

    def carry(self, data: bytes, to: "LinkFlow") -> None:
        self.carried.append((to.peer[0], data))
        if self._random.random() < self.loss:
            return
        copies = 2 if self._random.random() < self.doubling else 1
        for _ in range(copies):
            self._clock.call_later(self._random.uniform(*self.delay), lambda: to.deliver(data))


class LinkFlow:
    """One end of a connection over the link; an agent's `receive` is to be set on it."""

    def __init__(
        self, link: LossyLink, transport: Transport, local: Address, peer: Address
    ) -> None:
        self.transport = transport
        self.reliable = transport == "TCP"
        self.local = local
        self.peer = peer
        self.is_open = True
        self.receive: Receive | None = None
        self.other: LinkFlow = self
        self._link = link

    def send(self, data: bytes) -> None:
        if not self.is_open:
            raise ConnectionResetError("the connection is gone")
        self._link.carry(data, self.other)

    def deliver(self, data: bytes) -> None:
        if self.is_open and self.receive is not None:
            self.receive(data, self)

    def close(self) -> None:
        self.is_open = self.other.is_open = False
