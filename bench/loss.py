"""Calls between two SIPps through the daemon, over a network that loses messages both ways.

    python -m bench.loss [--calls 1500] [--rate 50] [--loss 0.1]

Either SIPp reaches the daemon through a relay of its own that loses this share of the datagrams in
each direction; all four losses are independent. Exits with 1 when less than 99.5 % of the calls are
complete on the caller's side, or any is left over on either side or in the daemon.
"""

import argparse
import dataclasses
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench import sipp
from bench.capacity import left_over
from bench.processes import ROOT, daemon_alone, stop

ENOUGH = 0.995
LASTING = 2.0
FORGOTTEN_WITHIN = 45.0
"""Seconds after the last call until a message of it that was lost has been repeated or given up."""


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the calls.

    Attributes:
        complete: Calls of which the caller saw every step.
        failed_at_callee: Calls that came to the callee and did not end as they should.
        left: Calls that somebody still has: caller, daemon, callee.
        repeated: Messages that the two SIPps sent again.
    """

    calls: int
    complete: int
    failed_at_callee: int
    left: tuple[int, int, int]
    repeated: int
    errors: int

    @property
    def is_good(self) -> bool:
        """Whether enough are complete and none is left over."""
        return (
            self.complete >= ENOUGH * self.calls
            and self.failed_at_callee <= (1 - ENOUGH) * self.calls
            and not any(self.left)
            and not self.errors
        )


def run(calls: int, rate: int, loss: float) -> Outcome:
    """Make calls, and count."""
    with (
        daemon_alone() as daemon,
        relay(daemon.sip_port, loss, 1) as near_port,
        relay(daemon.sip_port, loss, 2) as far_port,
        sipp.answering(far_port, sipp.SCENARIOS / "answer_lossy.xml") as far,
        sipp.calling(near_port, rate=rate, calls=calls, lasting=LASTING) as near,
    ):
        sipp.wait(near, calls / rate + LASTING)
        deadline = time.monotonic() + FORGOTTEN_WITHIN
        while (left_over(daemon) or far.count().current) and time.monotonic() < deadline:
            time.sleep(0.5)
        here, there = near.count(), far.count()
        return Outcome(
            calls=calls,
            complete=here.ended_well,
            failed_at_callee=there.failed,
            left=(here.current, len(left_over(daemon)), there.current),
            repeated=here.repeated + there.repeated,
            errors=len(daemon.complaints()),
        )


@contextmanager
def relay(port: int, loss: float, seed: int) -> Iterator[int]:
    """A port that stands for another one, over a bad network."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.lossy_relay", str(port), str(loss), str(seed)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        stop(process)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="bench.loss", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--calls", type=int, default=1500)
    parser.add_argument("--rate", type=int, default=50, help="calls a second")
    parser.add_argument("--loss", type=float, default=0.1, help="share of each direction, 0 to 1")
    asked = parser.parse_args()
    outcome = run(asked.calls, asked.rate, asked.loss)
    print(
        f"{asked.loss:.0%} lost in each direction: {outcome.complete} of {outcome.calls} calls "
        f"complete, {outcome.failed_at_callee} failed for the callee; left over: caller, daemon, "
        f"callee {outcome.left}; {outcome.repeated} messages repeated by SIPp; "
        f"{outcome.errors} errors logged"
    )
    sys.exit(0 if outcome.is_good else 1)


if __name__ == "__main__":
    main()
