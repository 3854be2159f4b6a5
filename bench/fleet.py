"""Many clients at once, each with so many commands in flight; every frame is checked."""

import asyncio
import itertools
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import msgspec

from bench.processes import cpu_seconds
from bench.watch import Watch
from bench.wire import Wire, connect

HANG_AFTER: Final = 10.0
"""Seconds after the last command was sent in which all of them have to be over."""

TOLD: Final = {
    ("CallEnd", "v1"): 1,
    ("CallEnd", "v2"): 1,
    ("CallHold", "v1"): 2,
    ("CallHold", "v2"): 6,
}
"""Notifications of a command that succeeds, `Ended` included."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """What is asked: of whom, by how many clients, how much at a time.

    Attributes:
        calls: What the Call-IDs begin with: the stand-in goes by it.
        timeout: Seconds that a command may take; 0: as long as the daemon lets it.
    """

    method: str
    clients: int
    in_flight: int
    dialect: str = "v2"
    calls: str = "call"
    timeout: float = 0.0

    @property
    def may_fail(self) -> bool:
        """Whether a command has to fail, instead of having to succeed."""
        return self.calls != "call"


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """What one run of one cell came to; times in microseconds."""

    per_s: float
    p50_us: float
    p99_us: float
    cpu_us: float
    commands: int
    faults: dict[str, int] = field(default_factory=dict)


class Fleet:
    """The clients.

    Args:
        pid: The server's, whose time is taken.
    """

    def __init__(self, cell: Cell, pid: int) -> None:
        self._cell, self._pid = cell, pid
        self._watch = Watch()
        self._wires: list[Wire] = []
        self._ids = itertools.count(1)
        self._took: list[float] = []
        self._over = asyncio.Event()
        self._until = 0.0
        self._begin = 0.0
        self._counted = 0
        self._encode = msgspec.json.Encoder().encode

    async def connect(self, port: int, token: str) -> None:
        """Connect all of them."""
        path = f"/call-api/{self._cell.dialect}"
        for number in range(self._cell.clients):
            receive = partial(self._receive, number)
            self._wires.append(await connect("127.0.0.1", port, path, receive, token))

    async def run(self, seconds: float, warm: float = 0.3) -> Measured:
        """Send commands for so many seconds, after some that are not counted."""
        self._begin = time.monotonic() + warm
        self._until = self._begin + seconds
        for number in range(self._cell.clients):
            for _ in range(self._cell.in_flight):
                self._send(number)
        await asyncio.sleep(warm)
        cpu, began = cpu_seconds(self._pid), time.monotonic()
        self._counted = 0
        await asyncio.sleep(seconds)
        cpu, took = cpu_seconds(self._pid) - cpu, time.monotonic() - began
        counted = max(self._counted, 1)
        await self._all_over()
        times = sorted(self._took) or [0.0]
        return Measured(
            per_s=counted / took,
            p50_us=times[len(times) // 2] * 1e6,
            p99_us=times[int(0.99 * (len(times) - 1))] * 1e6,
            cpu_us=cpu / counted * 1e6,
            commands=len(times),
            faults=self._faults(),
        )

    def close(self) -> None:
        """Let go of all connections."""
        for wire in self._wires:
            wire.close()

    async def _all_over(self) -> None:
        if self._watch.in_flight:
            with suppress(TimeoutError):
                async with asyncio.timeout(HANG_AFTER):
                    await self._over.wait()

    def _faults(self) -> dict[str, int]:
        faults = dict(self._watch.faults)
        if self._cell.may_fail:
            faults.pop("errored", None)  # each that has succeeded is counted as ``told`` instead
        if self._watch.in_flight:
            faults["hung"] = self._watch.in_flight
        lost = sum(wire.is_closed.is_set() for wire in self._wires)
        return faults | ({"closed": lost} if lost else {})

    def _send(self, number: int) -> None:
        id_ = next(self._ids)
        cell = self._cell
        params: dict[str, object] = {"cmd_id": f"c.{id_}", "callid": f"{cell.calls}-{id_}"}
        if cell.timeout:
            params["timeout"] = cell.timeout
        self._watch.ask(id_, number, time.monotonic())
        request = {"jsonrpc": "2.0", "id": id_, "method": cell.method, "params": params}
        self._wires[number].send(self._encode(request))

    def _receive(self, number: int, text: bytes) -> None:
        now = time.monotonic()
        done = self._watch.receive(text, now)
        if done is None:
            return
        self._counted += 1
        cell = self._cell
        if done.failed != cell.may_fail or (
            not done.failed and done.seq != TOLD[cell.method, cell.dialect]
        ):
            self._watch.faults["told"] += 1
        if now - done.took >= self._begin:
            self._took.append(done.took)
        if now < self._until:
            self._send(number)
        elif not self._watch.in_flight:
            self._over.set()
