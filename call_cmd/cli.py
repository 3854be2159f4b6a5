"""call-cmd: the friendly command line. Subcommands are loaded when they are called."""

import difflib
import importlib

import click

from call_api.options import Group, version_option
from call_api.version import VERSION
from call_cmd.options import TOOL, common_options
from call_cmd.subcommands import SUBCOMMANDS

HELP = """Start, transfer, hold and end calls through the Call API daemon.

\b
Examples:
  call-cmd start alice bob     # alice is sip:alice@localhost
  call-cmd hold 1fc8043a       # the first characters of a Call-ID will do
  call-cmd list
  call-cmd CallStart caller=sip:alice@10.0.0.10 callee=sip:bob@10.0.0.11

Every method of the API is a subcommand as well: call-cmd commands lists them.

\b
Exit status: 0 ended well, 1 the command failed, 2 usage, 3 no daemon,
4 refused, 5 timed out, 130 interrupted.
"""


class Subcommands(Group):
    """The subcommands of this program, and the methods of the API."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return their names, in the order in which a call meets them."""
        return list(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return a subcommand, or None when there is none of this name."""
        if cmd_name in SUBCOMMANDS:
            name = SUBCOMMANDS[cmd_name]
            module = importlib.import_module(f"call_cmd.subcommands.{name}")
            command: click.Command = getattr(module, name)
            return command
        from call_cmd.methods import method_command

        return method_command(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the subcommand that is meant.

        Raises:
            click.UsageError: There is none; the nearest is named. Not while words are completed.
        """
        name = args[0]
        if self.get_command(ctx, name) is None and not ctx.resilient_parsing:
            from call_cmd.methods import METHODS

            close = difflib.get_close_matches(name, [*SUBCOMMANDS, *METHODS], n=1)
            meant = f"did you mean {close[0]}?" if close else f"{TOOL} --help lists them."
            ctx.fail(f"There is no subcommand {name!r}: {meant}")
        return super().resolve_command(ctx, args)


@click.group(TOOL, cls=Subcommands, help=HELP)
@common_options
@version_option(VERSION)
def call_cmd() -> None:
    """Control calls."""


def main() -> None:
    """Run the program."""
    call_cmd.main(prog_name=TOOL)
