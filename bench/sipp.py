"""SIPp on both sides of the daemon: one process calls, another one answers."""

import csv
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.processes import free_port, stop

SCENARIOS = Path(__file__).parent / "scenarios"
HOST = "127.0.0.1"
CALLEE, CALLER = "answers", "calls"
ENDS_WITHIN = 60.0
"""Seconds that the last calls have to end in, once no more are made."""


class NoSipp(Exception):
    """SIPp is not installed."""

    def __init__(self) -> None:
        super().__init__("sipp is not there (apt-get install sip-tester)")


@dataclass(frozen=True, slots=True)
class Count:
    """What one side says of its calls so far."""

    created: int
    ended_well: int
    failed: int
    current: int
    repeated: int


class Side:
    """One running SIPp, and its figures, which it writes down every second."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self.process = process
        self._folder = folder

    def count(self) -> Count:
        """Return what it wrote last."""
        with (self._folder / "stat.csv").open(newline="") as file:
            rows = [row for row in csv.DictReader(file, delimiter=";") if row["CurrentTime"]]
        last = rows[-1]
        return Count(
            created=int(last["TotalCallCreated"]),
            ended_well=int(last["SuccessfulCall(C)"]),
            failed=int(last["FailedCall(C)"]),
            current=int(last["CurrentCall"]),
            repeated=int(last["Retransmissions(C)"]),
        )

    def complaints(self) -> str:
        """Return what it did not expect."""
        file = self._folder / "errors.log"
        return file.read_text("utf-8", "replace") if file.exists() else ""


@contextmanager
def answering(
    sip_port: int, scenario: Path = SCENARIOS / "answer.xml", *options: str
) -> Iterator[Side]:
    """A side that is registered and answers whatever comes."""
    port = str(free_port())
    who = ("-p", port, "-key", "user", CALLEE)
    with running(SCENARIOS / "register.xml", sip_port, "-m", "1", *who) as registering:
        if registering.process.wait(10.0) != 0:
            raise RuntimeError(f"SIPp does not register: {registering.complaints()}")
    with running(scenario, sip_port, *who, *options) as side:
        yield side


@contextmanager
def calling(sip_port: int, *, rate: int, calls: int, lasting: float) -> Iterator[Side]:
    """A side that makes so many calls, so many a second, each of so many seconds."""
    numbers = ("-r", str(rate), "-m", str(calls), "-l", str(calls))
    length = ("-d", str(round(lasting * 1000)))
    who = ("-s", CALLEE, "-key", "user", CALLER)
    with running(SCENARIOS / "call.xml", sip_port, *numbers, *length, *who) as side:
        yield side


def wait(side: Side, seconds: float) -> None:
    """Wait until a side that makes calls is done; stop it when it takes longer."""
    deadline = time.monotonic() + seconds + ENDS_WITHIN
    while side.process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)


@contextmanager
def running(scenario: Path, sip_port: int, *options: str) -> Iterator[Side]:
    """A SIPp that plays a scenario with the daemon.

    Raises:
        NoSipp: There is none here.
    """
    binary = shutil.which("sipp")
    if binary is None:
        raise NoSipp
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        process = subprocess.Popen(
            [
                *(binary, f"{HOST}:{sip_port}", "-sf", scenario),
                *(*options, "-i", HOST, "-bind_local", "-cp", str(free_port())),
                *("-nostdin", "-aa", "-trace_stat", "-stf", folder / "stat.csv", "-fd", "1"),
                *("-trace_err", "-error_file", folder / "errors.log"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
        )
        try:
            yield Side(process, folder)
        finally:
            stop(process)
