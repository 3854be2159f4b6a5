"""The daemon as a process of its own, seen as an attacker or a broken network sees it."""

import asyncio
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.fakes.programs import Program, running
from tests.wire.api import JsonClient

FREE = {
    "CALL_API_WS_SERVER_HOST": "127.0.0.1",
    "CALL_API_WS_SERVER_PORT": "0",
    "CALL_API_EMBEDDED_PORT": "0",
}
"""Ports that nobody else has."""

WITHIN = 10.0
"""Seconds in which something comes to rest."""


@dataclass
class Outside:
    """What can be seen of a running daemon.

    Attributes:
        address: Where its clients connect.
        sip: Where its phones do; ("", 0) of a back end that has none.
        descriptors_at_first: How many file descriptors it had open when it was ready.
    """

    program: Program
    address: tuple[str, int]
    sip: tuple[str, int]
    log: Path
    descriptors_at_first: int = 0

    def __post_init__(self) -> None:
        self.descriptors_at_first = self.descriptors

    @property
    def pid(self) -> int:
        return self.program.process.pid

    @property
    def descriptors(self) -> int:
        """How many file descriptors it has open."""
        return descriptors(self.pid)

    @property
    def memory_kib(self) -> int:
        """What it holds for itself alone, in KiB."""
        return memory_kib(self.pid)

    @property
    def cpu_seconds(self) -> float:
        """What it has computed so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def complaints(self) -> list[str]:
        """The errors in its log, tracebacks included."""
        lines = self.log.read_text("utf-8").splitlines()
        return [line for line in lines if " ERROR " in line or "Traceback" in line]

    async def has_let_go(self) -> None:
        """Wait until it has as many descriptors open as when it started."""
        await until(lambda: self.descriptors == self.descriptors_at_first)

    async def still_serves(self) -> None:
        """Fail unless a client that behaves is served as if nothing had happened."""
        async with await JsonClient.open(self.address) as client:
            _, told = await client.story("Echo", {"x": 1})
            assert [one["method"] for one in told] == ["Event", "Ended"]


@contextmanager
def daemon(*, may_log: str = "\0", **env: str) -> Iterator[Outside]:
    """A daemon process. At the end it must be alive, have logged no error, and end with status 0.

    Args:
        may_log: What stands in those errors that are expected.
        env: Variables that override its settings.
    """
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log")
        settings = FREE | {"CALL_API_LOG_FILE_PATH": str(log)} | env
        with running(Path(folder), "call-api", env=settings) as program:
            outside = Outside(program, *addresses(program), log)
            yield outside
            assert program.process.poll() is None, "the daemon has died"
            program.process.send_signal(signal.SIGTERM)
            ended = program.end()
        assert [line for line in outside.complaints if may_log not in line] == []
        assert (ended.status, ended.err) == (0, "")


def addresses(program: Program) -> tuple[tuple[str, int], tuple[str, int]]:
    """Read where the daemon listens, which is the first thing that it says."""
    words = program.line().split()
    assert words[0] == "ready"
    clients = words[1].removeprefix("ws://").partition("/")[0]
    phones = next((word for word in words if word.startswith("sip:")), "sip:").removeprefix("sip:")
    return _split(clients), _split(phones)


def _split(authority: str) -> tuple[str, int]:
    host, _, port = authority.rpartition(":")
    return host, int(port or 0)


def descriptors(pid: int | str = "self") -> int:
    """Return how many file descriptors a process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208  # its entries may vanish meanwhile


def memory_kib(pid: int | str = "self") -> int:
    """Return what a process holds for itself alone, in KiB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    private = ("Private_Clean:", "Private_Dirty:")
    return sum(int(line.split()[1]) for line in lines if line.startswith(private))


async def until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so of another process; fail if that takes too long."""
    async with asyncio.timeout(WITHIN):
        while not is_so():  # noqa: ASYNC110  # it cannot tell us
            await asyncio.sleep(0.02)
