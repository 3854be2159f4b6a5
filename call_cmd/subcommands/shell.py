"""``call-cmd shell``: one subcommand after the other, without the name of the program."""

import click

from call_api.options import Command
from call_cmd.options import TOOL, common_flags, common_options

HELP = """Read subcommands and run them, one a line, until `exit` or Ctrl-D.

On a terminal Tab completes what call-cmd completion completes, and the arrow keys bring back
what was typed before, in earlier runs too. The options of the connection hold for every line.
From a pipe or a file each line is run as it stands; # starts a comment. The exit status is that
of the last line that was run.

\b
Examples:
  call-cmd shell
  call-cmd -wshost pbx.example shell < calls.txt
"""


@click.command("shell", cls=Command, help=HELP, short_help="Read subcommands and run them.")
@common_options
@click.pass_context
def shell(ctx: click.Context) -> int:
    """Run subcommands."""
    from call_api_client.target import Target
    from call_cmd.prompt import lines
    from call_cmd.shell import Shell

    run = Shell(ctx.find_root().command, TOOL, [*Target.of(ctx).every_option(), *common_flags(ctx)])
    with lines(run.completions) as typed:
        return run.every(typed)
