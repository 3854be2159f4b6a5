"""Runs the installed programs as people and pipelines do: in a pipe, or on a terminal."""

import contextlib
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fcntl import ioctl
from pathlib import Path
from typing import IO

BIN = Path(sys.executable).parent
_COVERAGE = ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")

LIMIT = 20.0
"""Seconds until a program that does not end is taken for hanging."""

TAKE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Makes stdin the controlling terminal, so that Ctrl-C on it is SIGINT; then runs a program."""


@dataclass
class Ended:
    """How a program ended."""

    status: int
    out: str
    err: str


def environment(home: Path, **changes: str) -> dict[str, str]:
    """What a program sees: an empty home, and nothing of ours but which build it is."""
    names = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", *_COVERAGE)
    kept = {name: os.environ[name] for name in names if name in os.environ}
    return {**kept, "HOME": str(home), "TERM": "xterm-256color", **changes}


@dataclass
class Program:
    """A program that runs with pipes. Ended by leaving `running`."""

    process: subprocess.Popen[bytes]

    def line(self) -> str:
        """Return the next line of stdout; fail if there is none in time."""
        return _next_line(self.process.stdout)

    def logged(self, words: str) -> str:
        """Return the next line of stderr that has these words, passing over those before it."""
        while words not in (line := _next_line(self.process.stderr)):
            assert line, "it has ended"
        return line

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def end(self) -> Ended:
        """Wait for the end."""
        out, err = self.process.communicate(timeout=LIMIT)
        return Ended(self.process.returncode, out.decode(), err.decode())


def _next_line(pipe: IO[bytes] | None) -> str:
    assert pipe is not None
    ready, _, _ = select.select([pipe], [], [], LIMIT)
    assert ready, "nothing came"
    return pipe.readline().decode()


@contextmanager
def running(
    home: Path, name: str, *args: str, env: Mapping[str, str] | None = None
) -> Iterator[Program]:
    process = subprocess.Popen(
        [BIN / name, *args],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(home, **(env or {})),
        cwd=home,
        bufsize=0,
    )
    try:
        yield Program(process)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def run(home: Path, name: str, *args: str, stdin: str = "", **env: str) -> Ended:
    """Run a program to its end, in a pipe."""
    ended = subprocess.run(
        [BIN / name, *args],
        input=stdin.encode(),
        capture_output=True,
        env=environment(home, **env),
        cwd=home,
        timeout=LIMIT,
        check=False,
    )
    return Ended(ended.returncode, ended.stdout.decode(), ended.stderr.decode())


@dataclass
class OnTerminal:
    """A program that runs on a terminal."""

    process: subprocess.Popen[bytes]
    terminal: int
    shown: bytearray = field(default_factory=bytearray)

    def until(self, text: str) -> None:
        """Read what it shows, up to ``text``."""
        deadline = time.monotonic() + LIMIT
        while text.encode() not in self.shown:
            self.shown += self._read(deadline, f"{text!r} did not come")

    def interrupt_until(self, text: str) -> None:
        """Press Ctrl-C until ``text`` is shown.

        Python's input() takes no notice of a signal that comes while it handles a key, before
        it waits for the next one. No hand is that fast, and this test is.
        """
        for _ in range(round(LIMIT)):
            self.type("\x03")
            soon = time.monotonic() + 1
            while select.select([self.terminal], [], [], max(0, soon - time.monotonic()))[0]:
                self.shown += os.read(self.terminal, 65536)
                if text.encode() in self.shown:
                    return
        raise AssertionError(f"{text!r} did not come: {bytes(self.shown)!r}")

    def type(self, text: str) -> None:
        """Type on its keyboard."""
        os.write(self.terminal, text.encode())

    def end(self) -> tuple[int, str]:
        """Wait for the end; return exit status and everything that was shown."""
        deadline = time.monotonic() + LIMIT
        with contextlib.suppress(OSError):  # EIO: the terminal has hung up
            while data := self._read(deadline, "no end"):
                self.shown += data
        status = self.process.wait(LIMIT)
        return status, self.shown.decode().replace("\r\n", "\n")

    def _read(self, deadline: float, problem: str) -> bytes:
        ready, _, _ = select.select([self.terminal], [], [], max(0, deadline - time.monotonic()))
        assert ready, f"{problem}: {bytes(self.shown)!r}"
        return os.read(self.terminal, 65536)


@contextmanager
def on_terminal(
    home: Path, name: str, *args: str, columns: int = 100, **env: str
) -> Iterator[OnTerminal]:
    terminal, other_end = pty.openpty()
    ioctl(other_end, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-c", TAKE_TERMINAL, BIN / name, *args],
        stdin=other_end,
        stdout=other_end,
        stderr=other_end,
        env=environment(home, **env),
        cwd=home,
        start_new_session=True,
    )
    os.close(other_end)
    try:
        yield OnTerminal(process, terminal)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(terminal)
