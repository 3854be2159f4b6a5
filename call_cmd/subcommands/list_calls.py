"""``call-cmd list``: which calls there are."""

import json
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from call_api.options import Command
from call_cmd.options import common_options

if TYPE_CHECKING:
    from call_api_client.client import Client
    from call_api_client.terminal import Span
    from call_cmd.names import PhoneBook

HEADER = ("CALLID", "STATE", "CALLER", "CALLEE", "AGE", "HELD")
STYLES = {"answered": "green", "ringing": "yellow", "created": "yellow"}


@click.command("list", cls=Command, short_help="List the calls.")
@common_options
@click.pass_context
def list_calls(ctx: click.Context) -> int:
    """List the calls, oldest first; --json prints one object a call."""
    from call_api_client.statuses import Status
    from call_cmd.callids import every_call
    from call_cmd.desk import Desk
    from call_cmd.table import table

    desk = Desk(ctx)

    async def story(client: "Client") -> Status:
        calls = []
        async for call in every_call(client):
            if desk.is_json:
                desk.out.json(json.dumps(call, ensure_ascii=False))
            else:
                calls.append(call)
        rows = [_row(call, desk.book) for call in calls]
        for line in table(HEADER, rows, terminal_width(desk.out.is_terminal)) if rows else []:
            desk.out.line(*line)
        if not rows and not desk.is_json:
            desk.errors.line(("no calls", "dim"))
        return Status.OK

    return desk.ask(story)


def terminal_width(is_terminal: bool) -> int | None:
    """Return how many columns stdout has, or None when it is no terminal."""
    return shutil.get_terminal_size().columns if is_terminal else None


def _row(call: Mapping[str, object], book: "PhoneBook") -> "list[Span]":
    from call_cmd.table import ago

    state, held = str(call.get("state")), call.get("held")
    return [
        (str(call.get("callid")), "bold"),
        (state, STYLES.get(state, "")),
        (book.name(str(call.get("caller"))), ""),
        (book.name(str(call.get("callee"))), ""),
        (ago(call.get("started"), datetime.now(UTC)), ""),
        (" ".join(map(str, held)) if isinstance(held, list) else "", ""),
    ]
