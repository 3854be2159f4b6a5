"""A daemon as a process, with tokens in a file, an audit log and a log."""

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tests.fakes.programs import LIMIT, Program, run, running
from tests.wire.api import JsonClient
from tests.wire.raw_client import RawClient, upgrade

REREAD = "the settings were read anew"
KEPT = "the settings stay as they are: "


@dataclass
class Office:
    """A daemon that runs.

    Attributes:
        address: Where clients connect.
        sip: Where phones do.
    """

    folder: Path
    program: Program
    address: tuple[str, int]
    sip: tuple[str, int]

    @property
    def log(self) -> str:
        return (self.folder / "daemon.log").read_text()

    async def token(self, *words: str) -> str:
        """Run ``call-api token``; return what it prints."""
        file = str(self.folder / "tokens.yml")
        ended = await asyncio.to_thread(
            run, self.folder, "call-api", "token", *words, CALL_API_AUTH_TOKEN_FILE=file
        )
        assert ended.status == 0, ended.err
        return ended.out.strip()

    async def reread(self, words: str = REREAD) -> None:
        """Have the daemon read its files anew, and wait until it says so."""
        before = self.log.count(words)
        self.program.process.send_signal(signal.SIGHUP)
        await asyncio.to_thread(self._wait, words, before)

    def _wait(self, words: str, before: int) -> None:
        deadline = time.monotonic() + LIMIT
        while self.log.count(words) <= before:
            assert time.monotonic() < deadline, self.log
            time.sleep(0.02)

    async def client(self, token: str, **more: Any) -> JsonClient:
        return await JsonClient.open(self.address, Authorization=f"Bearer {token}", **more)

    async def refusal(self, **headers: str) -> str:
        """Return the status line and the body of what a client gets that is not let in."""
        async with await RawClient.connect(self.address) as client:
            client.write(upgrade(**headers))
            head = await client.head()
            return f"{head.splitlines()[0]}: {(await client.rest()).decode()}"

    async def lets_in(self, token: str) -> bool:
        async with await RawClient.connect(self.address) as client:
            client.write(upgrade(Authorization=f"Bearer {token}"))
            return (await client.head()).startswith("HTTP/1.1 101 ")


@asynccontextmanager
async def office(folder: Path, **env: str) -> AsyncIterator[Office]:
    """Run a daemon that wants tokens, unless ``env`` says otherwise."""
    its = {
        "CALL_API_WS_SERVER_HOST": "127.0.0.1",
        "CALL_API_WS_SERVER_PORT": "0",
        "CALL_API_EMBEDDED_PORT": "0",
        "CALL_API_AUTH_TOKEN_FILE": str(folder / "tokens.yml"),
        "CALL_API_AUDIT_FILE_PATH": str(folder / "audit.log"),
        "CALL_API_LOG_FILE_PATH": str(folder / "daemon.log"),
        **env,
    }
    with running(folder, "call-api", env=its) as program:
        _, ws, sip = (await asyncio.to_thread(program.line)).split()
        yield Office(folder, program, _place(ws), _place(sip))
        program.process.terminate()
        await asyncio.to_thread(program.end)
        assert "Traceback" not in (folder / "daemon.log").read_text()


def audited(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "audit.log").read_text().splitlines()]


def started(folder: Path, *args: str, **env: str) -> Any:
    """Return what runs a program to its end, in a thread."""
    return asyncio.to_thread(partial(run, folder, *args, **env))


def _place(url: str) -> tuple[str, int]:
    place = url.partition("://")[2].removesuffix("/call-api") or url.removeprefix("sip:")
    host, _, port = place.rpartition(":")
    return host, int(port)
