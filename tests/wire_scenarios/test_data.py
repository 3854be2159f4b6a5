"""The recorded scenarios themselves: each is played, and agrees with the transcript it is from."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

from tests.wire_scenarios.tape import DATA
from tests.wire_scenarios.transcripts import dump, reduce

HERE = Path(__file__).parent
NAMES = sorted(path.stem for path in DATA.glob("*.json"))


def transcripts() -> Iterator[Path]:
    """Find the transcripts, where they are at hand: in a folder ``wire`` beside the repository."""
    beside = HERE.parents[2].glob("*/wire/call_start.jsonl")
    named = os.environ.get("CALL_API_TRANSCRIPTS")
    for folder in (Path(named),) if named else (found.parent for found in beside):
        yield from sorted(folder.glob("*.jsonl"))


def kept(name: str) -> str:
    return (DATA / f"{name}.json").read_text(encoding="utf-8")


def test_every_scenario_is_played() -> None:
    tests = "".join(path.read_text(encoding="utf-8") for path in HERE.glob("test_*.py"))

    assert len(NAMES) == 67
    assert [name for name in NAMES if f'"{name}"' not in tests] == []


def test_scenarios_are_kept_as_they_are_written() -> None:
    for name in NAMES:
        assert dump(json.loads(kept(name))) == kept(name), name


def test_scenarios_agree_with_the_transcripts_that_are_at_hand() -> None:
    for path in transcripts():
        assert dump(reduce(path)) == kept(path.stem), path.stem
