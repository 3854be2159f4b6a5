"""kill -9 at random moments of a loaded daemon that keeps its journal in a file.

    python -m tests.faults.crash embedded|opensips ROUNDS [SEED]

In each round clients run commands, the daemon is killed, started again, and asked again for every
command that was ever sent: with the same ``cmd_id``, as a client does that has lost its connection.
"""

import asyncio
import itertools
import json
import random
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.fakes.programs import running
from tests.faults.crash_clients import (
    Broken,
    Killing,
    LeavingClient,
    Sent,
    again,
    check,
    check_end,
    known,
)
from tests.faults.far_side import USERS
from tests.faults.outside import FREE, Outside, addresses

ROOT = Path(__file__).parent.parent.parent
CHAINS: Final = USERS // 3
"""Calls that are made at the same time in a round, each with three phones of its own."""

ECHOES: Final = 3
"""Clients that send nothing but Echo, so many at once:"""

AT_ONCE: Final = 10

FRAMES: Final = 600
"""In half of the rounds the daemon is killed as soon as some frame has come: one of so many."""

GONE: Final = (ConnectionError, asyncio.IncompleteReadError, TimeoutError)
"""What a client sees of a daemon that is killed."""

LOAD_FOR: Final = (0.02, 1.6)
"""Seconds after which the daemon is killed, at least and at most."""


@dataclass
class Figures:
    """What came of all rounds."""

    rounds: int = 0
    commands: int = 0
    ended: int = 0
    cut_off: int = 0
    unanswered: int = 0
    unknown: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)


class FarSide:
    """The process on the far side."""

    def __init__(self, stack: ExitStack, *args: str) -> None:
        self._process = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", "tests.faults.far_side", *args],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                cwd=ROOT,
                text=True,
            )
        )
        stack.callback(self._process.kill)
        self.address = self._line()

    def ask(self, what: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{what}\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._line())
        return answer

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


