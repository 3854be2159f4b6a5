"""``call-cmd echo``: is the daemon there, and does it do commands?"""

import click

from call_api.options import Command
from call_cmd.options import common_options

HELP = """Have the daemon say something back: does it live?

A WORD is key=value, key:=JSON, or anything else, which is taken as text=WORD.

\b
Examples:
  call-cmd echo hello
  call-cmd echo user=alice tries:=3
"""


@click.command("echo", cls=Command, help=HELP, short_help="Have the daemon say something back.")
@common_options
@click.argument("words", nargs=-1, metavar="[WORD]...")
@click.pass_context
def echo(ctx: click.Context, words: tuple[str, ...]) -> int:
    """Echo something."""
    from call_api_client.params import BadParams, read_words
    from call_cmd.desk import Desk

    texts = [word for word in words if "=" not in word]
    try:
        params = read_words(word for word in words if "=" in word)
    except BadParams as exc:
        raise click.UsageError(str(exc), ctx) from exc
    return Desk(ctx).command("Echo", {**params, **({"text": " ".join(texts)} if texts else {})})
