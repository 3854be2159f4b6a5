"""What tests need and what `make test` installs for them are the same."""

from pathlib import Path

import pytest

from tests.fakes import outside

MAKEFILE = (Path(__file__).parents[2] / "Makefile").read_text("utf-8")


@pytest.mark.parametrize(("program", "package"), outside.PACKAGES.items())
def test_a_program_that_is_missed_is_one_that_make_installs(program: str, package: str) -> None:
    assert f" {program}:{package}" in MAKEFILE
