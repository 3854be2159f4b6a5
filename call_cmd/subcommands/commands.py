"""``call-cmd commands``: what the API offers."""

import json
import sys

import click

from call_api.options import Command
from call_cmd.options import json_option, wants_json


@click.command("commands", cls=Command, short_help="List the methods of the API.")
@json_option
@click.pass_context
def commands(ctx: click.Context) -> None:
    """List the methods of the API and their parameters, the optional ones in brackets.

    Each is a subcommand as well: call-cmd CallEnd callid=1fc8043a.
    """
    from call_api_client.terminal import Screen
    from call_cmd.methods import METHODS, parameters_of

    screen = Screen(sys.stdout)
    if wants_json(ctx):
        offered = {name: list(parameters_of(kind)) for name, kind in METHODS.items()}
        screen.json(json.dumps(offered))
        return
    for name, kind in METHODS.items():
        words = ["[KEY=VALUE]..."] if kind.takes_anything else parameters_of(kind).values()
        screen.line((name, "bold"), ("".join(f" {word}" for word in words), ""))
