"""SIPp as a phone: it registers, and answers what calls it as scenarios of ours say."""

import shutil
import signal
from collections.abc import Callable
from pathlib import Path

from tests.live.daemon import DOMAIN
from tests.live.ports import HOST, server_port
from tests.live.processes import Program
from tests.live.waiting import until

BIN = shutil.which("sipp") or ""
SCENARIOS = Path(__file__).parent / "sipp"
TAIL = "<!-- TAIL -->\n"
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
        self._home = Path()
        self._registrar = self._password = ""
        self._own_calls: list[Program] = []

    async def launch(self, registrar: str, folder: Path, password: str) -> None:
        """Start it; return when it is registered."""
        assert BIN, "SIPp is not there"
        self._home = folder / f"sipp-{self.name}"
        self._home.mkdir(exist_ok=True)
        self._registrar, self._password = registrar, password
        for log in self._home.glob("*.calls"):
            log.unlink()
        self._write_scenarios()
        answers = ("-oocsf", str(self._home / "answer.xml"))
        await self._play(self, "register", DOMAIN, *answers)

        async def is_registered() -> bool:
            assert not self.exited.done(), (self._home / "register.errors").read_text("utf-8")
            return ["registered"] in self._told()

        await until(is_registered, f"{self.name} is registered")

    async def dial(self, uri: str) -> None:
        """Call somebody by itself: by a program of its own, which ends with the call."""
        self._own_calls.append(Program())
        address = uri.removeprefix("sip:")
        callee = ("-s", address.partition("@")[0])
        await self._play(self._own_calls[-1], "call", address, *callee)

    def _write_scenarios(self) -> None:
        """Put together what SIPp cannot, for it includes nothing."""
        sound = self._home / "silence.pcmu"
        sound.write_bytes(b"\xff" * 8000)
        texts = {
            name: (SCENARIOS / f"{name}.xml").read_text("utf-8").replace("SOUND", str(sound))
            for name in ("register", "answer", "call")
        }
        tail = texts["answer"].partition(TAIL)[2]
        texts["call"] = texts["call"].partition(TAIL)[0] + tail
        for name, text in texts.items():
            (self._home / f"{name}.xml").write_text(text, "utf-8")

    async def _play(self, program: Program, scenario: str, to: str, *options: str) -> None:
        """Have a program play a scenario; ``to`` is what the password is for (RFC 7616, `uri`)."""
        log, port = self._home / scenario, str(server_port())
        where = ["-i", HOST, "-bind_local", "-p", port, "-cp", str(server_port())]
        where += ["-mi", HOST, "-mp", str(server_port())]
        who = ["-au", self.name, "-ap", self._password, "-auth_uri", to]
        keys = ["-key", "user", self.name, "-key", "domain", DOMAIN]
        logs = ["-trace_logs", "-log_file", f"{log}.{port}.calls"]
        logs += ["-trace_err", "-error_file", f"{log}.errors"]
        mode = MODES[self.transport_name]
        await program.start(
            [
                *(BIN, self._registrar, "-sf", f"{log}.xml", "-m", "1", "-t", mode),
                *("-nostdin", "-aa", *where, *who, *keys, *logs, *options),
            ],
            self._home / f"{scenario}.screen",
            piped=False,
        )

    def _told(self) -> list[list[str]]:
        return [
            line.split()
            for log in self._home.glob("*.calls")
            for line in log.read_text("utf-8").splitlines()
        ]

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
        for program in (*self._own_calls, self):
            await program.stop(signal.SIGTERM, within=3.0)
