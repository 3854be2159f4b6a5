"""Commands and faults of every kind for as long as one likes; then nothing may have grown.

    python -m tests.soak [--minutes 10] [--rate 10] [--seed 1]

Both back ends at once, each with a daemon process of its own: the embedded one with phones of
this process, OpenSIPS with the scripted proxy. In turn they are under load for a while and then at
rest, until nothing is left of commands, calls and clients. Every command must end once, whatever
happened to its client, its phones or the proxy; at rest a daemon must hold as many tasks and
descriptors as at any other rest, and no more objects and memory than when it had warmed up. The
exit status is 1 if anything of that is not so.
"""

import argparse
import asyncio
import logging
import sys
from functools import partial

from tests.soak.run import Plan, soak

BUSY_FOR = 60.0
"""Seconds of load in each round. A rest is up to 40 s: 64 times T1 of SIP, and some."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="soak", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=10.0, help="commands a second, each back end")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    seconds = max(0.0, asked.minutes * 60 - BUSY_FOR)
    plan = Plan(seconds=seconds, busy_for=BUSY_FOR, rate=asked.rate, seed=asked.seed)
    problems = asyncio.run(soak(plan, partial(print, flush=True)))
    for problem in problems:
        print(problem, file=sys.stderr)
    print("held out" if not problems else f"{len(problems)} problems")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
