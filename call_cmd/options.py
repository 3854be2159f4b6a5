"""The options that every subcommand takes, and so does call-cmd before it."""

from typing import Any

import click

from call_api.options import Decorated, option
from call_api_client.target import target_options

TOOL = "call-cmd"

_JSON = f"{__name__}.json"


def common_options(command: Decorated) -> Decorated:
    """Add where the daemon is, and ``--json``."""
    return json_option(target_options(command))


def json_option(command: Decorated) -> Decorated:
    """Add ``--json``."""
    add = option(
        "--json",
        is_flag=True,
        expose_value=False,
        callback=_remember,
        help="Print JSON, one object a line, for scripts.",
    )
    return add(command)


def wants_json(ctx: click.Context) -> bool:
    """Return whether ``--json`` was said, before the subcommand or after it."""
    return bool(ctx.meta.get(_JSON, False))


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:  # noqa: ARG001
    if value:
        ctx.meta[_JSON] = True
