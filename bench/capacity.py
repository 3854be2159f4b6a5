"""How many calls the embedded back end carries, with SIPp calling and SIPp answering.

    python -m bench.capacity [--rate 300] [--seconds 60] [--limit] [--concurrent 10000] [--out FILE]

Each run has a fresh daemon and two fresh SIPps. A call is INVITE, 180, 200, ACK, some time, BYE and
its 200, on both sides of the daemon. A run is good when both sides saw every call end well, the
daemon logged no error, and it lists no call afterwards. Exits with 1 when the first run is not.
"""

import argparse
import dataclasses
import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from websockets.sync.client import connect

from bench import sipp
from bench.processes import Alone, cpu_seconds, daemon_alone, memory_kib

LASTING = 2.0
"""Seconds that a call lasts where it is about the rate."""
STEP, STEP_SECONDS, HIGHEST = 100, 15, 3000
HOLDING_RATE = 200
"""Calls a second that keep up so many at the same time: each lasts accordingly."""
SETTLES, WINDOW = 3.0, 15.0
"""Seconds until so many are up, beyond what one lasts, and for which they are measured."""


@dataclasses.dataclass(frozen=True, slots=True)
class Run:
    """One load and what came of it."""

    rate: int
    calls: int
    lasting: float
    took: float
    cpu_us: float
    share: float
    repeated: int
    faults: dict[str, int]


@dataclasses.dataclass(frozen=True, slots=True)
class Held:
    """So many calls at the same time, and what they cost meanwhile."""

    concurrent: int
    cpu_us: float
    private_kib: int
    faults: dict[str, int]


def run(rate: int, seconds: float, lasting: float = LASTING) -> Run:
    """Make so many calls a second for so long."""
    calls = round(rate * seconds)
    with daemon_alone() as daemon, sipp.answering(daemon.sip_port) as far:
        cpu, began = cpu_seconds(daemon.process.pid), time.monotonic()
        with sipp.calling(daemon.sip_port, rate=rate, calls=calls, lasting=lasting) as near:
            sipp.wait(near, seconds + lasting)
            took = time.monotonic() - began
            used = cpu_seconds(daemon.process.pid) - cpu
            faults = what_went_wrong(daemon, near, far, calls)
            repeated = near.count().repeated + far.count().repeated
    faults |= late(took, seconds + lasting)
    return Run(rate, calls, lasting, took, used / calls * 1e6, used / took, repeated, faults)


def hold(concurrent: int) -> Held:
    """Keep so many calls up, and see what one more of the same rate costs then."""
    lasting = concurrent / HOLDING_RATE
    seconds = lasting + SETTLES + WINDOW
    calls = round(HOLDING_RATE * seconds)
    with daemon_alone() as daemon, sipp.answering(daemon.sip_port) as far:
        pid = daemon.process.pid
        with sipp.calling(daemon.sip_port, rate=HOLDING_RATE, calls=calls, lasting=lasting) as near:
            first = time.monotonic()
            time.sleep(lasting + SETTLES)
            cpu, began = cpu_seconds(pid), time.monotonic()
            time.sleep(WINDOW)
            used, took = cpu_seconds(pid) - cpu, time.monotonic() - began
            private = memory_kib(pid)
            sipp.wait(near, lasting)
            faults = late(time.monotonic() - first, seconds + lasting)
            faults |= what_went_wrong(daemon, near, far, calls)
    return Held(concurrent, used / (took * HOLDING_RATE) * 1e6, private, faults)


def late(took: float, planned: float) -> dict[str, int]:
    """Say how late a run was, if its rate was not kept."""
    return {"seconds late": round(took - planned)} if took > 1.1 * planned + 2.0 else {}


def what_went_wrong(daemon: Alone, near: sipp.Side, far: sipp.Side, calls: int) -> dict[str, int]:
    """Count what must not happen, by name."""
    time.sleep(1.5)  # each side writes its figures once a second
    here, there = near.count(), far.count()
    faults = {
        "failed for the caller": here.failed,
        "failed for the callee": there.failed,
        "not made": calls - here.ended_well - here.failed,
        "not ended": len(left_over(daemon)),
        "errors logged": len(daemon.complaints()),
    }
    return {name: times for name, times in faults.items() if times}


def left_over(daemon: Alone) -> list[object]:
    """Return the calls that the daemon still has."""
    with connect(f"ws://127.0.0.1:{daemon.ws_port}/call-api/v2") as client:
        client.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "CallList", "params": {}}))
        calls: list[object] = json.loads(client.recv())["result"]["calls"]
        return calls


def climb() -> list[Run]:
    """Return a run at each rate, from low to high, up to the first with a fault."""
    runs = []
    for rate in range(STEP, HIGHEST + 1, STEP):
        runs.append(run(rate, STEP_SECONDS))
        show(runs[-1:])
        if runs[-1].faults:
            break
    return runs


def show(runs: Iterable[Run]) -> None:
    """Print a line for each."""
    for each in runs:
        print(
            f"{each.rate:5} a second, {each.calls} calls of {each.lasting:g} s "
            f"in {each.took:.1f} s: {each.cpu_us:.0f} us a call, {each.share:.0%} of a core, "
            f"{each.repeated} messages repeated; {told(each.faults)}",
            flush=True,
        )


def told(faults: dict[str, int]) -> str:
    """Return the faults as text."""
    return ", ".join(f"{times} {name}" for name, times in faults.items()) or "no fault"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="bench.capacity", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--rate", type=int, default=300, help="calls a second of the first run")
    parser.add_argument("--seconds", type=float, default=60.0, help="of the first run")
    parser.add_argument("--limit", action="store_true", help="climb to the rate that first fails")
    parser.add_argument(
        "--concurrent",
        type=int,
        nargs="*",
        default=[],
        help="how many calls are up at the same time, for what one costs then",
    )
    parser.add_argument("--out", type=Path, help="write all figures there, as JSON")
    asked = parser.parse_args()
    first = run(asked.rate, asked.seconds)
    show([first])
    climbed = climb() if asked.limit else []
    held = []
    for concurrent in asked.concurrent:
        held.append(hold(concurrent))
        each = held[-1]
        print(
            f"{each.concurrent:6} calls up, {HOLDING_RATE} new ones a second: {each.cpu_us:.0f} us "
            f"a call, {each.private_kib / 1024:.1f} MiB; {told(each.faults)}",
            flush=True,
        )
    if asked.out:
        results = {"first": first, "climbed": climbed, "held": held}
        asked.out.write_text(json.dumps(results, indent=1, default=dataclasses.asdict) + "\n")
    sys.exit(1 if first.faults or any(each.faults for each in held) else 0)


if __name__ == "__main__":
    main()
