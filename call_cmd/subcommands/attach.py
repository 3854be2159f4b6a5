"""``call-cmd attach``: hear the story of a command that runs, or ran."""

import click

from call_api.options import Command, option
from call_cmd.arguments import cmd_id_argument
from call_cmd.options import common_options

HELP = """Follow a command to its end, and exit as it did.

For a command that was left alone, by Ctrl-C or because the connection broke. What it told is told
again from the start.

\b
Example:
  call-cmd attach b8179f1e-0b5c-4a35-9d5a-2f9c0a3c1f42
"""


@click.command("attach", cls=Command, help=HELP, short_help="Follow a command to its end.")
@option("--after", type=int, default=0, metavar="SEQ", help="Leave out what was told up to here.")
@common_options
@cmd_id_argument()
@click.pass_context
def attach(ctx: click.Context, cmd_id: str, after: int) -> int:
    """Follow a command."""
    from call_cmd.desk import Desk

    return Desk(ctx).follow("CommandAttach", {"cmd_id": cmd_id, "after": after})
