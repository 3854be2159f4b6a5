"""``call-cmd watch``: what happens to calls, as it happens."""

import click

from call_api.options import Command
from call_cmd.options import common_options

HELP = """Tell what happens to calls, one line a change; --json prints one object a change.

Without CALLID all calls are watched, until Ctrl-C; with it one call is, until it ends.

\b
Examples:
  call-cmd watch
  call-cmd watch 1fc8043a
"""


@click.command("watch", cls=Command, help=HELP, short_help="Tell what happens to calls.")
@common_options
@click.argument("callid", required=False, metavar="[CALLID]")
@click.pass_context
def watch(ctx: click.Context, callid: str | None) -> int:
    """Tell what happens to calls."""
    from call_cmd.desk import Desk

    return Desk(ctx).watch({} if callid is None else {"callid": callid})
