"""Commands on a proxy that loses, doubles and reorders what it gets and says; what becomes of them.

    python -m tests.faults.proxy_trouble [--commands 500]

The daemon is a process of its own, in front of the scripted proxy. Calls are started, held, taken
back, transferred and ended, 20 commands at a time.
"""

import argparse
import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.opensips.manners import Manner
from tests.fakes.opensips.trouble import Trouble
from tests.fakes.proxy import FakeProxy
from tests.faults.outside import Outside, daemon
from tests.wire.api import JsonClient

ALICE, BOB, CINDY = (f"sip:{name}@127.0.0.1" for name in ("alice", "bob", "cindy"))
AT_ONCE = 20
RINGS_FOR = 0.05
REPLY_WITHIN = 0.3
ENDED_WITHIN = 90.0
"""Seconds in which every command must have ended, whatever is lost."""


@dataclass
class Outcomes:
    """What became of some commands.

    Attributes:
        by_name: How many went well (``ok``), and how many ended with which error.
        slowest: Seconds that the slowest one took.
    """

    by_name: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0

    async def take(self, client: JsonClient, method: str, params: dict[str, Any]) -> str:
        """Run one command; add and return what becomes of it."""
        began = time.monotonic()
        outcome = await ends(client, method, params)
        self.slowest = max(self.slowest, time.monotonic() - began)
        self.by_name[outcome] += 1
        return outcome


@asynccontextmanager
async def troubled(
    trouble: Trouble, seed: int = 0, *, may_log: str = "\0", **env: str
) -> AsyncIterator[tuple[FakeProxy, Outside]]:
    """A daemon process in front of a scripted proxy; the rest is as for `daemon`."""
    async with FakeProxy(seed=seed, trouble=trouble) as proxy:
        for name in ("alice", "bob", "cindy"):
            proxy.switch.phones[name] = Manner(rings_for=RINGS_FOR)
        settings = {
            "CALL_API_MI_URL": proxy.mi_url,
            "CALL_API_MI_REPLY_WITHIN": str(REPLY_WITHIN),
            "CALL_API_SIP_RING_FOR": "10",
        }
        starting = daemon(may_log=may_log, **settings | env)
        outside = await asyncio.to_thread(starting.__enter__)
        try:
            yield proxy, outside
        except BaseException:
            await asyncio.to_thread(starting.__exit__, *sys.exc_info())
            raise
        await asyncio.to_thread(starting.__exit__, None, None, None)


async def experiment(proxy: FakeProxy, outside: Outside, commands: int, seed: int = 0) -> Outcomes:
    """Run so many commands; fail unless each ends once and tells its steps without a gap.

    What was put on hold is taken back by one command more.
    """
    outcomes, dice = Outcomes(), random.Random(seed)
    queue = iter(range(commands))

    async def work() -> None:
        async with await Patient.open(outside.address, "/call-api/v2") as client:
            for _ in queue:
                method, params = chosen(dice, proxy)
                outcome = await outcomes.take(client, method, params)
                if (method, outcome) == ("CallHold", "ok"):
                    await outcomes.take(client, "CallUnHold", params)

    async with asyncio.TaskGroup() as group:
        for number in range(min(AT_ONCE, commands)):
            group.create_task(work(), name=f"client {number}")
    return outcomes


class Patient(JsonClient):
    """Waits as long as a command may take."""

    limit = ENDED_WITHIN


def chosen(dice: random.Random, proxy: FakeProxy) -> tuple[str, dict[str, Any]]:
    """Return a command; one that needs a call gets a new one, that no other command is about."""
    kind = dice.choice(("CallStart", "CallHold", "CallBlindTransfer", "CallEnd"))
    if kind == "CallStart":
        return kind, {"caller": ALICE, "callee": BOB}
    callid = proxy.switch.call(ALICE, BOB).callid
    if kind == "CallBlindTransfer":
        return kind, {"callid": callid, "leg": "callee", "destination": CINDY}
    return kind, {"callid": callid}


async def ends(client: JsonClient, method: str, params: dict[str, Any]) -> str:
    """Run one command; return ``ok`` or the name of its error."""
    _, told = await client.story(method, params)
    steps = [one["params"] for one in told]
    assert [step["seq"] for step in steps] == list(range(1, len(steps) + 1))
    assert [step["event"] for step in steps].count("Ended") == 1
    errors: list[str] = [step["error"]["name"] for step in steps if step["event"] == "Error"]
    assert len(errors) <= 1
    return errors[0] if errors else "ok"


TROUBLES = {
    "nothing": {},
    "MI, 1 % lost": {"loss": 0.01, "ways": ("request", "reply")},
    "MI, 10 % lost": {"loss": 0.10, "ways": ("request", "reply")},
    "events, 1 % lost": {"loss": 0.01, "ways": ("event",)},
    "events, 10 % lost": {"loss": 0.10, "ways": ("event",)},
    "events, all lost": {"loss": 1.0, "ways": ("event",)},
    "all up to 50 ms late, overtaking": {"delay": 0.05},
    "all 20 % doubled, overtaking": {"delay": 0.05, "doubling": 0.2},
    "all 10 % lost, doubled, overtaking": {"loss": 0.1, "delay": 0.05, "doubling": 0.1},
}


async def measure(commands: int) -> None:
    for name, trouble in TROUBLES.items():
        made = Trouble(seed=1, **trouble)  # type: ignore[arg-type]  # as it takes them
        async with troubled(made) as (proxy, outside):
            outcomes = await experiment(proxy, outside, commands)
            errors = ", ".join(f"{n} {e}" for e, n in outcomes.by_name.items() if e != "ok")
            count = outcomes.by_name.total()
            print(
                f"{name:<36}{outcomes.by_name['ok'] / count:7.1%} of {count} ok"
                f"{outcomes.slowest:7.1f} s at most   {errors}",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(prog="proxy_trouble")
    parser.add_argument("--commands", type=int, default=500, help="with each trouble")
    asyncio.run(measure(parser.parse_args().commands))


if __name__ == "__main__":
    main()
