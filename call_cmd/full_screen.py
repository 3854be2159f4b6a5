"""A terminal whose whole screen is drawn again and again, and given back as it was."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Self

from rich.console import Console
from rich.live import Live

from call_cmd.view import View

QUIT = (b"q", b"Q", b"\x04")


class FullScreen:
    """Draws views. Entered: the screen is ours. Left: it shows what it showed before.

    Attributes:
        is_left: Whether whoever sits there has asked to leave.
    """

    def __init__(self) -> None:
        console = Console(highlight=False, markup=False, emoji=False)
        self.is_left = False
        self._live = Live(console=console, screen=True, auto_refresh=False)
        self._stack = contextlib.ExitStack()
        self._terminated = False

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._terminate)
        self._stack.callback(self._end_as_asked)
        self._stack.callback(loop.remove_signal_handler, signal.SIGTERM)
        self._stack.enter_context(_keys(self._key))
        self._stack.enter_context(self._live)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def draw(self, view: View) -> None:
        """Show a view."""
        width, height = self._live.console.size
        self._live.update(view.drawn(width, height, datetime.now(UTC)), refresh=True)

    def _key(self, typed: bytes) -> None:
        self.is_left = self.is_left or any(key in typed for key in QUIT)

    def _terminate(self) -> None:
        self.is_left = self._terminated = True

    def _end_as_asked(self) -> None:
        """Die of the signal that has come, now that the screen is as it was."""
        if self._terminated:
            os.kill(os.getpid(), signal.SIGTERM)


@contextlib.contextmanager
def _keys(take: Callable[[bytes], None]) -> Iterator[None]:
    """Have every key told at once and not shown, where stdin is a terminal."""
    if not sys.stdin.isatty():
        yield
        return
    import termios
    import tty

    loop, fd = asyncio.get_running_loop(), sys.stdin.fileno()
    before = termios.tcgetattr(fd)
    tty.setcbreak(fd)
    loop.add_reader(fd, lambda: take(os.read(fd, 1024)))
    try:
        yield
    finally:
        loop.remove_reader(fd)
        termios.tcsetattr(fd, termios.TCSADRAIN, before)
