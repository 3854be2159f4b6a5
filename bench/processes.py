"""The daemon and the far phones as processes of their own, and what they cost."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).parent.parent
TICKS = os.sysconf("SC_CLK_TCK")
READY_WITHIN = 20.0


@dataclass(frozen=True, slots=True)
class Far:
    """The far phones: how many there are, and who they are."""

    process: subprocess.Popen[str]

    def counters(self) -> dict[str, int]:
        """How many requests of each method they got."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("?\n")
        self.process.stdin.flush()
        counters: dict[str, int] = json.loads(self.process.stdout.readline())
        return counters


@dataclass(frozen=True, slots=True)
class Setting:
    """A running daemon with its far phones."""

    daemon: subprocess.Popen[bytes]
    far: Far
    ws_port: int
    log: Path

    def complaints(self) -> list[str]:
        """Errors in the daemon's log."""
        return self.log.read_text("utf-8").splitlines()


@dataclass(frozen=True, slots=True)
class Alone:
    """A running daemon to which nobody is registered."""

    process: subprocess.Popen[bytes]
    ws_port: int
    sip_port: int
    log: Path

    def complaints(self) -> list[str]:
        """Errors in its log."""
        return self.log.read_text("utf-8").splitlines()


@contextmanager
def setting(users: int, **settings: Any) -> Iterator[Setting]:
    """A daemon on free ports and ``users`` phones registered to it, until left.

    Raises:
        RuntimeError: One of them did not start.
    """
    with daemon_alone(**settings) as daemon, far_phones(daemon.sip_port, users) as far:
        yield Setting(daemon.process, far, daemon.ws_port, daemon.log)


@contextmanager
def daemon_alone(**settings: Any) -> Iterator[Alone]:
    """A daemon on free ports, until left.

    Raises:
        RuntimeError: It did not start.
    """
    ws_port, sip_port = free_port(), free_port()
    config = {
        "ws_server": {"host": "127.0.0.1", "port": ws_port},
        "embedded": {"host": "127.0.0.1", "port": sip_port},
        "log": {"level": "ERROR"},
        **settings,
    }
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "call-api.yml").write_text(json.dumps(config))  # JSON is YAML too
        log = stack.enter_context((folder / "log").open("wb"))
        daemon = stack.enter_context(daemon_process(folder / "call-api.yml", log))
        wait_for(daemon, ws_port, folder / "log")
        yield Alone(daemon, ws_port, sip_port, folder / "log")


def build() -> str:
    """Whether the daemon that is measured is compiled."""
    asked = [sys.executable, "-c", "from call_api.daemon import BUILD; print(BUILD)"]
    return subprocess.run(asked, cwd="/", check=True, capture_output=True, text=True).stdout.strip()


@contextmanager
def daemon_process(config: Path, log: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [Path(sys.executable).with_name("call-api"), "-config", config],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=log,
    )
    try:
        yield process
    finally:
        stop(process)


@contextmanager
def far_phones(sip_port: int, users: int) -> Iterator[Far]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.far_phones", f"127.0.0.1:{sip_port}", str(users)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    )
    try:
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise RuntimeError("the far phones could not register")
        yield Far(process)
    finally:
        stop(process)


def stop(process: subprocess.Popen[Any]) -> None:
    process.terminate()
    try:
        process.wait(15.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def free_port() -> int:
    with socket.socket() as stream:
        stream.bind(("127.0.0.1", 0))
        port: int = stream.getsockname()[1]
        return port


def wait_for(daemon: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Return when the daemon takes commands.

    Raises:
        RuntimeError: It did not within `READY_WITHIN` seconds.
    """
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline and daemon.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1.0):
                return
        except (OSError, urllib.error.URLError):
            time.sleep(0.05)
    raise RuntimeError(f"the daemon did not start: {log.read_text('utf-8')}")


def cpu_seconds(pid: int) -> float:
    """What a process has computed so far, in user and in kernel mode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_kib(pid: int) -> int:
    """What a process holds for itself alone, in KiB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    private = ("Private_Clean:", "Private_Dirty:")
    return sum(int(line.split()[1]) for line in lines if line.startswith(private))
