"""Lines that somebody types, with history and completion; or that come from a pipe or a file."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click

PROMPT = "call-cmd> "

HISTORY = ".call-cmd_history"
"""The file below HOME; nobody else may read it."""

MOST_LINES = 1000

Complete = Callable[[str, str], list[str]]
"""Returns what the word that is being typed may become, from the line before it and the word."""


@contextlib.contextmanager
def lines(complete: Complete) -> Iterator[Iterator[str]]:
    """Give every line of stdin, up to Ctrl-D.

    Ctrl-C while a line is typed is a KeyboardInterrupt, after which the next one may be read.

    Args:
        complete: Asked when Tab is pressed.
    """
    if not sys.stdin.isatty():
        yield sys.stdin
        return
    with _editing(complete):
        yield _Typed()


class _Typed:
    """Lines that are typed. No generator: that would be over with the first Ctrl-C."""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        try:
            return input(PROMPT)
        except EOFError:
            click.echo(err=True)
            raise StopIteration from None


@contextlib.contextmanager
def _editing(complete: Complete) -> Iterator[None]:
    """Edit lines with readline, where this Python has it."""
    try:
        import readline
    except ImportError:
        yield
        return
    history = _history()
    with contextlib.suppress(OSError):
        readline.read_history_file(history)
    readline.set_history_length(MOST_LINES)
    readline.set_completer_delims(" \t\n")
    readline.set_completer(_completer(complete, readline.get_line_buffer, readline.get_begidx))
    is_libedit = "libedit" in (readline.__doc__ or "")
    readline.parse_and_bind("bind ^I rl_complete" if is_libedit else "tab: complete")
    try:
        yield
    finally:
        _keep(readline.write_history_file, history)
        readline.set_completer(None)


def _completer(
    complete: Complete, get_line: Callable[[], str], get_begin: Callable[[], int]
) -> Callable[[str, int], str | None]:
    """Return what readline asks for the first completion, the second, and so on until None."""
    found: list[str] = []

    def completion(word: str, number: int) -> str | None:
        if number == 0:
            found[:] = complete(get_line()[: get_begin()], word)
        return f"{found[number]} " if number < len(found) else None

    return completion


def _history() -> Path:
    return Path(os.environ.get("HOME") or ".", HISTORY)


def _keep(write: Callable[[Path], None], history: Path) -> None:
    """Write the history; who cannot goes without."""
    with contextlib.suppress(OSError):
        history.touch(mode=0o600)
        write(history)
