"""``call-cmd list``: which calls there are."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from call_api.options import Command, option
from call_cmd.options import common_options

if TYPE_CHECKING:
    from call_api_client.client import Client

HELP = """List the calls, oldest first; --json prints one object a call.

With --watch the list is kept up to date until Ctrl-C: on a terminal the whole screen shows it;
elsewhere a call is printed again whenever it changes.

\b
Examples:
  call-cmd list
  call-cmd list --watch --json | jq -c 'select(.state == "answered")'
"""


@click.command("list", cls=Command, help=HELP, short_help="List the calls.")
@option("--watch", is_flag=True, help="Keep the list up to date.")
@common_options
@click.pass_context
def list_calls(ctx: click.Context, watch: bool) -> int:
    """List the calls."""
    from call_api_client.statuses import Status
    from call_cmd.call_rows import HEADER, row
    from call_cmd.callids import every_call
    from call_cmd.desk import Desk
    from call_cmd.table import table, terminal_width
    from call_cmd.watching import Wanted

    desk = Desk(ctx)
    if watch:
        return desk.watch(Wanted(is_list=True))

    async def story(client: "Client") -> Status:
        calls = []
        async for call in every_call(client):
            if desk.is_json:
                desk.out.json(json.dumps(call, ensure_ascii=False))
            else:
                calls.append(call)
        now = datetime.now(UTC)
        rows = [row(call, desk.book, now) for call in calls]
        for line in table(HEADER, rows, terminal_width(desk.out.is_terminal)) if rows else []:
            desk.out.line(*line)
        if not rows and not desk.is_json:
            desk.errors.line(("no calls", "dim"))
        return Status.OK

    return desk.ask(story)
