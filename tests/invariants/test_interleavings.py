"""Hundreds of commands whose clients, back end and clock do things at the worst moments.

Whatever happens: the answer precedes the notifications, each command ends exactly once, with at
most one error just before, numbers have no gaps, and every observer that stays sees all of it.
"""

import asyncio
import json
import random
from collections.abc import Sequence
from typing import Any, Literal

import pytest

from call_api.backends.base import HoldStep, StartStep, TransferStep
from call_api.conversation import Api
from call_api.errors import CallFailed
from call_api.model import CallId, CmdId, DialectName, SipUri
from tests.fakes.fake_client import FakeClient, serving
from tests.fakes.running import turns
from tests.fakes.scripted_backend import Item, ScriptedBackend

COMMANDS = 300
CAROL = SipUri("sip:carol@h")
PARAMS: dict[str, dict[str, str]] = {
    "CallStart": {"caller": "sip:alice@h", "callee": "sip:bob@h"},
    "CallBlindTransfer": {"callid": "c", "leg": "caller", "destination": CAROL},
    "CallAttendedTransfer": {
        "callid_a": "a",
        "leg_a": "caller",
        "callid_b": "b",
        "leg_b": "callee",
    },
    "CallHold": {"callid": "c"},
    "CallUnHold": {"callid": "c", "leg": "callee"},
    "CallEnd": {"callid": "c"},
    "Echo": {"x": "y"},
}


