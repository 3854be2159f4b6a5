"""``call-cmd attended-transfer``: one party of each of two calls talk to each other."""

import click

from call_api.model import LEGS
from call_api.options import Command, option
from call_cmd.arguments import callid_argument, party_argument
from call_cmd.options import common_options

HELP = """Join one party of call A with one of call B; the two others are released.

DEST is whom the party of call A is told that it talks to, by default the party of call B.

\b
Example:
  call-cmd attended-transfer 1fc8043a 77d1e0b2 --leg-a caller --leg-b callee
"""


@click.command("attended-transfer", cls=Command, help=HELP, short_help="Join parties of two calls.")
@option("--leg-a", type=click.Choice(LEGS), required=True, help="Who stays of call A.")
@option("--leg-b", type=click.Choice(LEGS), required=True, help="Who stays of call B.")
@common_options
@callid_argument("callid_a", metavar="A")
@callid_argument("callid_b", metavar="B")
@party_argument("destination", metavar="[DEST]", required=False)
@click.pass_context
def attended_transfer(
    ctx: click.Context,
    callid_a: str,
    callid_b: str,
    destination: str | None,
    leg_a: str,
    leg_b: str,
) -> int:
    """Transfer a call to a party of another one."""
    from call_cmd.desk import Desk

    desk = Desk(ctx)
    params = {
        "callid_a": callid_a,
        "leg_a": leg_a,
        "callid_b": callid_b,
        "leg_b": leg_b,
        "destination": None if destination is None else desk.book.uri(destination),
    }
    return desk.command("CallAttendedTransfer", params)
