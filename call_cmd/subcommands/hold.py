"""``call-cmd hold``: put a call on hold, or one of its parties."""

import click

from call_api.model import LEGS
from call_api.options import Command, option
from call_cmd.arguments import callid_argument
from call_cmd.options import common_options

HELP = """Put a call on hold, or one of its parties.

\b
Examples:
  call-cmd hold 1fc8043a
  call-cmd hold 1fc8043a --leg callee
"""


@click.command("hold", cls=Command, help=HELP)
@option("--leg", type=click.Choice(LEGS), help="Who is put on hold; both without it.")
@common_options
@callid_argument()
@click.pass_context
def hold(ctx: click.Context, callid: str, leg: str | None) -> int:
    """Put a call on hold, or one of its parties."""
    from call_cmd.desk import Desk

    return Desk(ctx).command("CallHold", {"callid": callid, "leg": leg})
