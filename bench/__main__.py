"""Measures the whole daemon: commands over the API, calls between phones of another process.

    python -m bench [--rounds 5] [--commands 2000] [--in-flight 50] [--idle 1000]
        [--journal claims|all] [--out FILE]

Each round has a fresh daemon and fresh phones: it starts so many calls, holds them all, and ends
them all. Every answer and every notification is checked, and no call may be left over. Prints
medians of the rounds; exits with 1 if there was any fault.
"""

import argparse
import asyncio
import dataclasses
import json
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.load import Figures, Load, Order
from bench.processes import Setting, build, memory_kib, setting

USERS = 200
METHODS = ("CallStart", "CallHold", "CallEnd")


async def commands(where: Setting, count: int, in_flight: int) -> list[Figures]:
    """Start, hold and end ``count`` calls."""
    load = Load(where)
    await load.open()
    await load.run("Echo", [(None, {"warm": "up"})] * 500, in_flight=in_flight)
    started, calls = await load.run("CallStart", pairs(count), in_flight=in_flight)
    up: list[Order] = [(call.callid, {"callid": call.callid}) for call in calls if call.callid]
    held, _ = await load.run("CallHold", up, in_flight=in_flight)
    ended, _ = await load.run("CallEnd", up, in_flight=in_flight)
    load.close()
    left_over(where, count, ended.faults)
    return [started, held, ended]


def pairs(count: int) -> list[Order]:
    """Parameters of ``count`` CallStarts, spread over the phones."""
    half = USERS // 2
    return [
        (
            number,
            {
                "caller": f"sip:u{number % half}@127.0.0.1",
                "callee": f"sip:u{half + number % half}@127.0.0.1",
            },
        )
        for number in range(count)
    ]


def left_over(where: Setting, count: int, faults: dict[str, int]) -> None:
    """Add what the far phones and the daemon's log say against it."""
    deadline = time.monotonic() + 5.0
    while (byes := where.far.counters().get("BYE", 0)) < 2 * count:
        if time.monotonic() > deadline:
            faults["calls not hung up"] = 2 * count - byes
            break
        time.sleep(0.05)
    if complaints := where.complaints():
        faults["errors logged"] = len(complaints)
        print(*complaints[:20], sep="\n", file=sys.stderr)


async def idle(where: Setting, count: int) -> tuple[float, dict[str, int]]:
    """KiB that each of ``count`` calls costs, and what went wrong on the way."""
    load = Load(where)
    await load.open()
    warm, calls = await load.run("CallStart", pairs(50), in_flight=10)
    ends: list[Order] = [(None, {"callid": call.callid}) for call in calls]
    await load.run("CallEnd", ends, in_flight=10)
    before = memory_kib(where.daemon.pid)
    figures, _ = await load.run("CallStart", pairs(count), in_flight=10)
    settled = 35.0 if count >= 1000 else 0.0  # until the last transaction is forgotten: 64 * T1
    await asyncio.sleep(settled)
    after = memory_kib(where.daemon.pid)
    load.close()
    return (after - before) / count, {**warm.faults, **figures.faults}


@contextmanager
def journal(sync: str | None) -> Iterator[dict[str, str]]:
    """Settings of a journal in a file of its own; without ``sync``, of one in memory."""
    with TemporaryDirectory() as folder:
        yield {"path": f"{folder}/journal.db", "sync": sync} if sync else {}


def run(main: Any) -> Any:
    """Run a coroutine, on uvloop where there is one."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    return uvloop.run(main)


def show(rounds: list[list[Figures]]) -> Counter[str]:
    """Print the medians; return the faults of all rounds."""
    faults: Counter[str] = Counter()
    print(
        f"{'':<11}{'per s':>8}{'p50 ms':>9}{'p99 ms':>9}{'daemon us':>11}{'phones us':>11}  faults"
    )
    for column in zip(*rounds, strict=True):
        here: Counter[str] = Counter()
        for figures in column:
            here.update(figures.faults)
        faults.update(here)
        medians = [
            statistics.median(getattr(figures, name) for figures in column)
            for name in ("per_s", "p50_ms", "p99_ms", "cpu_us", "far_cpu_us")
        ]
        what = " ".join(f"{name}={times}" for name, times in here.items()) or "none"
        print(
            f"{column[0].method:<11}{medians[0]:8.0f}{medians[1]:9.1f}{medians[2]:9.1f}"
            f"{medians[3]:11.0f}{medians[4]:11.0f}  {what}",
            flush=True,
        )
    return faults


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--commands", type=int, default=2000, help="of each kind in each round")
    parser.add_argument("--in-flight", type=int, default=50)
    parser.add_argument("--idle", type=int, default=1000, help="calls for the memory; 0: leave out")
    parser.add_argument(
        "--journal", choices=("claims", "all"), help="keep one in a file, so synced"
    )
    parser.add_argument("--out", type=Path, help="write all figures there, as JSON")
    asked = parser.parse_args()
    results: dict[str, Any] = {"in_flight": asked.in_flight, "commands": asked.commands}
    rounds = []
    for _ in range(asked.rounds):
        with journal(asked.journal) as kept, setting(USERS, journal=kept) as where:
            rounds.append(run(commands(where, asked.commands, asked.in_flight)))
    print(f"the daemon: {build()}")
    print(
        f"{asked.rounds} rounds of {asked.commands} commands, {asked.in_flight} in flight; medians"
    )
    faults = show(rounds)
    results["rounds"] = [[dataclasses.asdict(figures) for figures in each] for each in rounds]
    for keep in (10_000, 0) if asked.idle else ():
        with setting(USERS, commands={"keep": keep}) as where:
            kib, wrong = run(idle(where, asked.idle))
        faults.update(wrong)
        results[f"idle_kib_keep_{keep}"] = kib
        what = "with what their CallStart told" if keep else "alone"
        print(f"{asked.idle} idle calls: {kib:.1f} KiB a call, {what}", flush=True)
    if asked.out:
        asked.out.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
