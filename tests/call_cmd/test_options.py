import click
import pytest
from click.testing import CliRunner

from call_api.options import Command, Group
from call_api_client.target import Target
from call_cmd.options import common_options, is_direct, wants_json


@click.group(cls=Group)
@common_options
def tool() -> None:
    """Do things."""


@tool.command(cls=Command)
@common_options
@click.pass_context
def show(ctx: click.Context) -> None:
    """Show what was said."""
    target = Target.of(ctx)
    click.echo(f"{wants_json(ctx)} {target.wshost} {target.wsport} {target.timeout}")


@tool.command(cls=Command)
@common_options
@click.pass_context
def way(ctx: click.Context) -> None:
    """Show which way it goes."""
    click.echo("direct" if is_direct(ctx) else "daemon")


def run(*args: str) -> str:
    return CliRunner().invoke(tool, args, prog_name="tool").output


def test_options_stand_before_the_subcommand_or_after_it() -> None:
    assert run("--json", "-wsport", "7", "show") == "True None 7 None\n"
    assert run("show", "-json", "--port", "7", "-timeout", "1.5") == "True None 7 1.5\n"
    assert run("show") == "False None None None\n"


def test_what_stands_last_counts() -> None:
    assert run("-wsport", "7", "-host", "a", "show", "-wshost", "b") == "False b 7 None\n"


@pytest.mark.parametrize("command", [[], ["show"]])
def test_they_are_found_in_every_help(command: list[str]) -> None:
    shown = run(*command, "-h")

    assert "--json" in shown
    assert "Connection:\n  --url URL" in shown


def test_a_command_goes_to_the_daemon_unless_it_is_told_otherwise() -> None:
    assert run("way") == "daemon\n"
    assert run("--direct", "way") == run("way", "-direct") == "direct\n"
