"""Commands of every kind from clients of every kind, while things go wrong all around."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from tests.soak.witness import Witness
from tests.soak.worlds import World, inputs
from tests.wire.raw_client import PING, PONG, TEXT, RawClient

MOST_CALLS = 30
"""Calls that are up at a time; with more, one is ended."""

END_WITHIN = 40.0
"""Seconds in which all calls must have been ended."""

PATH = "/call-api/v2"
LEGS = ("caller", "callee")


class Load:
    """Commands one daemon for so long, by the dice of one seed.

    Args:
        pace: How long everything takes that takes a while, against the usual.

    Attributes:
        outcomes: How the commands ended.
        troubles: What befell whom, by kind.
        faults: What must not happen, in words.
    """

    def __init__(
        self, world: World, address: tuple[str, int], dice: random.Random, pace: float
    ) -> None:
        self.outcomes: Counter[str] = Counter()
        self.troubles: Counter[str] = Counter()
        self.faults: list[str] = []
        self._world = world
        self._address = address
        self._dice = dice
        self._pace = pace
        self._calls: list[str] = []
        self._numbers = 0

    async def run(self, seconds: float, *, rate: float) -> None:
        """Send ``rate`` commands a second, then wait until all have ended, then end all calls."""
        client = await RawClient.open(self._address, PATH)
        witness = Witness(client, self.outcomes, self.faults)
        async with asyncio.TaskGroup() as reading:
            reader = reading.create_task(witness.read(), name="witness")
            await witness.ask("CallWatch")
            async with asyncio.TaskGroup() as group:
                until = asyncio.get_running_loop().time() + seconds
                group.create_task(self._befall(until), name="what befalls the back end")
                group.create_task(self._be_rude(until), name="rude clients")
                while rate and asyncio.get_running_loop().time() < until:
                    group.create_task(self._command(witness), name="command")
                    await asyncio.sleep(self._dice.expovariate(rate))
            await self._world.calm()
            await self._end_all(witness)
            reader.cancel()
        await client.close()
        self._calls.clear()

    # Commands.

    async def _command(self, witness: Witness) -> None:
        cmd_id = self._new_id()
        method, params = self._chosen()
        send = self._dice.choice((self._send, self._send, self._send_twice, self._send_and_vanish))
        await send(json.dumps(_request(method, cmd_id=cmd_id, **params)).encode())
        if self._dice.random() < 0.1:
            await asyncio.sleep(self._dice.random() * self._pace)
            await witness.ask("CommandCancel", cmd_id=cmd_id)
        callid = await witness.follow(cmd_id, must_arrive=send != self._send_and_vanish)
        if callid is not None:
            self._calls.append(callid)

    def _chosen(self) -> tuple[str, dict[str, Any]]:
        kind = self._dice.random()
        if kind < 0.45 or not self._calls:
            return "CallStart", {"caller": self._uri(), "callee": self._uri()}
        callid, leg = self._dice.choice(self._calls), self._dice.choice(LEGS)
        if kind > 0.9 or len(self._calls) > MOST_CALLS:
            self._calls.remove(callid)
            return "CallEnd", {"callid": callid}
        if kind < 0.55:
            return "CallBlindTransfer", {"callid": callid, "leg": leg, "destination": self._uri()}
        if kind < 0.62:
            other = {"callid_b": self._dice.choice(self._calls), "leg_b": self._dice.choice(LEGS)}
            return "CallAttendedTransfer", {"callid_a": callid, "leg_a": leg, **other}
        if kind < 0.82:
            some = {"leg": leg} if self._dice.random() < 0.3 else {}
            return self._dice.choice(("CallHold", "CallUnHold")), {"callid": callid, **some}
        return "Echo", {"x": "y" * self._dice.randrange(5000)}

    def _new_id(self) -> str:
        self._numbers += 1
        return f"soak-{self._numbers}"

    def _uri(self) -> str:
        return f"sip:{self._dice.choice(self._world.users)}@localhost"

    async def _open(self) -> RawClient:
        """Connect; note it if that takes long, and try again."""
        while True:
            try:
                return await RawClient.open(self._address, PATH)
            except TimeoutError:
                self.faults.append("a handshake has not ended in time")

    async def _send(self, request: bytes) -> None:
        """From a client that waits for the answer, and leaves."""
        async with await self._open() as client:
            client.send(TEXT, request)
            await self._started(client)

    async def _send_twice(self, request: bytes) -> None:
        """From two clients, as one that takes its first connection for lost."""
        async with (
            await self._open() as one,
            await self._open() as other,
        ):
            for client in (one, other):
                client.send(TEXT, request)
            for client in (one, other):
                await self._started(client)

    async def _started(self, client: RawClient) -> None:
        """Read the answer, which comes before anything else."""
        try:
            opcode, text = await client.next()
            while opcode == PING:
                client.send(PONG, text)
                opcode, text = await client.next()
        except (TimeoutError, EOFError, ConnectionError) as exc:
            self.faults.append(f"a request was not answered: {exc!r}")
            return
        answer = json.loads(text) if opcode == TEXT else text
        if not isinstance(answer, dict) or answer.get("result", {}).get("status") != "Started":
            self.faults.append(f"not started: {answer!r}")

    async def _send_and_vanish(self, request: bytes) -> None:
        client = await self._open()
        client.send(TEXT, request)
        await client.writer.drain()
        await asyncio.sleep(self._dice.choice((0, 0.01)))
        await client.close()

    async def _end_all(self, witness: Witness) -> None:
        """End every call that there still is; some may be ending by themselves."""
        loop = asyncio.get_running_loop()
        until = loop.time() + END_WITHIN
        while loop.time() < until:
            answer = await witness.ask("CallList", limit=1000)
            calls = answer["result"]["calls"] if "result" in answer else None
            if calls == []:
                return
            for call in calls or ():
                await witness.run("CallEnd", self._new_id(), callid=call["callid"])
            await asyncio.sleep(0.5 * self._pace)
        self.faults.append("there are calls that cannot be ended")

    # Trouble.

    async def _befall(self, until: float) -> None:
        while asyncio.get_running_loop().time() < until:
            await asyncio.sleep(self._dice.expovariate(0.5) * self._pace)
            self.troubles[self._world.name] += 1
            await self._world.befall(self._dice)

    async def _be_rude(self, until: float) -> None:
        kinds: list[Callable[[], Coroutine[Any, Any, None]]]
        kinds = [
            self._garbage_frames,
            self._garbage_json,
            self._no_reader,
            self._frozen,
            self._many,
        ]
        async with asyncio.TaskGroup() as group:
            while asyncio.get_running_loop().time() < until:
                await asyncio.sleep(self._dice.expovariate(3.0) * self._pace)
                kind = self._dice.choice(kinds)
                self.troubles[kind.__name__.strip("_")] += 1
                group.create_task(kind(), name=kind.__name__)

    async def _garbage_frames(self) -> None:
        client = await RawClient.connect(self._address)
        for _ in range(5):
            client.write(inputs("frames", self._dice)[1:])
        await asyncio.sleep(0.1)
        await client.close()

    async def _garbage_json(self) -> None:
        client = await self._open()
        for _ in range(10):
            client.send(TEXT, inputs("json_rpc", self._dice))
        await asyncio.sleep(0.1)
        await client.close()

    async def _no_reader(self) -> None:
        """Ask for more than the buffers hold, and read nothing of it."""
        client = await self._open()
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]  # it can read, too
        request = json.dumps(_request("CommandList")).encode()
        with suppress(ConnectionError):
            for _ in range(300):
                client.send(TEXT, request)
        await asyncio.sleep(self._dice.uniform(0.1, 2.0) * self._pace)
        await client.close()

    async def _frozen(self) -> None:
        """Neither read nor send anything; half of them longer than the daemon allows."""
        client = await self._open()
        await asyncio.sleep(self._dice.uniform(0.1, 8.0) * self._pace)
        await client.close()

    async def _many(self) -> None:
        clients = [await RawClient.connect(self._address) for _ in range(20)]
        for client in clients:
            await client.close()


def _request(method: str, **params: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
