"""``call-cmd cancel``: end a command that runs."""

import json
from typing import TYPE_CHECKING

import click

from call_api.options import Command
from call_cmd.arguments import cmd_id_argument
from call_cmd.options import common_options

if TYPE_CHECKING:
    from call_api_client.client import Client


@click.command("cancel", cls=Command)
@common_options
@cmd_id_argument()
@click.pass_context
def cancel(ctx: click.Context, cmd_id: str) -> int:
    """End a command that runs. What it had not finished is undone: ringing phones stop."""
    from call_api_client.messages import members
    from call_api_client.statuses import Status
    from call_cmd.desk import Desk

    desk = Desk(ctx)

    async def story(client: "Client") -> Status:
        result = await client.ask("CommandCancel", cmd_id=cmd_id)
        if desk.is_json:
            desk.out.json(json.dumps(result, ensure_ascii=False))
        elif members(result).get("state") == "ended":
            desk.out.line((f"{cmd_id} has ended already", ""))
        else:
            desk.out.line((f"cancelling {cmd_id}", ""))
        return Status.OK

    return desk.ask(story)
