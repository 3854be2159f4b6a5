"""Command line options as all three programs take them: with one dash and with two.

``-method`` is what the first Call API clients took, ``--method`` is what everybody expects.
Help shows the second alone.
"""

import contextlib
import difflib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

Decorated = TypeVar("Decorated", bound=Callable[..., object])

INTERRUPTED = 130
"""The exit status after Ctrl-C: 128 and the number of SIGINT, as in a shell."""

PIPE_CLOSED = 141
"""The exit status when stdout is read no more: 128 and the number of SIGPIPE."""


class Option(click.Option):
    """An option that is also known with one dash: ``--json`` also as ``-json``.

    Args:
        section: The heading in the help under which it is found.
    """

    def __init__(
        self, param_decls: Sequence[str] | None = None, section: str = "Options", **attrs: Any
    ) -> None:
        self.section = section
        declared = list(param_decls or ())
        long = [name for name in declared if name.startswith("--")]
        self.one_dash = [name[1:] for name in long if name[1:] not in declared]
        super().__init__([*declared, *self.one_dash], **attrs)

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Leave the spellings with one dash out of the table: they would double it."""
        every = self.opts
        self.opts = [name for name in every if name not in self.one_dash]
        try:
            return super().get_help_record(ctx)
        finally:
            self.opts = every

    def get_error_hint(self, ctx: click.Context | None) -> str:  # noqa: ARG002
        """Name the option once."""
        return f"'{self.opts[0]}'"


class Complaint(click.ClickException):
    """Something went wrong that needs no look at the help: one line, led by the program's name."""

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(message)
        ctx = click.get_current_context(silent=True)
        self._tool = ctx.find_root().info_name if ctx else None

    def show(self, file: Any = None) -> None:
        """Print the line."""
        click.echo(f"{self._tool}: {self.message}", file=file or sys.stderr)


class Manners(click.Command):
    """What our commands do better than click's.

    They take ``-help`` too and name a mistyped option whole: of ``-metod`` click says that
    there is no ``-m``. What a command returns is the exit status. Ctrl-C is 130, and a reader
    of stdout who went away ends the program quietly, as it ends others.
    """

    def get_help_option(self, ctx: click.Context) -> click.Option | None:  # noqa: ARG002
        """Return ``-h``, ``-help`` and ``--help``."""
        return _help_option()

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the command line.

        Raises:
            click.UsageError: It is wrong.
        """
        words = list(args)  # click empties `args` while it reads
        try:
            with _writing(ctx):  # as --help and --version do
                return super().parse_args(ctx, args)
        except click.NoSuchOption as exc:
            raise self._mistyped(ctx, words, exc.option_name) from exc

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, each under its heading."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            if isinstance(param, Option) and (record := param.get_help_record(ctx)):
                sections.setdefault(param.section, []).append(record)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem[str]]":
        """Return what ``incomplete`` may become: options with two dashes, unless one is typed."""
        doubles = {
            name
            for param in self.get_params(ctx)
            if isinstance(param, Option) and incomplete == "-"
            for name in param.one_dash
        }
        found = super().shell_complete(ctx, incomplete)
        return [item for item in found if item.value not in doubles]

    def invoke(self, ctx: click.Context) -> object:
        """Run the command."""
        with _writing(ctx):
            return super().invoke(ctx)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the program; leave it with its exit status unless ``standalone_mode`` is off."""
        try:
            status = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        except (click.Abort, click.ClickException) as exc:
            if not standalone_mode:
                raise
            status = _complain(exc)
        if standalone_mode:
            sys.exit(status if isinstance(status, int) else 0)
        return status

    def _mistyped(self, ctx: click.Context, words: list[str], named: str) -> click.NoSuchOption:
        typed = next((word for word in words if word.startswith(named)), named).partition("=")[0]
        has_two = typed.startswith("--")
        known = [name for param in self.get_params(ctx) for name in param.opts]
        alike = [name for name in known if name.startswith("--") == has_two]
        close = difflib.get_close_matches(typed, alike, n=1)
        return click.NoSuchOption(typed, possibilities=close, ctx=ctx)


class Command(Manners):
    """A command."""


class Group(Manners, click.Group):
    """A group of commands."""

    command_class = Command

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, then the options."""
        self.format_commands(ctx, formatter)
        super().format_options(ctx, formatter)


def option(*names: str, **attrs: Any) -> Callable[[Decorated], Decorated]:
    """Return a decorator that adds an option, to be spelled with one dash or two."""
    return click.option(*names, cls=Option, **attrs)


def version_option(version: str) -> Callable[[Decorated], Decorated]:
    """Return a decorator that adds ``--version``, which prints ``TOOL VERSION``."""
    message = "%(prog)s %(version)s"
    return click.version_option(
        version, "--version", message=message, help="Show the version and exit.", cls=Option
    )


@contextlib.contextmanager
def _writing(ctx: click.Context) -> Iterator[None]:
    """End the program as it should when its words cannot be written."""
    try:
        yield
    except BrokenPipeError:
        let_go_of_stdout()
        ctx.exit(PIPE_CLOSED)
    except OSError as exc:  # a full disk: all else is handled where it happens
        raise Complaint(str(exc)) from exc


def _help_option() -> Option:
    return Option(
        ["-h", "--help"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_show_help,
        help="Show this message and exit.",
    )


def _show_help(ctx: click.Context, param: click.Parameter, value: bool) -> None:  # noqa: ARG001
    if value and not ctx.resilient_parsing:
        click.echo(ctx.get_help())
        ctx.exit()


def _complain(exc: click.Abort | click.ClickException) -> int:
    if isinstance(exc, click.Abort):
        return INTERRUPTED
    exc.show()
    return exc.exit_code


def let_go_of_stdout() -> None:
    """Keep the interpreter from flushing, as it ends, what nobody will read."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
