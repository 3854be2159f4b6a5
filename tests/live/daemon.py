"""The whole daemon as a process of its own, on free loopback ports."""

import asyncio
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.live.processes import Program

PROGRAM = Path(sys.executable).with_name("call-api")
READY_WITHIN = 20.0
DOMAIN = "localhost"


def free_port() -> int:
    """A loopback port that is free for UDP and for TCP."""
    for _ in range(100):
        with (
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as stream,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram,
        ):
            stream.bind(("127.0.0.1", 0))
            port: int = stream.getsockname()[1]
            try:
                datagram.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free for UDP and TCP")


class Daemon(Program):
    """One daemon with the embedded back end, and where it is reached."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.ws_port = free_port()
        self.sip_port = free_port()
        self.log = folder / f"call-api-{self.ws_port}.log"

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.ws_port}/call-api"

    @property
    def registrar(self) -> str:
        return f"127.0.0.1:{self.sip_port}"

    @property
    def sip_address(self) -> tuple[str, int]:
        return ("127.0.0.1", self.sip_port)

    async def launch(self, users: dict[str, str], **settings: Any) -> None:
        """Start it with these users and settings; return when it is ready for commands."""
        config = {
            "ws_server": {"host": "127.0.0.1", "port": self.ws_port},
            "log": {"level": "DEBUG"},
            **settings,
            "embedded": {
                "host": "127.0.0.1",
                "port": self.sip_port,
                "domains": [DOMAIN],
                "users": users,
                **settings.get("embedded", {}),
            },
        }
        file = self.folder / f"call-api-{self.ws_port}.yml"
        file.write_text(yaml.safe_dump(config), "utf-8")
        await self.start([str(PROGRAM), "-config", str(file)], self.log, piped=False)
        async with asyncio.timeout(READY_WITHIN):
            while await self.get("/readyz") != 200:
                if self.exited.done():
                    raise AssertionError(f"the daemon ended: {self.log.read_text('utf-8')}")
                await asyncio.sleep(0.02)

    async def get(self, path: str) -> int | None:
        """Return the HTTP status of a GET; None if nobody answers."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.ws_port)
        except OSError:
            return None
        try:
            writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            words = (await reader.readline()).split()
            return int(words[1]) if len(words) > 1 else None
        except OSError:
            return None
        finally:
            writer.close()

    def complaints(self) -> list[str]:
        """What the daemon itself says it failed at: tracebacks and errors in its log."""
        lines = self.log.read_text("utf-8").splitlines()
        return [line for line in lines if "Traceback" in line or " ERROR " in line]

    async def end(self) -> int:
        """Stop it as an operator would; return its exit status."""
        return await self.stop(signal.SIGTERM, within=15.0)
