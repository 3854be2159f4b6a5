"""The programs that show and measure the product: each does what it says and leaves nothing."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WITHIN = 90.0


def start(*words: str, folder: Path) -> subprocess.Popen[str]:
    """Run a program in a session of its own, with ``folder`` for its temporary files."""
    return subprocess.Popen(
        [sys.executable, *words],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def left_of(session: int) -> list[str]:
    """The programs of a session that still run."""
    left = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, fields = stat.read_text().partition("(")[2].rpartition(") ")
        except OSError:  # it ended meanwhile
            continue
        state, _, _, its_session = fields.split()[:4]
        if int(its_session) == session and state != "Z":
            left.append(name)
    return left


def test_the_demo_shows_a_call_from_start_to_end(tmp_path: Path) -> None:
    demo = start("examples/demo/demo.py", folder=tmp_path)
    output, _ = demo.communicate(timeout=WITHIN)

    assert demo.returncode == 0, output
    typed = [line.split()[2] for line in output.splitlines() if line.startswith("$ call-cmd")]
    assert typed == ["start", "hold", "unhold", "transfer", "list", "end"]
    assert "alice answered" in output
    assert left_of(demo.pid) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("moment", ["calling alice", "alice answered", "on hold"])
def test_ctrl_c_stops_all_of_the_demo(tmp_path: Path, moment: str) -> None:
    demo = start("examples/demo/demo.py", folder=tmp_path)
    assert demo.stdout is not None
    seen = next((line for line in demo.stdout if moment in line), None)
    assert seen is not None

    os.killpg(demo.pid, signal.SIGINT)
    output, _ = demo.communicate(timeout=WITHIN)

    assert demo.returncode == 130, output
    assert "Traceback" not in output
    assert left_of(demo.pid) == []
    assert list(tmp_path.iterdir()) == []


def test_the_load_harness_finds_no_fault_in_a_small_load(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    bench = start(
        *("-m", "bench", "--rounds", "1", "--commands", "40", "--in-flight", "10"),
        *("--idle", "20", "--out", str(figures)),
        folder=tmp_path,
    )
    output, _ = bench.communicate(timeout=WITHIN)

    assert bench.returncode == 0, output
    (round_,) = json.loads(figures.read_text("utf-8"))["rounds"]
    assert [(cell["method"], cell["commands"], cell["faults"]) for cell in round_] == [
        ("CallStart", 40, {}),
        ("CallHold", 40, {}),
        ("CallEnd", 40, {}),
    ]
    assert left_of(bench.pid) == []
    assert list(tmp_path.iterdir()) == [figures]
