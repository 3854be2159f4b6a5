"""Thousands of commands on a proxy that loses, doubles and delays, dies and comes back, with
phones of every kind and clients that come and go: each command ends once, and nothing is left."""

import asyncio
import logging
import random
from collections import Counter
from typing import Any

import pytest

from call_api.backends.opensips.backend import OpenSipsBackend
from call_api.backends.opensips.opening import open_backend
from call_api.conversation import Api, Limits
from call_api.memory_journal import Bounds, MemoryJournal
from tests.fakes.fake_client import FakeClient, serving
from tests.fakes.jumping_time import run_jumping
from tests.fakes.opensips.manners import Manner
from tests.fakes.opensips.trouble import Trouble
from tests.fakes.opensips_lab import config
from tests.fakes.proxy import FakeProxy
from tests.fakes.virtual_time import until

COMMANDS = 1000
WITHIN = 150.0
"""Seconds, of a clock that jumps, over which they are sent."""

SETTLED_AFTER = 200.0
"""Seconds after which all must have ended: a phone's ringing, and the back end's patience."""

PHONES = {
    "bob": Manner(),
    "quick": Manner(rings_for=0.0),
    "slow": Manner(rings_for=4.0),
    "busy": Manner(answers="486 Busy Here"),
    "absent": Manner(is_there=False),
    "silent": Manner(answers=""),
    "stubborn": Manner(refers=603, holds=488),
    "deaf": Manner(refers=0, holds=0),
    "idle": Manner(calls_out=False),
    "baresip": Manner(rings_for=0.0, gives_up=True),
}
USERS = [*PHONES, *["bob"] * 10]
LEGS = ("caller", "callee")


class Chaos:
    """Sends commands and makes trouble, by the dice of one seed."""

    def __init__(self, seed: int, proxy: FakeProxy, api: Api) -> None:
        self.dice = random.Random(seed)
        self.proxy = proxy
        self.api = api
        self.clients = [self._client() for _ in range(10)]
        self.cmd_ids: list[str] = []
        self.given: set[str] = set()
        self._last = 0

    async def run(self) -> None:
        """Send all commands, and wait until they have ended."""
        async with asyncio.TaskGroup() as group:
            for number in range(COMMANDS):
                group.create_task(self._command(f"c{number}"), name=f"c{number}")
            group.create_task(self._trouble(), name="trouble")
        async with asyncio.timeout(SETTLED_AFTER):
            while self.api.runner.running:  # noqa: ASYNC110  # the clock jumps
                await asyncio.sleep(1.0)

    async def stories(self) -> dict[str, list[dict[str, Any]]]:
        """Return what each command told."""
        told = {}
        for cmd_id in self.cmd_ids:
            client = self._client()
            await client.result(client.ask("CommandAttach", cmd_id=cmd_id))
            told[cmd_id] = await client.story(cmd_id)
            client.leave()
        return told

    async def _command(self, cmd_id: str) -> None:
        await asyncio.sleep(self.dice.random() * WITHIN)
        method, params = self._chosen()
        place = self.dice.randrange(len(self.clients))
        client = self.clients[place]
        answer = await client.answer(client.ask(method, **params, cmd_id=cmd_id))
        if "result" not in answer:
            return
        self.cmd_ids.append(cmd_id)
        if self.dice.random() < 0.15:
            await asyncio.sleep(self.dice.random() * 2)
            other = self.dice.choice(self.clients)
            other.ask("CommandCancel", cmd_id=cmd_id)
        elif self.dice.random() < 0.05:
            client.leave()
            self.clients[place] = self._client()

    async def _trouble(self) -> None:
        for _ in range(3):
            await asyncio.sleep(WITHIN / 4)
            self.proxy.restart()
            await asyncio.sleep(WITHIN / 12)
            self.proxy.die()
            await asyncio.sleep(self.dice.random() * 3)
            self.proxy.revive()

    def _chosen(self) -> tuple[str, dict[str, Any]]:
        caller, callee = self._uri(), self._uri()
        kind = self.dice.random()
        if kind < 0.4:
            return "CallStart", {"caller": caller, "callee": callee}
        callid, leg = self._call(), self.dice.choice(LEGS)
        if kind < 0.55:
            return "CallBlindTransfer", {"callid": callid, "leg": leg, "destination": callee}
        if kind < 0.65:
            both = {"callid_a": callid, "leg_a": leg, "callid_b": self._call()}
            return "CallAttendedTransfer", both | {"leg_b": self.dice.choice(LEGS)}
        if kind < 0.9:
            some = {"leg": leg} if self.dice.random() < 0.3 else {}
            return self.dice.choice(("CallHold", "CallUnHold")), {"callid": callid, **some}
        return "CallEnd", {"callid": callid}

    def _call(self) -> str:
        live = self.proxy.switch.live
        if live and self.dice.random() < 0.4:
            return self.dice.choice(live).callid
        callid = self.proxy.switch.call(self._uri(), self._uri()).callid
        self.given.add(callid)
        return callid

    def _uri(self) -> str:
        return f"sip:{self.dice.choice(USERS)}@127.0.0.1"

    def _client(self) -> FakeClient:
        return FakeClient(self.api, "v2", within=SETTLED_AFTER)


