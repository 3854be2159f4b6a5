"""The examples of docs/library.md do what stands there."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.examples.demo_daemon import DemoDaemon, demo_daemon
from tests.fakes.programs import run

PAGE = Path(__file__).parents[2] / "docs" / "library.md"
URL = '"ws://localhost:5059/call-api"'


def examples(text: str) -> dict[str, tuple[str, str]]:
    """The code and what it prints, by the heading above it."""
    found = {}
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        blocks = re.findall(r"^```(python|text)\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
        if blocks:
            (_, code), (_, printed) = blocks
            found[section.partition("\n")[0]] = code, printed
    return found


def pattern(printed: str) -> str:
    """What matches the output: ``...`` stands for a line, and inside one for anything."""
    lines = (r".*" if line == "..." else line for line in printed.splitlines())
    return "\n".join(
        line if line == ".*" else re.escape(line).replace(r"\.\.\.", ".*") for line in lines
    )


EXAMPLES = examples(PAGE.read_text("utf-8"))


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoDaemon]:
    with demo_daemon(tmp_path_factory.mktemp("library")) as daemon:
        yield daemon


@pytest.mark.parametrize("heading", EXAMPLES)
def test_an_example_prints_what_stands_below_it(
    heading: str, daemon: DemoDaemon, tmp_path: Path
) -> None:
    code, printed = EXAMPLES[heading]
    assert URL in code
    program = tmp_path / "example.py"
    program.write_text(code.replace(URL, f'"{daemon.url}"'))

    ended = run(tmp_path, Path(sys.executable).name, str(program))

    assert (ended.status, ended.err) == (0, "")
    assert re.fullmatch(pattern(printed), ended.out.rstrip("\n"))


def test_every_block_of_code_is_tried() -> None:
    assert len(EXAMPLES) == PAGE.read_text("utf-8").count("```python")
