"""``call-cmd status``: how far commands have come."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from call_api.options import Command
from call_cmd.arguments import cmd_id_argument
from call_cmd.options import common_options

if TYPE_CHECKING:
    from call_api_client.client import Client
    from call_api_client.terminal import Line, Span
    from call_cmd.desk import Desk

HEADER = ("CMD_ID", "METHOD", "STATE", "AGE")
STYLES = {"running": "yellow", "ok": "green"}


@click.command("status", cls=Command, short_help="Tell how far commands have come.")
@common_options
@cmd_id_argument(required=False, metavar="[CMD_ID]")
@click.pass_context
def status(ctx: click.Context, cmd_id: str | None) -> int:
    """Tell how far a command has come; without CMD_ID, every one that is still known."""
    from call_api_client.messages import members
    from call_api_client.statuses import Status
    from call_cmd.desk import Desk

    desk = Desk(ctx)

    async def story(client: "Client") -> Status:
        if cmd_id is not None:
            _show_one(desk, members(await client.ask("CommandStatus", cmd_id=cmd_id)))
        else:
            commands = members(await client.ask("CommandList")).get("commands")
            _show_all(desk, list(map(members, commands)) if isinstance(commands, list) else [])
        return Status.OK

    return desk.ask(story)


def _show_one(desk: "Desk", command: Mapping[str, object]) -> None:
    if desk.is_json:
        desk.out.json(json.dumps(command, ensure_ascii=False))
        return
    width = max(map(len, command), default=0)
    for name, value in command.items():
        if value is not None:
            desk.out.line((f"{name:{width}}  ", "dim"), (_text(value), ""))


def _show_all(desk: "Desk", commands: list[Mapping[str, object]]) -> None:
    from call_cmd.table import table, terminal_width

    if desk.is_json:
        for command in commands:
            desk.out.json(json.dumps(command, ensure_ascii=False))
        return
    rows = [_row(command) for command in commands]
    lines: list[Line] = table(HEADER, rows, terminal_width(desk.out.is_terminal)) if rows else []
    for line in lines:
        desk.out.line(*line)
    if not rows:
        desk.errors.line(("no commands", "dim"))


def _row(command: Mapping[str, object]) -> "list[Span]":
    from call_api_client.messages import members
    from call_cmd.table import ago

    error = members(command.get("error"))
    state = error.get("name") or command.get("outcome") or command.get("state")
    return [
        (str(command.get("cmd_id")), "bold"),
        (str(command.get("method")), ""),
        (str(state), STYLES.get(str(state), "red")),
        (ago(command.get("started"), datetime.now(UTC)), ""),
    ]


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
