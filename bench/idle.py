"""What clients cost that ask nothing, and whether all of it is given back when they go.

python -m bench.idle [--clients 1000 5000 10000] [--out FILE]
"""

import argparse
import asyncio
import json
import resource
import sys
from pathlib import Path

from bench.__main__ import run
from bench.cells import TOKEN, serving
from bench.growth import idle_clients
from bench.processes import memory_kib


def descriptors(pid: int) -> int:
    """The number of files that a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


async def measure(pid: int, port: int, count: int) -> dict[str, float]:
    """Connect so many, look, let them go, look again."""
    for wire in await idle_clients(port, 50, TOKEN):  # what is made once is there by then
        wire.close()
    await asyncio.sleep(0.5)
    kib, files = memory_kib(pid), descriptors(pid)
    wires = await idle_clients(port, count, TOKEN)
    await asyncio.sleep(1.0)
    up_kib, up_files = memory_kib(pid), descriptors(pid)
    for wire in wires:
        wire.close()
    await asyncio.sleep(2.0)
    return {
        "clients": count,
        "kib_each": (up_kib - kib) / count,
        "files_each": (up_files - files) / count,
        "kib_each_kept": (memory_kib(pid) - kib) / count,
        "files_kept": descriptors(pid) - files,
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.idle")
    parser.add_argument("--clients", type=int, nargs="+", default=[1000, 5000, 10_000])
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    found = []
    for count in asked.clients:
        with serving("daemon", "", "v2") as (pid, port):
            one = run(measure(pid, port, count))
        found.append(one)
        print(
            f"{count:>6} idle clients: {one['kib_each']:.1f} KiB and {one['files_each']:.2f} "
            f"descriptors each; {one['kib_each_kept']:.1f} KiB each and {one['files_kept']:.0f} "
            "descriptors in all are not given back",
            flush=True,
        )
    if asked.out:
        asked.out.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    sys.exit(1 if any(one["files_kept"] > 0 for one in found) else 0)


if __name__ == "__main__":
    main()
