"""Programs that tests start, each stopped by its own pid, whatever becomes of the tests."""

import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

# Linux ends the program with its parent (prctl's PR_SET_PDEATHSIG), also with a crashed one.
EXEC = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, int(sys.argv[1]))
os.execv(sys.argv[2], sys.argv[2:])
"""


class Program(asyncio.SubprocessProtocol):
    """A running program; what it prints goes to a file, or line by line to `line_received`.

    No task belongs to it, so it may live longer than the test or the fixture that started it.

    Attributes:
        dies_by: The signal that it gets when its parent has died.
    """

    dies_by = signal.SIGKILL

    def __init__(self) -> None:
        self.exited = asyncio.get_running_loop().create_future()
        self._transport: asyncio.SubprocessTransport | None = None
        self._rest = b""

    async def start(self, argv: Sequence[str], log: Path, *, piped: bool) -> None:
        """Start ``argv``; stderr goes to ``log``, stdout too unless it is ``piped``."""
        pipe = asyncio.subprocess.PIPE if piped else asyncio.subprocess.DEVNULL
        with log.open("ab") as file:
            await asyncio.get_running_loop().subprocess_exec(
                lambda: self,
                *(sys.executable, "-c", EXEC, str(int(self.dies_by)), *argv),
                stdin=pipe,
                stdout=pipe if piped else file,
                stderr=file,
            )

    @property
    def transport(self) -> asyncio.SubprocessTransport:
        assert self._transport is not None
        return self._transport

    @property
    def pid(self) -> int:
        return self.transport.get_pid()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.SubprocessTransport)
        self._transport = transport

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self.line_received(line)

    def line_received(self, line: bytes) -> None:
        raise AssertionError(f"nobody expects {line!r}")

    def process_exited(self) -> None:
        if not self.exited.done():
            self.exited.set_result(self.transport.get_returncode())

    def write(self, data: bytes) -> None:
        pipe = self.transport.get_pipe_transport(0)
        assert isinstance(pipe, asyncio.WriteTransport)
        pipe.write(data)

    async def stop(self, number: int, within: float) -> int:
        """Send a signal; return the exit status, -9 if it took a SIGKILL after ``within``."""
        if not self.exited.done():
            self.transport.send_signal(number)
        return await self.wait(within)

    async def wait(self, within: float) -> int:
        """Return the exit status; -9 if it took a SIGKILL after ``within`` seconds."""
        try:
            async with asyncio.timeout(within):
                await asyncio.shield(self.exited)
        except TimeoutError:
            self.transport.kill()
            await self.exited
        self.transport.close()
        return int(self.exited.result())
