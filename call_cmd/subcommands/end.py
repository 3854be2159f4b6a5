"""``call-cmd end``: hang up."""

import click

from call_api.options import Command
from call_cmd.arguments import callid_argument
from call_cmd.options import common_options


@click.command("end", cls=Command, short_help="Hang up both parties of a call.")
@common_options
@callid_argument()
@click.pass_context
def end(ctx: click.Context, callid: str) -> int:
    """End a call: both parties are hung up, ringing or talking."""
    from call_cmd.desk import Desk

    return Desk(ctx).command("CallEnd", {"callid": callid})
