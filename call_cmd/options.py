"""The options that every subcommand takes, and so does call-cmd before it."""

from typing import Any

import click

from call_api.options import Decorated, option
from call_api_client.target import target_options

TOOL = "call-cmd"

_JSON = f"{__name__}.json"
_DIRECT = f"{__name__}.direct"


def common_options(command: Decorated) -> Decorated:
    """Add where the daemon is, ``--direct`` and ``--json``."""
    return json_option(target_options(_direct_option(command)))


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


def _direct_option(command: Decorated) -> Decorated:
    add = option(
        "--direct",
        is_flag=True,
        expose_value=False,
        callback=_remember_direct,
        help="Go to the SIP proxy at mi.url, without a daemon.",
        section="Connection",
    )
    return add(command)


def is_direct(ctx: click.Context) -> bool:
    """Return whether ``--direct`` was said, before the subcommand or after it."""
    return bool(ctx.meta.get(_DIRECT, False))


def wants_json(ctx: click.Context) -> bool:
    """Return whether ``--json`` was said, before the subcommand or after it."""
    return bool(ctx.meta.get(_JSON, False))


def common_flags(ctx: click.Context) -> list[str]:
    """Return the words that say ``--direct`` and ``--json`` again, where they were said."""
    said = {"--direct": is_direct(ctx), "--json": wants_json(ctx)}
    return [flag for flag, is_said in said.items() if is_said]


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:  # noqa: ARG001
    if value:
        ctx.meta[_JSON] = True


def _remember_direct(ctx: click.Context, param: click.Parameter, value: Any) -> None:  # noqa: ARG001
    if value:
        ctx.meta[_DIRECT] = True
