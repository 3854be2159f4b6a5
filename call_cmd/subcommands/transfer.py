"""``call-cmd transfer``: one party of a call goes to somebody else."""

import click

from call_api.model import LEGS
from call_api.options import Command, option
from call_cmd.arguments import callid_argument, party_argument
from call_cmd.options import common_options

HELP = """Send one party of a call to DEST; the other one is released.

\b
Examples:
  call-cmd transfer 1fc8043a carol --leg caller
  call-cmd transfer 1fc8043a sip:queue@pbx.example --leg callee
"""


@click.command(
    "transfer", cls=Command, help=HELP, short_help="Send one party of a call to somebody else."
)
@option("--leg", type=click.Choice(LEGS), required=True, help="Who goes to DEST.")
@common_options
@callid_argument()
@party_argument("destination", metavar="DEST")
@click.pass_context
def transfer(ctx: click.Context, callid: str, destination: str, leg: str) -> int:
    """Transfer a call."""
    from call_cmd.desk import Desk

    desk = Desk(ctx)
    params = {"callid": callid, "leg": leg, "destination": desk.book.uri(destination)}
    return desk.command("CallBlindTransfer", params)
