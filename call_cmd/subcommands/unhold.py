"""``call-cmd unhold``: end the hold of a call, or of one of its parties."""

import click

from call_api.model import LEGS
from call_api.options import Command, option
from call_cmd.arguments import callid_argument
from call_cmd.options import common_options

HELP = """End the hold of a call, or of one of its parties.

\b
Examples:
  call-cmd unhold 1fc8043a
  call-cmd unhold 1fc8043a --leg callee
"""


@click.command("unhold", cls=Command, help=HELP, short_help="End the hold of a call.")
@option("--leg", type=click.Choice(LEGS), help="Who comes back; both without it.")
@common_options
@callid_argument()
@click.pass_context
def unhold(ctx: click.Context, callid: str, leg: str | None) -> int:
    """End the hold of a call, or of one of its parties."""
    from call_cmd.desk import Desk

    return Desk(ctx).command("CallUnhold", {"callid": callid, "leg": leg})
