"""The daemon on a stand-in for OpenSIPS, side by side with a ceiling.

    python -m bench.cells [--cells CallEnd:1:64,...] [--rounds 5] [--seconds 2] [--dialect v1]
                          [--calls missing] [--stand-in "--delay 0.005 --reorder"] [--out FILE]

A cell is method:clients:commands in flight of each. Every run has a fresh stand-in and a fresh
server; the two servers take turns, and medians are compared. The daemon has everything switched
on: a token, limits that are counted (but set out of reach), the journal in memory, and its log at
INFO in a file. Exits with 1 if there was any fault.
"""

import argparse
import dataclasses
import hashlib
import json
import shlex
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from bench.fleet import Cell, Fleet, Measured
from bench.processes import ROOT, build, daemon_alone, stop

CELLS: Final = "CallEnd:1:64,CallHold:1:64,CallEnd:100:1,CallHold:100:4"
TOKEN: Final = "of the bench alone"
SERVERS: Final = ("ceiling", "daemon")
FIGURES: Final = ("per_s", "p50_us", "p99_us", "cpu_us")

_OUT_OF_REACH: Final = {
    "connections": 1_000_000,
    "running": 1_000_000,
    "per_second": 1_000_000,
    "calls_per_minute": 1_000_000,
}


@contextmanager
def ready(*module: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process of the bench, and the port that it says it is ready on."""
    process = subprocess.Popen(
        [sys.executable, "-m", *module], stdout=subprocess.PIPE, cwd=ROOT, text=True
    )
    try:
        assert process.stdout is not None
        word, _, port = process.stdout.readline().partition(" ")
        if word != "ready":
            raise RuntimeError(f"{module[0]} did not start")
        yield process, int(port)
    finally:
        stop(process)


@contextmanager
def serving(name: str, stand_in: str, dialect: str) -> Iterator[tuple[int, int]]:
    """A stand-in with a server in front of it; gives the server's pid and port."""
    with ExitStack() as stack:
        _, proxy = stack.enter_context(ready("bench.stand_in", *shlex.split(stand_in)))
        if name == "ceiling":
            ceiling = ready("bench.ceiling", str(proxy), "--dialect", dialect)
            server, port = stack.enter_context(ceiling)
            yield server.pid, port
        else:
            daemon = stack.enter_context(daemon_alone(**settings(proxy)))
            yield daemon.process.pid, daemon.ws_port


def settings(proxy: int) -> dict[str, Any]:
    """What the daemon is told, besides where to listen."""
    token = {"sha256": hashlib.sha256(TOKEN.encode()).hexdigest(), "scopes": ["all"]}
    return {
        "mi": {"url": f"127.0.0.1:{proxy}"},
        "auth": {"tokens": {"bench": token}},
        "limits": {"token": _OUT_OF_REACH, "address": {**_OUT_OF_REACH, "loopback": True}},
        "commands": {"running": 100_000},
        "log": {"level": "INFO"},
    }


async def measured(cell: Cell, pid: int, port: int, seconds: float) -> Measured:
    """Run one cell on a server."""
    fleet = Fleet(cell, pid)
    await fleet.connect(port, TOKEN)
    try:
        return await fleet.run(seconds)
    finally:
        fleet.close()


def compare(cell: Cell, rounds: int, seconds: float, stand_in: str) -> dict[str, list[Measured]]:
    """Run one cell on both servers, in turns."""
    from bench.__main__ import run

    found: dict[str, list[Measured]] = {name: [] for name in SERVERS}
    # The ceiling knows no errors and loses what a proxy does not answer.
    servers = SERVERS if not (cell.may_fail or stand_in) else ("daemon",)
    for number in range(rounds):
        for name in servers if number % 2 == 0 else servers[::-1]:
            with serving(name, stand_in, cell.dialect) as (pid, port):
                found[name].append(run(measured(cell, pid, port, seconds)))
    return found


def show(cell: Cell, found: dict[str, list[Measured]]) -> Counter[str]:
    """Print the medians and what they are of the ceiling's; return the faults."""
    faults: Counter[str] = Counter()
    medians = {
        name: {figure: statistics.median(getattr(m, figure) for m in all_) for figure in FIGURES}
        for name, all_ in found.items()
        if all_
    }
    base = medians.get("ceiling")
    print(f"\n{cell.method} {cell.clients} x {cell.in_flight}, {cell.dialect}, {cell.calls}")
    print(
        f"  {'':<9}{'per s':>8}{'':>7}{'p50 us':>9}{'p99 us':>9}{'':>7}{'cpu us':>9}{'':>7}  faults"
    )
    for name, figures in medians.items():
        here = Counter[str]()
        for one in found[name]:
            here.update(one.faults)
        faults.update(here)
        cells = "".join(
            f"{figures[figure]:9.1f}" if figure == "cpu_us" else f"{figures[figure]:9.0f}"
            for figure in FIGURES
        )
        of = {f: figures[f] / base[f] if base and base[f] else float("nan") for f in FIGURES}
        words = " ".join(f"{what}={times}" for what, times in here.items()) or "none"
        print(
            f"  {name:<9}{cells}   rate {of['per_s']:.2f}  p99 {of['p99_us']:.2f}"
            f"  cpu {of['cpu_us']:.2f}   {words}",
            flush=True,
        )
    return faults


def cells_of(asked: argparse.Namespace) -> list[Cell]:
    found = []
    for word in asked.cells.split(","):
        method, clients, in_flight = word.split(":")
        cell = Cell(
            method=method,
            clients=int(clients),
            in_flight=int(in_flight),
            dialect=asked.dialect,
            calls=asked.calls,
            timeout=0.5 if asked.calls == "never" else 0.0,
        )
        found.append(cell)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.cells")
    parser.add_argument("--cells", default=CELLS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--dialect", default="v2", choices=["v1", "v2"])
    parser.add_argument("--calls", default="call", choices=["call", "missing", "fail", "never"])
    parser.add_argument("--stand-in", default="", help="its options")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    print(f"the daemon: {build()}")
    faults: Counter[str] = Counter()
    results: dict[str, Any] = {}
    for cell in cells_of(asked):
        found = compare(cell, asked.rounds, asked.seconds, asked.stand_in)
        faults.update(show(cell, found))
        name = f"{cell.method}:{cell.clients}:{cell.in_flight}"
        results[name] = {
            server: [dataclasses.asdict(one) for one in all_] for server, all_ in found.items()
        }
    if asked.out:
        asked.out.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
