"""Real SIP calls on this machine: started, held, transferred and ended, in less than a minute.

    make demo                                  or: python examples/demo/demo.py [--svg FILE]

Runs the daemon on free loopback ports, registers three phones to it (they are in this process,
the daemon is one of its own), and types what a person would type. Everything is stopped at the
end, Ctrl-C or not, and nothing is left behind.
"""

import argparse
import asyncio
import contextlib
import json
import os
import pty
import re
import secrets
import shlex
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from rich.console import Console
from rich.text import Text

from call_api.backends.embedded.demo_phones import demo_phones
from call_api.backends.embedded.phone import Phone

BIN = Path(sys.executable).parent
READY_WITHIN = 15.0
LISTEN_FOR = 1.0
WIDTH = 88

# Linux stops the program when the demo is gone, in whatever way (PR_SET_PDEATHSIG, SIGTERM).
EXEC = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 15)
os.execv(sys.argv[1], sys.argv[1:])
"""


class DemoFailed(Exception):
    """The demo did not show what it should have."""


def free_port() -> int:
    with socket.socket() as stream:
        stream.bind(("127.0.0.1", 0))
        port: int = stream.getsockname()[1]
        return port


def command_line(program: str, *words: str) -> list[str]:
    return [sys.executable, "-c", EXEC, str(BIN / program), *words]


@contextlib.contextmanager
def daemon(passwords: Mapping[str, str]) -> Iterator[tuple[int, int]]:
    """Run ``call-api`` for these users; yields its WebSocket port and its SIP port.

    Raises:
        DemoFailed: It does not start.
    """
    ws_port, sip_port = free_port(), free_port()
    with tempfile.TemporaryDirectory(prefix="call-api-demo-") as folder:
        settings = {
            "ws_server": {"host": "127.0.0.1", "port": ws_port},
            "embedded": {"port": sip_port, "users": dict(passwords)},
            "log": {"level": "WARN"},
        }
        config = Path(folder) / "call-api.yml"
        config.write_text(json.dumps(settings), "utf-8")  # JSON is YAML too
        process = subprocess.Popen(
            command_line("call-api", "-config", str(config)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            process_group=0,  # Ctrl-C is for the demo, which then stops the daemon
        )
        try:
            wait_until_ready(process, ws_port)
            yield ws_port, sip_port
        finally:
            process.terminate()
            process.wait()


def wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1.0).close()
            return
        time.sleep(0.05)
    raise DemoFailed("the daemon did not start")


async def run(
    words: list[str], environment: Mapping[str, str], show: Callable[[str], object]
) -> None:
    """Run a program as on a terminal; show its lines as they come.

    Raises:
        DemoFailed: It ended with another status than 0.
    """
    reading, terminal = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *command_line(*words),
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=terminal,
        env={**os.environ, **environment},
    )
    os.close(terminal)
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(reading, "rb", 0)
    )
    try:
        with contextlib.suppress(OSError):  # EIO: the other end of a terminal was closed
            async for line in reader:
                show(line.decode(errors="replace").rstrip())
    except BaseException:
        process.terminate()
        raise
    finally:
        transport.close()
        status = await process.wait()
    if status:
        raise DemoFailed(f"{shlex.join(words)} ended with {status}")


class Demo:
    """The story, told on a console."""

    def __init__(self, console: Console, phones: Mapping[str, Phone], port: int) -> None:
        self._console = console
        self._phones = phones
        self._environment = {
            "CALL_API_WS_SERVER_HOST": "127.0.0.1",
            "CALL_API_WS_SERVER_PORT": str(port),
            "COLUMNS": str(WIDTH),
            "TERM": "xterm-256color",
        }

    async def tell(self) -> None:
        """Start, hold, transfer and end a call."""
        await self.type("start", "alice", "bob")
        await self.listen(alice=True, bob=True, carol=False)
        callid = await self.callid()
        await self.type("hold", callid)
        await self.listen(alice=False, bob=False, carol=False)
        await self.type("unhold", callid)
        await self.listen(alice=True, bob=True, carol=False)
        await self.type("transfer", callid, "carol", "--leg", "caller")
        await self.listen(alice=True, bob=False, carol=True)
        await self.type("list")
        await self.type("end", await self.callid())
        await self.listen(alice=False, bob=False, carol=False)

    async def type(self, *words: str) -> None:
        """Run ``call-cmd`` and show what it prints."""
        command = ["call-cmd", *words]
        self._console.print(Text.assemble("\n", ("$ ", "dim"), (" ".join(command), "bold")))
        await run(
            command,
            self._environment,
            lambda line: self._console.print(Text("  ") + Text.from_ansi(line), soft_wrap=True),
        )

    async def callid(self) -> str:
        """The beginning of the Call-ID of the one call: as much as ``call-cmd`` needs.

        Raises:
            DemoFailed: There is none.
        """
        lines: list[str] = []
        await run(["call-cmd", "list", "--json"], self._environment, lines.append)
        if not lines:
            raise DemoFailed("there is no call")
        return str(json.loads(Text.from_ansi(lines[0]).plain)["callid"])[:8]

    async def listen(self, **expected: bool) -> None:
        """Count what the phones receive for a second, and show it.

        Raises:
            DemoFailed: One hears what it should not, or does not hear what it should.
        """
        before = {name: self._phones[name].received_packets for name in expected}
        await asyncio.sleep(LISTEN_FOR)
        line = Text.assemble(("  audio packets received in a second:", "dim"))
        wrong = []
        for name, hears in expected.items():
            came = self._phones[name].received_packets - before[name]
            line.append(f"   {name} {came:2}", "bold cyan" if came > 1 else "dim")
            if hears is not (came > 1):  # one may still have been on its way
                wrong.append(f"{name} hears {'silence' if hears else 'something'}")
        self._console.print(line)
        if wrong:
            raise DemoFailed(", ".join(wrong))


async def show(console: Console) -> None:
    passwords = {name: secrets.token_urlsafe(16) for name in ("alice", "bob", "carol")}
    with daemon(passwords) as (ws_port, sip_port):
        async with demo_phones(("127.0.0.1", sip_port), "localhost", passwords) as phones:
            names = ", ".join(phones)
            console.print(f"[dim]# call-api runs at ws://127.0.0.1:{ws_port}/call-api; {names}")
            console.print(f"[dim]# are SIP phones, registered at 127.0.0.1:{sip_port}")
            await Demo(console, phones, ws_port).tell()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--svg", type=Path, help="also draw what is shown into this file")
    asked = parser.parse_args()
    console = Console(highlight=False, record=bool(asked.svg), width=WIDTH if asked.svg else None)
    began = time.monotonic()
    try:
        asyncio.run(show(console))
    except KeyboardInterrupt:
        console.print("\nStopped.")
        sys.exit(130)
    except DemoFailed as exc:
        console.print(f"\nThe demo failed: {exc}", style="red")
        sys.exit(1)
    took = time.monotonic() - began
    console.print(
        f"\n[dim]# Done in {took:.0f} s; everything is stopped. [/]make run[dim] keeps it running.",
    )
    if asked.svg:
        picture = console.export_svg(title="make demo")
        without_fonts = re.sub(r"@font-face \{.*?\}\s*|<!--.*?-->\s*", "", picture, flags=re.DOTALL)
        asked.svg.write_text(without_fonts, "utf-8")


if __name__ == "__main__":
    main()
