"""Fuzzes the parsers of everything that comes from outside, guided by coverage.

    python -m tests.fuzz [--minutes 5] [--seed 1] [TARGET ...]        wants the extra `fuzz`

Each target in turn gets its share of the time, starting from `tests/fuzz/corpus`. What led to new
code is put there at the end, as little of it as reaches all that was reached; the tests replay it.
An input that broke a promise is kept below `.fuzz/`, and the exit status is 1: put it into the
corpus of its target as `broke-...`, and `tests/fuzz/test_corpus.py` fails until that is mended.
"""

import argparse
import logging
import re
import subprocess
import sys
from pathlib import Path

from tests.fuzz.keeping import CORPUS, keep
from tests.fuzz.targets import TARGETS

WORK = Path(".fuzz")
MAX_BYTES = 2048
SLOW_AFTER = 5
"""Seconds that one input may take."""

MEMORY_MB = 1024


def main() -> None:
    parser = argparse.ArgumentParser(prog="fuzz", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=5.0, help="for all targets together")
    parser.add_argument("--seed", type=int, default=0, help="0: another one each time")
    parser.add_argument("targets", nargs="*", metavar="TARGET", choices=[[], *TARGETS])
    asked = parser.parse_args()
    logging.disable()
    names = asked.targets or list(TARGETS)
    broken = []
    for name in names:
        seconds = max(1, round(asked.minutes * 60 / len(names)))
        if not fuzz(name, seconds, asked.seed):
            broken.append(name)
        kept = keep(name, WORK / name / "found")
        print(f"{name}: {kept} inputs are kept", flush=True)
    for name in broken:
        print(f"{name}: broken by what is in {WORK / name}", file=sys.stderr)
    sys.exit(bool(broken))


def fuzz(name: str, seconds: int, seed: int) -> bool:
    """Fuzz one target; return whether it held out."""
    found = WORK / name / "found"
    found.mkdir(parents=True, exist_ok=True)
    ended = engine(
        name,
        f"-max_total_time={seconds}",
        f"-seed={seed}",
        f"-max_len={MAX_BYTES}",
        f"-timeout={SLOW_AFTER}",
        f"-rss_limit_mb={MEMORY_MB}",
        f"-artifact_prefix={WORK / name}/",
        str(found),
        str(CORPUS / name),
    )
    runs = re.findall(r"^#([0-9]+)", ended.stderr, re.MULTILINE) or ["0"]
    held_out = ended.returncode == 0
    print(
        f"{name}: {'held out' if held_out else 'BROKEN'}, {runs[-1]} runs in {seconds} s",
        flush=True,
    )
    if not held_out:
        print(ended.stderr[-3000:], file=sys.stderr)
    return held_out


def engine(name: str, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.fuzz.engine", name, *args],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        check=False,
    )


if __name__ == "__main__":
    main()
