"""``call-cmd start``: make a call."""

import click

from call_api.options import Command
from call_cmd.arguments import party_argument
from call_cmd.options import common_options

HELP = """Call A, then B, and let them talk.

A and B are contacts, user names, user@host or SIP URIs. The last line tells the Call-ID, which
the other subcommands take; its first characters will do.

\b
Examples:
  call-cmd start alice bob
  call-cmd start -timeout 20 alice sip:+15550100@gateway.example
  call-cmd start alice bob --json | jq -r 'select(.event == "Ended").callid'
"""


@click.command("start", cls=Command, help=HELP, short_help="Call A, then B, and let them talk.")
@common_options
@party_argument("caller", metavar="A")
@party_argument("callee", metavar="B")
@click.pass_context
def start(ctx: click.Context, caller: str, callee: str) -> int:
    """Make a call."""
    from call_cmd.desk import Desk

    desk = Desk(ctx)
    return desk.command(
        "CallStart", {"caller": desk.book.uri(caller), "callee": desk.book.uri(callee)}
    )
