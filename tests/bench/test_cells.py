"""The bench of commands on OpenSIPS, for a moment."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(
    ("cell", "options"),
    [
        ("CallEnd:2:4", []),
        ("CallHold:2:4", ["--dialect", "v1"]),
        ("CallHold:1:8", ["--stand-in", "--delay 0.005 --reorder"]),
        ("CallHold:1:8", ["--calls", "never"]),
    ],
)
def test_a_cell_is_measured_without_a_fault(cell: str, options: list[str], tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    asked = ["--cells", cell, "--rounds", "1", "--seconds", "0.3", "--out", str(out), *options]

    done = subprocess.run(
        [sys.executable, "-m", "bench.cells", *asked],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    (measured,) = json.loads(out.read_text())[cell]["daemon"]
    assert measured["per_s"] > 0
    assert measured["faults"] == {}
    assert "the daemon: plain Python" in done.stdout
