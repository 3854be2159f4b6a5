"""Command line options as all three programs take them: with one dash and with two.

``-method`` is what the first Call API clients took, ``--method`` is what everybody expects.
Help shows the second alone.
"""

import difflib
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

Decorated = TypeVar("Decorated", bound=Callable[..., object])


class Option(click.Option):
    """An option that is also known with one dash: ``--json`` also as ``-json``."""

    def __init__(self, param_decls: Sequence[str] | None = None, **attrs: Any) -> None:
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


class Command(click.Command):
    """A command that takes ``-help`` too, and names a mistyped option whole.

    Of an unknown ``-metod`` click itself says that there is no ``-m``.
    """

    def get_help_option(self, ctx: click.Context) -> click.Option | None:  # noqa: ARG002
        """Return ``-h``, ``-help`` and ``--help``."""
        return _help_option()

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the command line.

        Raises:
            click.UsageError: It is wrong.
        """
        return _parse(super().parse_args, self, ctx, args)


class Group(click.Group):
    """A group of commands with the same good manners."""

    command_class = Command

    def get_help_option(self, ctx: click.Context) -> click.Option | None:  # noqa: ARG002
        """Return ``-h``, ``-help`` and ``--help``."""
        return _help_option()

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the command line up to the subcommand.

        Raises:
            click.UsageError: It is wrong.
        """
        return _parse(super().parse_args, self, ctx, args)


def option(*names: str, **attrs: Any) -> Callable[[Decorated], Decorated]:
    """Return a decorator that adds an option, to be spelled with one dash or two."""
    return click.option(*names, cls=Option, **attrs)


def version_option(version: str) -> Callable[[Decorated], Decorated]:
    """Return a decorator that adds ``--version``, which prints ``TOOL VERSION``."""
    message = "%(prog)s %(version)s"
    return click.version_option(
        version, "--version", message=message, help="Show the version and exit.", cls=Option
    )


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


def _parse(
    parse: Callable[[click.Context, list[str]], list[str]],
    command: click.Command,
    ctx: click.Context,
    args: list[str],
) -> list[str]:
    words = list(args)  # click empties `args` while it reads
    try:
        return parse(ctx, args)
    except click.NoSuchOption as exc:
        typed = next((word for word in words if word.startswith(exc.option_name)), exc.option_name)
        typed = typed.partition("=")[0]
        dashes = "--" if typed.startswith("--") else "-"
        known = [name for param in command.get_params(ctx) for name in param.opts]
        alike = [name for name in known if name.startswith("--") == (dashes == "--")]
        close = difflib.get_close_matches(typed, alike, n=1)
        raise click.NoSuchOption(typed, possibilities=close, ctx=ctx) from exc
