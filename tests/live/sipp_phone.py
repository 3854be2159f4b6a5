"""SIPp as a phone: it registers, and answers what calls it as scenarios of ours say."""

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

from tests.live.daemon import DOMAIN
from tests.live.ports import HOST, server_port
from tests.live.processes import Program
from tests.live.waiting import until

BIN = shutil.which(os.environ.get("SIPP_BIN", "sipp")) or ""
SCENARIOS = Path(__file__).parent / "sipp"
MODES = {"udp": "u1", "tcp": "t1"}


class SippPhone(Program):
    """One SIPp with one user. It sends silence, and does not look at what it gets.

    What it knows of its calls it tells in its log, line by line: ``up CALLID DIRECTION`` at every
    ACK, ``over CALLID`` at the BYE.
    """

    def __init__(self, name: str, transport: str = "udp") -> None:
        super().__init__()
        self.name = name
        self.transport_name = transport
        self.uri = f"sip:{name}@{DOMAIN}"
        self._log = Path()

    async def launch(self, registrar: str, folder: Path, password: str) -> None:
        """Start it; return when it is registered."""
        home = folder / f"sipp-{self.name}"
        home.mkdir(exist_ok=True)
        self._log = home / "calls.log"
        self._log.unlink(missing_ok=True)
        sound = home / "silence.pcmu"
        sound.write_bytes(b"\xff" * 8000)
        answer = (SCENARIOS / "answer.xml").read_text("utf-8")
        (home / "answer.xml").write_text(answer.replace("SOUND", str(sound)), "utf-8")
        where = ["-i", HOST, "-bind_local", "-p", str(server_port()), "-cp", str(server_port())]
        where += ["-mi", HOST, "-mp", str(server_port())]
        who = ["-au", self.name, "-ap", password, "-auth_uri", DOMAIN]
        keys = ["-key", "user", self.name, "-key", "domain", DOMAIN]
        logs = ["-trace_logs", "-log_file", str(self._log)]
        logs += ["-trace_err", "-error_file", str(home / "errors.log")]
        await self.start(
            [
                *(BIN, registrar, "-m", "1", "-nostdin", "-aa", "-t", MODES[self.transport_name]),
                *("-sf", str(SCENARIOS / "register.xml"), "-oocsf", str(home / "answer.xml")),
                *(*where, *who, *keys, *logs),
            ],
            home / "screen.log",
            piped=False,
        )

        async def is_registered() -> bool:
            assert not self.exited.done(), (home / "errors.log").read_text("utf-8")
            return ["registered"] in self._told()

        await until(is_registered, f"{self.name} is registered")

    def _told(self) -> list[list[str]]:
        if not self._log.exists():
            return []
        return [line.split() for line in self._log.read_text("utf-8").splitlines()]

    def calls(self) -> dict[str, str]:
        """Return the calls that are up: Call-ID and direction."""
        calls: dict[str, str] = {}
        for what, *about in self._told():
            if what == "up":
                calls[about[0]] = about[1]
            elif what == "over":
                del calls[about[0]]
        return calls

    async def in_call(self) -> None:
        """Wait until it has one call, and that is answered."""
        await self._until(lambda directions: len(directions) == 1, "is in a call")

    async def idle(self) -> None:
        await self._until(lambda directions: not directions, "has no call")

    async def hears(self) -> None:
        """Wait until sound is agreed on both ways; whether it comes, it cannot tell."""
        await self._until(lambda directions: directions == ["sendrecv"], "may hear something")

    async def hears_nothing(self) -> None:
        """Wait until no sound is agreed on both ways."""
        await self._until(lambda directions: "sendrecv" not in directions, "may hear nothing")

    async def _until(self, what: Callable[[list[str]], bool], words: str) -> None:
        async def is_so() -> bool:
            return what(list(self.calls().values()))

        await until(is_so, f"{self.name} {words}: {self.calls()}")

    async def end(self) -> None:
        await self.stop(signal.SIGTERM, within=3.0)
