"""How long the command lines take to say something, beside a bare Python.

    python -m bench.cold [--rounds 40]

They take turns. `call-cmd end` asks a daemon that runs, for a call that there is not.
"""

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

from bench.processes import daemon_alone

BIN = Path(sys.executable).parent


def first_byte(command: list[str]) -> float:
    """Milliseconds from starting a program to its first byte, on stdout or stderr."""
    began = time.perf_counter()
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        process.stdout.read(1)
        took = time.perf_counter() - began
    return took * 1000


def whole(command: list[str]) -> float:
    """Milliseconds from starting a program to its end."""
    began = time.perf_counter()
    subprocess.run(command, check=False, capture_output=True)
    return (time.perf_counter() - began) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.cold")
    parser.add_argument("--rounds", type=int, default=40)
    asked = parser.parse_args()
    with daemon_alone() as daemon:
        url = f"ws://127.0.0.1:{daemon.ws_port}/call-api"
        works = {
            "python -c print(1)": (first_byte, [sys.executable, "-c", "print(1)"]),
            "call-cmd --version": (first_byte, [str(BIN / "call-cmd"), "--version"]),
            "call-api-client --version": (first_byte, [str(BIN / "call-api-client"), "--version"]),
            "call-cmd end, in all": (whole, [str(BIN / "call-cmd"), "end", "--url", url, "x"]),
        }
        took: dict[str, list[float]] = {name: [] for name in works}
        for _ in range(asked.rounds):
            for name, (measure, command) in works.items():
                took[name].append(measure(command))
    bare = statistics.median(took["python -c print(1)"])
    for name, times in took.items():
        median = statistics.median(times)
        print(f"{name:<27}median {median:6.1f} ms   {median - bare:+6.1f}   min {min(times):6.1f}")


if __name__ == "__main__":
    main()
