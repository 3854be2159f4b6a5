"""``call-cmd config``: which settings hold, and where each comes from."""

import json
import sys
from typing import TYPE_CHECKING

import click

from call_api.options import Command, Group
from call_cmd.options import common_options, wants_json

if TYPE_CHECKING:
    from call_cmd.effective import Value

HEADER = ("KEY", "VALUE", "FROM")

HELP = """Show every setting of call-cmd, its value, and where that comes from.

That is a file and a line, a variable of the environment, an option of this command line, or the
default. The last line is where call-cmd then finds the daemon. --json prints one object a
setting.

\b
Examples:
  call-cmd config show
  CALL_API_SIP_DOMAIN=pbx.example call-cmd config show --json | jq -r .key
"""


@click.group("config", cls=Group, short_help="Show the settings.")
def config() -> None:
    """Show the settings of call-cmd."""


@config.command("show", cls=Command, help=HELP, short_help="Show every setting and its origin.")
@common_options
@click.pass_context
def show(ctx: click.Context) -> None:
    """Show the settings."""
    from call_api_client.target import Target
    from call_api_client.terminal import Screen
    from call_cmd.effective import effective
    from call_cmd.table import table, terminal_width

    screen, values = Screen(sys.stdout), effective(Target.of(ctx))
    if wants_json(ctx):
        for value in values:
            screen.json(json.dumps(value.as_members(), ensure_ascii=False))
        return
    rows = [
        [(value.key, "bold"), (value.text, ""), (value.origin, _style(value))] for value in values
    ]
    for line in table(HEADER, rows, terminal_width(screen.is_terminal)):
        screen.line(*line)


def _style(value: "Value") -> str:
    return "dim" if value.is_default else "yellow"
