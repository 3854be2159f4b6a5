"""Runs many commands, so many at a time, over one WebSocket connection."""

import asyncio
import itertools
import statistics
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from bench.processes import Setting, cpu_seconds
from bench.watch import Done, Watch
from bench.wire import Wire, connect

Order: TypeAlias = tuple[object, Mapping[str, object]]
"""Whom a command is about, in our own words, and its parameters."""

HANG_AFTER = 30.0
"""Seconds without any frame after which what is in flight counts as hung."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What one round of one command came to."""

    method: str
    commands: int
    per_s: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    far_cpu_us: float
    faults: dict[str, int]


class Load:
    """One client. Not for two rounds at the same time."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._watch = Watch()
        self._ids = itertools.count(1)
        self._wire: Wire | None = None
        self._todo: Iterable[Order] = iter(())
        self._method = ""
        self._done: list[Done] = []
        self._heard = asyncio.Event()

    async def open(self) -> None:
        """Connect, in dialect v2."""
        port = self._setting.ws_port
        self._wire = await connect("127.0.0.1", port, "/call-api/v2", self._receive)

    def close(self) -> None:
        assert self._wire is not None
        self._wire.close()

    async def run(
        self, method: str, orders: Iterable[Order], *, in_flight: int
    ) -> tuple[Figures, list[Done]]:
        """Run one command for each of ``orders``."""
        self._method, self._todo, self._done = method, iter(orders), []
        self._watch.faults.clear()
        daemon, far = self._setting.daemon.pid, self._setting.far.process.pid
        cpu, far_cpu, began = cpu_seconds(daemon), cpu_seconds(far), time.monotonic()
        for _ in range(in_flight):
            self._send_next()
        while self._watch.in_flight and await self._anything_new():
            pass
        took = time.monotonic() - began
        faults = dict(self._watch.faults)
        if self._watch.in_flight:
            faults["hung"] = self._watch.in_flight
        latencies = sorted(each.took * 1000 for each in self._done) or [0.0]
        count = max(len(self._done), 1)
        figures = Figures(
            method=method,
            commands=len(self._done),
            per_s=len(self._done) / took,
            p50_ms=statistics.median(latencies),
            p99_ms=latencies[int(0.99 * (len(latencies) - 1))],
            cpu_us=(cpu_seconds(daemon) - cpu) / count * 1e6,
            far_cpu_us=(cpu_seconds(far) - far_cpu) / count * 1e6,
            faults=faults,
        )
        return figures, self._done

    async def _anything_new(self) -> bool:
        self._heard.clear()
        try:
            async with asyncio.timeout(HANG_AFTER):
                await self._heard.wait()
        except TimeoutError:
            return False
        assert self._wire is not None
        return not self._wire.is_closed.is_set()

    def _send_next(self) -> None:
        for subject, params in self._todo:
            id_ = next(self._ids)
            request = {"jsonrpc": "2.0", "id": id_, "method": self._method, "params": params}
            self._watch.ask(id_, subject, time.monotonic())
            assert self._wire is not None
            self._wire.send(msgspec.json.encode(request))
            return

    def _receive(self, text: bytes) -> None:
        done = self._watch.receive(text, time.monotonic())
        if done is not None:
            self._done.append(done)
            self._send_next()
        self._heard.set()
