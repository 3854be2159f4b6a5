"""``call-cmd completion``: what makes Tab complete the words of call-cmd."""

import click

from call_api.options import Command
from call_cmd.options import TOOL

HELP = """Print what makes a shell complete words when Tab is pressed.

It completes subcommands, options, names, the Call-IDs of live calls and the ids of commands.

\b
Put into ~/.bashrc (bash 4.4 or newer) or ~/.zshrc:
  eval "$(call-cmd completion bash)"
  eval "$(call-cmd completion zsh)"
Put into ~/.config/fish/completions/call-cmd.fish:
  call-cmd completion fish | source
"""

SHELLS = ("bash", "zsh", "fish")


@click.command(
    "completion", cls=Command, help=HELP, short_help="Print what makes a shell complete words."
)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell."""
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(ctx.find_root().command, {}, TOOL, _VARIABLE).source())


_VARIABLE = "_CALL_CMD_COMPLETE"
"""Where click looks for what a shell asks of the program ``call-cmd``."""
