"""Calls call-cmd in this process."""

import json
from typing import Any

from click.testing import CliRunner, Result

from call_cmd.cli import call_cmd as program


def call_cmd(*args: str) -> Result:
    return CliRunner().invoke(program, args, prog_name="call-cmd")


def said(*args: str) -> list[str]:
    """The lines that a person gets, of a run that ends well."""
    ended = call_cmd(*args)
    assert (ended.exit_code, ended.stderr) == (0, "")
    return ended.stdout.splitlines()


def told(*args: str) -> list[dict[str, Any]]:
    """The objects that a program gets, of a run that ends well."""
    return [json.loads(line) for line in said(*args, "--json")]
