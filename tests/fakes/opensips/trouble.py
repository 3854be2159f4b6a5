"""What happens to datagrams on their way to the proxy and from it."""

import random
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, TypeAlias

Way: TypeAlias = Literal["request", "reply", "event"]

ARRIVES = (0.0,)
LOST: tuple[float, ...] = ()
DOUBLED = (0.0, 0.0)


@dataclass(kw_only=True)
class Rule:
    """What happens to the next datagrams of one kind.

    Attributes:
        name: Method of a request or reply, name of an event; empty: any.
        deliveries: After how many seconds it arrives, once for each; none: it is lost.
        times: How many datagrams are concerned.
        after: How many are spared first.
    """

    way: Way
    name: str = ""
    deliveries: tuple[float, ...] = LOST
    times: int = 1
    after: int = 0

    def take(self, way: Way, name: str) -> bool:
        """Return whether this datagram is concerned."""
        if way != self.way or self.name not in ("", name) or self.times == 0:
            return False
        if self.after:
            self.after -= 1
            return False
        self.times -= 1
        return True


class Trouble:
    """A lossy link: rules first, chance after.

    Args:
        loss: Probability that a datagram is lost.
        doubling: Probability that it arrives twice.
        delay: Seconds that one may take at most; so they overtake each other.
        ways: Those that are concerned by chance.
    """

    def __init__(
        self,
        *,
        loss: float = 0.0,
        doubling: float = 0.0,
        delay: float = 0.0,
        seed: int = 0,
        ways: Collection[Way] = ("request", "reply", "event"),
    ) -> None:
        self.rules: list[Rule] = []
        self.loss = loss
        self.doubling = doubling
        self.delay = delay
        self.ways = ways
        self._chance = random.Random(seed)

    def order(self, rule: Rule) -> None:
        """Have something happen to the next datagrams of a kind."""
        self.rules.append(rule)

    def calm(self) -> None:
        """Let everything arrive, once and at once."""
        self.rules.clear()
        self.loss = self.doubling = self.delay = 0.0

    def deliveries(self, way: Way, name: str) -> tuple[float, ...]:
        """Return after how many seconds a datagram arrives, once for each time it does."""
        for rule in self.rules:
            if rule.take(way, name):
                return rule.deliveries
        if way not in self.ways or not (self.loss or self.doubling or self.delay):
            return ARRIVES
        if self._chance.random() < self.loss:
            return LOST
        copies = 2 if self._chance.random() < self.doubling else 1
        return tuple(self._chance.random() * self.delay for _ in range(copies))