class Scene:
    """A daemon that is killed again and again, and its far side.

    Args:
        folder: Where its files are.
    """

    def __init__(self, backend: str, folder: Path, stack: ExitStack, seed: int) -> None:
        self.chance = random.Random(seed)
        self.figures = Figures()
        self.log = folder / "log"
        self._folder = folder
        self._stack = stack
        self._backend = backend
        self._env = FREE | {
            "CALL_API_BACKEND": backend,
            "CALL_API_JOURNAL_PATH": str(folder / "journal.db"),
            "CALL_API_LOG_FILE_PATH": str(self.log),
            "CALL_API_LOG_LEVEL": "WARN",
        }
        if backend == "opensips":
            self._far = FarSide(stack, "proxy")
            self._env["CALL_API_MI_URL"] = self._far.address
            return
        with self._life() as daemon:
            port = str(daemon.sip[1])
        self._far = FarSide(stack, "phones", port)
        self._env["CALL_API_EMBEDDED_PORT"] = port

    async def round(self, how: signal.Signals = signal.SIGKILL) -> None:
        """Load a daemon, kill it, start it again, compare.

        Raises:
            Broken: A promise was broken.
        """
        self._far.ask("clear")
        sent: dict[str, Sent] = {}
        with self._life() as daemon:
            self._far.ask("register")
            await self._load(daemon, sent, how)
            if how is not signal.SIGKILL:
                check_end(daemon, sent)
        with self._life() as daemon:
            self._far.ask("register")
            await self._compare(daemon, sent)
            self._count()
        self.figures.rounds += 1

    def check_log(self) -> None:
        """Fail if any of the daemons has logged an error."""
        lines = self.log.read_text("utf-8").splitlines()
        if complaints := [line for line in lines if " ERROR " in line or "Traceback" in line]:
            raise Broken(f"the log says {complaints[:5]}")

    @contextmanager
    def _life(self) -> Iterator[Outside]:
        """A daemon that runs until it is killed."""
        with running(self._folder, "call-api", env=self._env) as program:
            yield Outside(program, *addresses(program), self.log)

    async def _load(self, daemon: Outside, sent: dict[str, Sent], how: signal.Signals) -> None:
        """Run commands until the daemon is killed: at some time, or right after some frame."""
        time = self.chance.uniform(*LOAD_FOR)
        frames = self.chance.choice([0, self.chance.randrange(1, FRAMES)])
        killing = Killing(daemon, sent, frames, how)
        clients = [
            await LeavingClient.open(daemon.address, "/call-api/v2") for _ in range(CHAINS + ECHOES)
        ]
        loaded = asyncio.gather(
            *(self._chain(killing, clients[number], number) for number in range(CHAINS)),
            *(self._echoes(killing, clients[CHAINS + n], n) for n in range(ECHOES)),
        )
        with suppress(TimeoutError):
            async with asyncio.timeout(time):
                await asyncio.shield(loaded)
        killing.kill()
        await loaded

    async def _echoes(self, killing: Killing, client: LeavingClient, number: int) -> None:
        """One client that has many commands under way, as long as the daemon lives."""
        head = f"{self.figures.rounds}-echo-{number}"
        with suppress(*GONE):
            async with client:
                for count in itertools.count():
                    begun = [
                        killing.ask(client, f"{head}-{count}-{one}", "Echo", {"x": one})
                        for one in range(AT_ONCE)
                    ]
                    while not all(command.is_over for command in begun):
                        killing.take(await client.json())
                    await asyncio.sleep(self.chance.uniform(0.0, 0.1))

    async def _chain(self, killing: Killing, client: LeavingClient, number: int) -> None:
        """One client that makes a call and does everything to it, as long as the daemon lives."""
        a, b, c = (f"sip:u{3 * number + phone}@127.0.0.1" for phone in range(3))
        head = f"{self.figures.rounds}-{number}"
        with suppress(*GONE):

            async def run(method: str, **params: Any) -> str | None:
                command = killing.ask(client, f"{head}-{method}", method, params)
                while not command.is_over:
                    killing.take(await client.json())
                if command.is_refused:  # the daemon goes
                    raise ConnectionError
                about: dict[str, str] = command.told[-1]["params"].get("data", {})
                return about.get("callid")

            async with client:
                callid = await run("CallStart", caller=a, callee=b)
                if callid is None:  # cancelled, for the daemon goes
                    return
                await run("CallHold", callid=callid)
                await run("CallUnhold", callid=callid)
                callid = await run("CallBlindTransfer", callid=callid, leg="caller", destination=c)
                if callid is not None:
                    await run("CallEnd", callid=callid)

    async def _compare(self, daemon: Outside, sent: Mapping[str, Sent]) -> None:
        before = {cmd_id: list(command.told) for cmd_id, command in sent.items()}
        async with await LeavingClient.open(daemon.address, "/call-api/v2") as client:
            ids = await known(client)
            for cmd_id, command in sent.items():
                if command.is_answered and cmd_id not in ids:
                    raise Broken(f"{cmd_id} was answered Started, and is forgotten")
            first = await again(client, sent)
        async with await LeavingClient.open(daemon.address, "/call-api/v2") as client:
            once_more = await again(client, sent)
        for cmd_id, command in sent.items():
            check(cmd_id, before[cmd_id], first[cmd_id])
            if once_more[cmd_id] != first[cmd_id]:
                raise Broken(f"{cmd_id} is told in two ways: {first} and {once_more}")
            self._note(command, cmd_id in ids, first[cmd_id])

    def _note(self, command: Sent, is_known: bool, told: list[Any]) -> None:
        figures = self.figures
        figures.commands += 1
        if command.has_ended:
            figures.ended += 1
            return
        if not command.is_answered:
            figures.unanswered += 1
            if not is_known:
                figures.unknown += 1
                return
        figures.cut_off += 1
        error = told[-2]["params"].get("error") if len(told) > 1 else None
        outcome = "ok" if error is None else " ".join((error["name"], error.get("call", "")))
        figures.outcomes[f"{command.method}: {outcome.strip()}"] += 1

    def _count(self) -> None:
        """Ask the far side."""
        report = self._far.ask("report")
        twice = {what: count for what, count in report["begun"].items() if count > 1}
        if twice:
            raise Broken(f"begun more than once: {twice}")
        if self._backend == "opensips" and (report["ringing"] or report["half_made"]):
            raise Broken(f"half made calls are left: {report}")


async def crash(backend: str, rounds: int, seed: int, *, is_loud: bool = False) -> Figures:
    """Do some rounds; return what came of them.

    Raises:
        Broken: A promise was broken.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        scene = Scene(backend, folder, stack, seed)
        for number in range(rounds):
            await scene.round()
            if is_loud and ((number + 1) % 10 == 0 or number + 1 == rounds):
                print(f"{backend}: {scene.figures}", flush=True)
        scene.check_log()
        return scene.figures


async def stop_under_load(backend: str, rounds: int, seed: int) -> Figures:
    """Do the same with SIGTERM: every command that was begun is told to its end before.

    Raises:
        Broken: A promise was broken.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        scene = Scene(backend, folder, stack, seed)
        for _ in range(rounds):
            await scene.round(signal.SIGTERM)
        scene.check_log()
        return scene.figures


if __name__ == "__main__":
    asyncio.run(crash(sys.argv[1], int(sys.argv[2]), int((sys.argv[3:] or "0")[0]), is_loud=True))
