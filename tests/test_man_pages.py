"""The manual pages say what --help says: `make man` has been run after the last change."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from call_api.version import VERSION
from scripts.man_pages import PROGRAMS, roff

FOLDER = Path(__file__).parent.parent / "docs" / "man"


def words(command: click.Command, context: click.Context) -> Iterator[str]:
    """Every sentence, option and subcommand that help shows."""
    yield from (line for line in (command.help or "").split("\n") if line.strip("\b "))
    for param in command.get_params(context):
        record = param.get_help_record(context)
        if isinstance(param, click.Option) and record is not None:
            yield from record[1].split("\n")
            yield from (name for name in param.opts if name.startswith("--"))
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield name
            yield from words(inner, click.Context(inner, info_name=name, parent=context))


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_page_says_all_that_help_says(name: str) -> None:
    page = (FOLDER / f"{name}.1").read_text("utf-8")
    command, summary = PROGRAMS[name]

    said = list(words(command, click.Context(command, info_name=name)))

    assert len(said) > 5
    assert [text for text in said if roff(text.strip("\b")) not in page] == []
    assert f"call-api {VERSION}" in page
    assert roff(summary) in page


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_page_has_the_sections_that_people_look_for(name: str) -> None:
    page = (FOLDER / f"{name}.1").read_text("utf-8")

    headings = re.findall(r"^\.SH (.*)$", page, flags=re.MULTILINE)
    assert headings[:3] == ["NAME", "SYNOPSIS", "DESCRIPTION"]
    assert headings[-4:] == ["EXIT STATUS", "FILES", "ENVIRONMENT", "SEE ALSO"]


def test_text_is_nothing_but_text() -> None:
    assert roff(".TH a\\b -c") == "\\&.TH a\\eb \\-c"
