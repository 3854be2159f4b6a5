"""The arguments that several subcommands take, each with what a shell may complete it to."""

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from call_api.options import Decorated

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def callid_argument(name: str = "callid", **attrs: Any) -> Callable[[Decorated], Decorated]:
    """Return a decorator that adds a Call-ID, or the beginning of one."""
    return click.argument(name, shell_complete=_completed_by("callids"), **attrs)


def cmd_id_argument(**attrs: Any) -> Callable[[Decorated], Decorated]:
    """Return a decorator that adds the id of a command."""
    return click.argument("cmd_id", shell_complete=_completed_by("cmd_ids"), **attrs)


def party_argument(name: str, **attrs: Any) -> Callable[[Decorated], Decorated]:
    """Return a decorator that adds a contact, a user name, ``user@host`` or a SIP URI."""
    return click.argument(name, shell_complete=_completed_by("parties"), **attrs)


Complete = Callable[[click.Context, click.Parameter, str], "list[CompletionItem[str]]"]


def _completed_by(source: str) -> Complete:
    """Return what calls a function of `call_cmd.completion`, which is loaded only then."""

    def complete(
        ctx: click.Context, _: click.Parameter, incomplete: str
    ) -> "list[CompletionItem[str]]":
        found: list[CompletionItem[str]] = getattr(
            importlib.import_module("call_cmd.completion"), source
        )(ctx, incomplete)
        return found

    return complete
