"""Whether a command costs the same, however much there is besides.

    python -m bench.growth [--most 10000] [--seconds 2] [--svg docs/growth.svg] [--out FILE]

CPU time of the daemon for a command, while 1, 10, ... clients are connected that ask nothing, or
while so many calls are up (on OpenSIPS: so many commands run). On OpenSIPS the command is CallEnd,
on the embedded back end CallHold. Exits with 1 if there was any fault.
"""

import argparse
import asyncio
import json
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, TypeAlias

from bench.__main__ import USERS, pairs, run
from bench.cells import TOKEN, serving
from bench.fleet import Cell, Fleet, Measured
from bench.load import Load, Order
from bench.plot import svg
from bench.processes import Setting, setting
from bench.wire import Wire, connect

Faults: TypeAlias = Counter[str]

HOLDS: Final = 500
IN_FLIGHT: Final = 32


async def idle_clients(port: int, count: int, token: str = "") -> list[Wire]:
    """Connect clients that ask nothing."""
    return [
        await connect("127.0.0.1", port, "/call-api/v2", lambda _: None, token)
        for _ in range(count)
    ]


async def ends(pid: int, port: int, seconds: float) -> Measured:
    """End calls on OpenSIPS."""
    fleet = Fleet(Cell(method="CallEnd", clients=1, in_flight=IN_FLIGHT), pid)
    await fleet.connect(port, TOKEN)
    measured = await fleet.run(seconds)
    fleet.close()
    return measured


async def beside_clients(pid: int, port: int, count: int, seconds: float) -> Measured:
    wires = await idle_clients(port, count - 1, TOKEN)
    measured = await ends(pid, port, seconds)
    for wire in wires:
        wire.close()
    return measured


async def beside_commands(pid: int, port: int, count: int, seconds: float) -> Measured:
    """With so many holds under way that never end by themselves."""
    wires = await idle_clients(port, 1 + count // 1000, TOKEN)
    for number in range(count):
        wires[number % len(wires)].send(
            b'{"jsonrpc":"2.0","id":%d,"method":"CallHold","params":{"callid":"never-%d"}}'
            % (number, number)
        )
        if number % 200 == 199:
            await asyncio.sleep(0.1)
    await asyncio.sleep(0.5)
    measured = await ends(pid, port, seconds)
    for wire in wires:
        wire.close()
    return measured


OnOpenSips: TypeAlias = Callable[[int, int, int, float], Awaitable[Measured]]


def on_opensips(work: OnOpenSips, count: int, seconds: float) -> tuple[float, Faults]:
    """Return what a command costs, in microseconds."""

    async def story(pid: int, port: int) -> Measured:
        return await work(pid, port, count, seconds)

    with serving("daemon", "", "v2") as (pid, port):
        measured: Measured = run(story(pid, port))
    return measured.cpu_us, Counter(measured.faults)


async def holds(where: Setting, calls: int, clients: int) -> tuple[float, Faults]:
    """Hold some calls on the embedded back end, with so many calls up and clients there."""
    wires = await idle_clients(where.ws_port, clients - 1)
    load = Load(where)
    await load.open()
    started, up = await load.run("CallStart", pairs(max(calls, HOLDS)), in_flight=IN_FLIGHT)
    some: list[Order] = [(one.callid, {"callid": one.callid}) for one in up[:HOLDS]]
    faults: Faults = Counter(started.faults)
    costs = []
    for method in ("CallHold", "CallUnhold") * 2:
        figures, _ = await load.run(method, some, in_flight=IN_FLIGHT)
        faults.update(figures.faults)
        if method == "CallHold":
            costs.append(figures.cpu_us)
    load.close()
    for wire in wires:
        wire.close()
    return min(costs), faults


def on_embedded(calls: int, clients: int) -> tuple[float, Faults]:
    """Return what a command costs, in microseconds."""
    with setting(USERS) as where:
        found: tuple[float, Faults] = run(holds(where, calls, clients))
        return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.growth")
    parser.add_argument("--most", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--svg", type=Path)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    counts = [10**power for power in range(5) if 10**power <= asked.most]
    curves: dict[str, list[tuple[float, float]]] = {}
    faults: Faults = Counter()
    works: dict[str, Callable[[int], tuple[float, Faults]]] = {
        "OpenSIPS, clients": lambda n: on_opensips(beside_clients, n, asked.seconds),
        "OpenSIPS, commands": lambda n: on_opensips(beside_commands, n, asked.seconds),
        "embedded, clients": lambda n: on_embedded(HOLDS, n),
        "embedded, calls": lambda n: on_embedded(n, 1),
    }
    for name, work in works.items():
        for count in counts:
            cost, wrong = work(count)
            faults.update(wrong)
            curves.setdefault(name, []).append((count, cost))
            what = " ".join(f"{fault}={times}" for fault, times in wrong.items()) or "none"
            print(f"{name:<20}{count:>7}{cost:9.1f} us   faults: {what}", flush=True)
    if asked.svg:
        title = "CPU time of the daemon for a command, while there are so many others"
        asked.svg.write_text(svg(title, "clients, calls or commands", "us", curves), "utf-8")
    if asked.out:
        asked.out.write_text(json.dumps(curves, indent=1) + "\n", "utf-8")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
