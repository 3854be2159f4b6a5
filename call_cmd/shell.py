"""Runs lines that were typed, each as one command line of the program."""

import shlex
from collections.abc import Iterator, Sequence

import click
from click.shell_completion import ShellComplete

from call_api.options import INTERRUPTED, PIPE_CLOSED
from call_api_client.statuses import Status

LEAVE = ("exit", "quit")


class Shell:
    """A run of many subcommands.

    Args:
        program: Whose subcommands they are.
        tool: Its name, which a line may begin with: people type it by habit.
        options: What was said to all lines: words that stand before each.
    """

    def __init__(self, program: click.Command, tool: str, options: Sequence[str]) -> None:
        self._program = program
        self._tool = tool
        self._options = tuple(options)

    def every(self, lines: Iterator[str]) -> int:
        """Run lines until one says to leave; return the exit status of the last that was run.

        Ctrl-C drops what is typed, or ends what runs, and never the shell.
        """
        status: int = Status.OK
        while status != PIPE_CLOSED:
            try:
                words = self._words(next(lines))
                if words is None:
                    status = Status.USAGE
                elif words and words[0] in LEAVE:
                    break
                elif words:
                    status = self._run(words)
            except KeyboardInterrupt:
                click.echo(err=True)
            except StopIteration:
                break
        return Status.OK if status == INTERRUPTED else status

    def completions(self, before: str, incomplete: str) -> list[str]:
        """Return what a word may become.

        Args:
            before: The line up to that word.
        """
        try:
            words = self._without_tool(shlex.split(before))
        except ValueError:  # inside quotes
            return []
        reader = ShellComplete(self._program, {}, self._tool, "")
        found = reader.get_completions([*self._options, *words], incomplete)
        more = [word for word in LEAVE if not words and word.startswith(incomplete)]
        return [item.value for item in found if item.type == "plain"] + more

    def _words(self, line: str) -> list[str] | None:
        """Return the words of a line, or None, having said why, if it has none that fit."""
        try:
            words = self._without_tool(shlex.split(line, comments=True))
        except ValueError as exc:
            click.echo(f"{self._tool}: {str(exc).lower()} in {line.strip()!r}", err=True)
            return None
        if words[:1] == ["shell"]:
            click.echo(f"{self._tool}: this is a shell already", err=True)
            return None
        return ["--help"] if words == ["help"] else words

    def _without_tool(self, words: list[str]) -> list[str]:
        return words[1:] if words[:1] == [self._tool] else words

    def _run(self, words: Sequence[str]) -> int:
        try:
            self._program.main([*self._options, *words], prog_name=self._tool)
        except SystemExit as exc:
            return exc.code if isinstance(exc.code, int) else Status.OK
        return Status.OK