def left_over(backend: OpenSipsBackend) -> dict[str, int]:
    """Return what is left in a back end that has nothing to do."""
    shared = backend._shared
    return {
        "listeners": len(shared.table),
        "requests": sum(client.waiting for client in shared.proxies.clients),
        "cleaning up": shared.keeper.finishing,
        "claims": len(shared.changing),
        "first legs": len(shared.starting),
    }


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_command_ends_once_and_nothing_is_left(
    seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)

    run_jumping(_chaos(seed), silence=0.0, debug=False)

    assert caplog.records == [], "nothing failed that we did not foresee"


async def _chaos(seed: int) -> None:
    loop = asyncio.get_running_loop()
    trouble = Trouble(loss=0.02, doubling=0.05, delay=0.05, seed=seed)
    journal = MemoryJournal(clock=loop.time, call_soon=loop.call_soon, bounds=Bounds(keep_for=1e9))
    limits = Limits(followed=100_000)
    async with FakeProxy(seed=seed, trouble=trouble) as proxy:
        proxy.switch.phones |= PHONES
        async with open_backend(config(proxy, ring_for=20.0)) as backend:
            async with serving(backend, journal=journal, limits=limits) as api:
                chaos = Chaos(seed, proxy, api)
                await chaos.run()
                stories = await chaos.stories()
            await asyncio.sleep(60.0)
            trouble.calm()
            await asyncio.sleep(10.0)
            await until(lambda: not any(left_over(backend).values()))
            names = sorted(task.get_name() for task in asyncio.all_tasks())
            assert len(names) == 2, names  # this one, and the one that looks after the proxy
            assert proxy.switch.subscriptions.alive(loop.time()) == 3
        await asyncio.sleep(3.0)
        assert proxy.switch.subscriptions.alive(loop.time()) == 0

        assert len(stories) == len(chaos.cmd_ids) > COMMANDS * 0.9
        outcomes: Counter[str] = Counter()
        wanted = set(chaos.given)
        for told in stories.values():
            events = [one["event"] for one in told]
            assert [one["seq"] for one in told] == list(range(1, len(told) + 1))
            assert (events.count("Ended"), events[-1]) == (1, "Ended")
            assert events.count("Error") == ("Error" in events[-2:-1])
            outcomes["failed" if "Error" in events else "went well"] += 1
            wanted.add(told[-1].get("data", {}).get("callid", ""))
        assert min(outcomes.values()) > COMMANDS / 5, outcomes
        left = [dialog.callid for dialog in proxy.switch.live if dialog.callid not in wanted]
        assert left == [], "calls that nobody knows of"
