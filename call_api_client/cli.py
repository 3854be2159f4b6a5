"""call-api-client: one method of the daemon, and everything it says to it, as JSON lines."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from call_api.options import Command, option, version_option
from call_api.version import VERSION
from call_api_client.keys import Keys, read_keys
from call_api_client.target import BadCommandLine, Target, read_settings, target_options

if TYPE_CHECKING:
    from call_api.config import Config

TOOL = "call-api-client"


HELP = """Call one METHOD of the daemon; print what it says as JSON lines.

The response and every notification is one line on stdout the moment it arrives; the program
ends with the command. KEY=VALUE is a parameter that is text, KEY:=VALUE one that is JSON.

\b
Examples:
  call-api-client -method CallStart caller=sip:alice@localhost \\
      callee=sip:bob@localhost
  call-api-client -method CallHold -params '{"callid": "1fc8043a"}'
  call-api-client -method CallList limit:=10 | jq .result

\b
Exit status: 0 ended well, 1 the command failed, 2 usage, 3 no daemon,
4 refused, 5 timed out, 130 interrupted.
"""


@click.command(TOOL, cls=Command, help=HELP)
@option("--method", required=True, metavar="NAME", help="The method, as in CallStart.")
@option("--params", default="", metavar="JSON", help="Its parameters: JSON, @FILE, or - for stdin.")
@option("--id", "request_id", metavar="TEXT", help="The id of the request.")
@target_options
@version_option(VERSION)
@click.argument("words", nargs=-1, metavar="[KEY=VALUE]...")
@click.pass_context
def call_api_client(
    ctx: click.Context, method: str, params: str, request_id: str | None, words: tuple[str, ...]
) -> int:
    """Call one method."""
    from call_api_client.params import BadParams, read_params

    target = Target.of(ctx)
    try:
        read = read_params(params, words)
    except BadParams as exc:
        raise click.UsageError(str(exc), ctx) from exc
    config = _read_config(target)
    url = target.websocket_url(config)
    return _run(target, url, read_keys(target, config.client), method, read, request_id)


def main() -> None:
    """Run the program."""
    call_api_client.main(prog_name=TOOL)


def _read_config(target: Target) -> "Config":
    from call_api.config import Config

    try:
        return read_settings(Config, target.config)
    except BadCommandLine:
        if target.url is None or target.config is not None:
            raise
        # call-api.yml may be for root's eyes alone; who gives a URL needs nothing of it.
        return read_settings(Config, Path(os.devnull))


def _run(
    target: Target,
    url: str,
    keys: Keys,
    method: str,
    params: dict[str, object],
    request_id: str | None,
) -> int:
    from call_api_client.client import Client
    from call_api_client.session import Session
    from call_api_client.statuses import Status
    from call_api_client.terminal import Screen

    screen = Screen(sys.stdout)
    again = f"{TOOL} {target.words} -method".replace("  ", " ")
    session = Session(
        TOOL,
        url,
        within=target.timeout,
        errors=Screen(sys.stderr),
        to_attach=f"{again} CommandAttach cmd_id=",
        to_cancel=f"{again} CommandCancel cmd_id=",
        keys=keys,
    )

    async def story(client: Client) -> Status:
        try:
            replies = client.request(method, params, request_id=request_id)
        except ValueError as exc:
            session.complain(f"JSON cannot say these parameters: {exc}")
            return Status.USAGE
        return await session.follow(replies, lambda message: screen.json(message.text))

    return session.run(story)
