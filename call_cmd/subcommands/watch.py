"""``call-cmd watch``: what happens to calls, as it happens."""

import click

from call_api.options import Command, option
from call_cmd.arguments import callid_argument
from call_cmd.options import common_options

HELP = """Show the calls, and what happens to them as it happens.

On a terminal the whole screen shows the calls there are, and below them every change; q or
Ctrl-C ends it. Elsewhere, and with --lines, every change is one line; --json prints one object
a change. With CALLID one call is watched, until it ends.

\b
Examples:
  call-cmd watch
  call-cmd watch --user alice
  call-cmd watch 1fc8043a --lines
"""


@click.command("watch", cls=Command, help=HELP, short_help="Show what happens to calls.")
@option("--user", metavar="NAME", help="Only the calls of a contact, a user or a SIP URI.")
@option("--lines", is_flag=True, help="Print a line a change, on a terminal too.")
@common_options
@callid_argument(required=False, metavar="[CALLID]")
@click.pass_context
def watch(ctx: click.Context, callid: str | None, user: str | None, lines: bool) -> int:
    """Show what happens to calls."""
    from call_cmd.desk import Desk
    from call_cmd.watching import Wanted

    return Desk(ctx).watch(Wanted(callid=callid, user=user, is_plain=lines))