class ChaosBackend(ScriptedBackend):
    """Pauses, repeats, loses, fails, hangs and is slow to clean up, as the dice say."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(cleanup=self._clean_up)
        self._rng = rng

    def next_script(self) -> Sequence[Item]:
        kind = self.asked[-1][0]
        steps = self._steps(str(kind))
        for ringing in [step for step in steps if getattr(step, "state", "") == "pending"]:
            steps.insert(self._rng.randrange(len(steps) + 1), ringing)
        script = [item for step in steps for item in self._mangled(step)]
        if self._rng.random() < 0.2:
            script.insert(self._rng.randrange(len(script) + 1), self._trouble())
        return script

    def _steps(self, kind: str) -> list[Item]:
        call = CallId("new")
        states: tuple[Literal["start", "pending", "ok"], ...] = ("start", "pending", "ok")
        match kind:
            case "start":
                first = [StartStep(state="answered", callid=call)]
                return [*first, *(StartStep(state=state, callid=call) for state in states)]
            case "transfer" | "join":
                return [TransferStep(state=one, callid=call, destination=CAROL) for one in states]
            case "hold":
                return [HoldStep(leg="caller", state="ok"), HoldStep(leg="callee", state="ok")]
            case "unhold":
                return [HoldStep(leg="callee", state="start"), HoldStep(leg="callee", state="ok")]
            case _:
                return []

    def _mangled(self, step: Item) -> list[Item]:
        times = self._rng.choice((1, 1, 1, 1, 2))
        pause = [self._pause()] if self._rng.random() < 0.5 else []
        return [*pause, *([step] * times)]

    def _trouble(self) -> Item:
        return self._rng.choice((CallFailed(486), ZeroDivisionError(), asyncio.Event()))

    def _pause(self) -> asyncio.Event:
        event, loop = asyncio.Event(), asyncio.get_running_loop()
        if self._rng.random() < 0.7:
            loop.call_soon(event.set)
        else:
            loop.call_later(self._rng.random() / 100, event.set)
        return event

    async def _clean_up(self) -> None:
        if self._rng.random() < 0.5:
            await self._pause().wait()
        if self._rng.random() < 0.1:
            raise CallFailed(500)


class Observer(FakeClient):
    """A client that checks what it is sent.

    Attributes:
        after: The number after which it wants to hear of each command.
        told_of: The numbers that it has heard of each.
        ended: The commands whose end it has heard.
    """

    def __init__(self, api: Api, dialect: DialectName) -> None:
        super().__init__(api, dialect)
        self.dialect = dialect
        self.after: dict[str, int] = {}
        self.told_of: dict[str, set[int]] = {}
        self.ended: set[str] = set()
        self._asked: dict[int, tuple[str, str, int]] = {}

    def order(self, method: str, cmd_id: str, **more: object) -> None:
        """Ask for a command."""
        self._asked[self.ask(method, **PARAMS[method], cmd_id=cmd_id, **more)] = ("", cmd_id, 0)

    def attach(self, cmd_id: str, after: int) -> None:
        """Ask for what a command has told after ``after``."""
        id_ = self.ask("CommandAttach", cmd_id=cmd_id, after=after)
        self._asked[id_] = ("CommandAttach", cmd_id, after)

    def check(self) -> None:
        """Go through everything that was sent, in order."""
        pending = ""
        for text in self.texts:
            if "method" not in text:
                self._answered(text)
                continue
            told = text["params"]
            cmd_id, seq = told["cmd_id"], told["seq"]
            assert cmd_id in self.after, "told before it was answered"
            heard, after = self.told_of[cmd_id], self.after[cmd_id]
            assert seq not in heard, "told twice"
            assert seq - 1 in heard or seq - 1 == after, "a gap"
            assert cmd_id not in self.ended or seq < max(heard), "told after its end"
            heard.add(seq)
            if told["event"] == "Ended":
                self.ended.add(cmd_id)
            assert pending in ("", cmd_id + told["event"]), "an error, and then no end"
            pending = cmd_id + "Ended" if told["event"] == "Error" else ""
        assert pending == ""

    def _answered(self, text: Any) -> None:
        method, cmd_id, after = self._asked.get(text["id"], ("", "", 0))
        if "error" in text or not cmd_id:
            return
        if method == "" and cmd_id in self.ended:  # a retry is told again
            self.ended.discard(cmd_id)
            self.told_of[cmd_id].clear()
        self.told_of.setdefault(cmd_id, set())
        self.after[cmd_id] = min(after, self.after.get(cmd_id, after))


async def check_journal(api: Api, cmd_id: str) -> dict[DialectName, int]:
    """Check what is kept of a command; return how many notifications each dialect tells."""
    snapshot, entries = await api.journal.read(CmdId(cmd_id))
    events = [json.loads(entry.event) for entry in entries]
    names = [event["event"] for event in events]
    assert snapshot.state == "ended"
    assert names.count("Ended") == 1
    assert names[-1] == "Ended"
    assert "Error" not in names[:-2]
    assert (snapshot.outcome == "error") == ("Error" in names)
    if "TransferPending" in names:
        pending = [index for index, name in enumerate(names) if name == "TransferPending"]
        assert names[pending[0] - 1] == "TransferStart"
        assert pending == list(range(pending[0], pending[-1] + 1))
    if snapshot.outcome == "ok" and snapshot.record.method == "CallStart":
        assert "CalleeAnswered" in names
    return {"v1": snapshot.v1, "v2": snapshot.seq}


class Chaos:
    """The clients, and what they do to each other."""

    def __init__(self, api: Api, rng: random.Random) -> None:
        self.api = api
        self.rng = rng
        self.here: list[Observer] = []
        self.gone: list[Observer] = []
        self.orders: dict[str, str] = {}  # cmd_id -> method

    def client(self) -> Observer:
        if not self.here or self.rng.random() < 0.1:
            self.here.append(Observer(self.api, self.rng.choice(("v1", "v2"))))
        return self.rng.choice(self.here)

    def order(self) -> None:
        method, cmd_id = self.rng.choice(list(PARAMS)), f"cmd-{len(self.orders)}"
        self.orders[cmd_id] = method
        timeout = self.rng.choice((0.000001, 0.001, 0.01, 0.05))
        self.client().order(method, cmd_id, timeout=timeout)

    def retry(self) -> None:
        cmd_id = self.rng.choice(list(self.orders))
        self.client().order(self.orders[cmd_id], cmd_id)

    def cancel(self) -> None:
        self.client().ask("CommandCancel", cmd_id=self.rng.choice(list(self.orders)))

    def attach(self) -> None:
        self.client().attach(self.rng.choice(list(self.orders)), 0)

    def lose_and_come_back(self) -> None:
        lost = self.client()
        self.here.remove(lost)
        self.gone.append(lost)
        lost.leave()
        lost.check()
        back = Observer(self.api, lost.dialect)
        for cmd_id, heard in lost.told_of.items():
            if cmd_id not in lost.ended:
                back.attach(cmd_id, max(heard, default=0))
        self.here.append(back)

    async def all_ended(self) -> None:
        await turns(5)
        async with asyncio.timeout(30):
            while True:
                commands = await self.api.journal.commands(None)
                if all(one.state == "ended" for one in commands):
                    return
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_happens_every_observer_sees_every_command_end_once(seed: int) -> None:
    rng = random.Random(seed)
    backend = ChaosBackend(rng)
    async with serving(backend) as api:
        chaos = Chaos(api, rng)
        deeds = (chaos.retry, chaos.cancel, chaos.cancel, chaos.attach, chaos.lose_and_come_back)
        while len(chaos.orders) < COMMANDS:
            chaos.order()
            if rng.random() < 0.5:
                rng.choice(deeds)()
            await turns(rng.randrange(6))
        await chaos.all_ended()
        await turns(5)

        totals = {cmd_id: await check_journal(api, cmd_id) for cmd_id in chaos.orders}
        assert api.runner.running == 0
    for client in chaos.here:
        client.check()
        for cmd_id, heard in client.told_of.items():
            assert cmd_id in client.ended, "it stayed, and did not hear the end"
            total = totals[cmd_id][client.dialect]
            assert heard == set(range(client.after[cmd_id] + 1, total + 1))
    assert backend.open_streams == 0
    assert {one for client in chaos.here + chaos.gone for one in client.ended}
