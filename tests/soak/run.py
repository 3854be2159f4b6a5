"""One soak: both back ends under load and at rest, several times."""

import asyncio
import json
import random
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from call_api.sip.timers import Timers
from tests.soak.load import Load
from tests.soak.samples import Sample, grown
from tests.soak.worlds import Office, Switchroom, World, timers

STUCK_MS = 500
"""How long a daemon's loop may compute without a look at what waits."""

QUIET_WITHIN = 90.0
"""Seconds in which a daemon must come to rest."""

HEADING = (
    f"{'':<10}{'commands':>9}{'ok':>6}{'failed':>8}{'troubles':>10}"
    f"{'tasks':>7}{'files':>7}{'objects':>9}{'KiB':>8}{'ms':>6}"
)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is done.

    Attributes:
        seconds: After so many no other round of load and rest is begun.
        fewest: Rounds that there are at least; it takes three to compare two rests after a warm-up.
        busy_for: Seconds of load in each round.
        rate: Commands a second.
        pace: How long everything takes that takes a while (timeouts, SIP's timers, deaths),
            against the usual.
        leaks: Whether the daemons are to leak, to see that it is found.
        back_ends: Which ones.
    """

    seconds: float
    fewest: int = 3
    busy_for: float
    rate: float
    seed: int = 1
    pace: float = 1.0
    leaks: bool = False
    back_ends: Sequence[str] = ("embedded", "opensips")

    @property
    def settings(self) -> dict[str, Any]:
        """What the daemons are told: times so short that rests come soon."""
        pings = {"ping_every": max(1.0, 2 * self.pace), "silent_for": max(2.0, 3 * self.pace)}
        return {
            "ws_server": {"host": "127.0.0.1", "port": 0, **pings},
            "commands": {"timeout": max(5.0, 30 * self.pace), "keep_for": max(4.0, 20 * self.pace)},
        }


async def soak(plan: Plan, say: Callable[[str], object]) -> list[str]:
    """Carry it out; return what is wrong, in words.

    Args:
        say: Is given each line of the table.
    """
    say(HEADING)
    problems: list[str] = []
    async with asyncio.TaskGroup() as group:
        for name in plan.back_ends:
            group.create_task(_one(name, plan, say, problems), name=name)
    return problems


async def _one(name: str, plan: Plan, say: Callable[[str], object], problems: list[str]) -> None:
    is_embedded = name == "embedded"
    world: World = Office(plan.pace) if is_embedded else Switchroom(plan.seed, plan.pace)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        log = folder / "log"
        settings = plan.settings | {"log": {"level": "WARN", "file_path": str(log)}}
        if not is_embedded:  # so that both kinds of journals are under load
            settings["journal"] = {"path": str(folder / "journal.db")}
        settings |= await world.prepare(stack)
        (folder / "call-api.yml").write_text(json.dumps(settings))  # JSON is YAML too
        window = await stack.enter_async_context(
            opened(folder / "call-api.yml", timers(plan.pace), leaks=plan.leaks)
        )
        await world.furnish(stack, window.sip)
        load = Load(world, window.address, random.Random(f"{plan.seed} {name}"), plan.pace)
        samples: list[Sample] = []
        until = asyncio.get_running_loop().time() + plan.seconds
        while len(samples) < plan.fewest or asyncio.get_running_loop().time() < until:
            await load.run(plan.busy_for, rate=plan.rate)
            samples.append(await window.at_rest(load.outcomes.total(), load.faults))
            say(_row(name, load, samples[-1]))
        errors = [line for line in log.read_text("utf-8").splitlines() if " ERROR " in line]
        found = [*load.faults, *grown(samples[1:] or samples), *errors]
        problems += [f"{name}: {one}" for one in found]


def _row(name: str, load: Load, sample: Sample) -> str:
    ok, lost = load.outcomes["ok"], load.outcomes["never arrived"]
    return (
        f"{name:<10}{sample.commands:>9}{ok:>6}{sample.commands - ok - lost:>8}"
        f"{load.troubles.total():>10}{sample.tasks:>7}{sample.descriptors:>7}"
        f"{sample.objects:>9}{sample.memory_kib:>8}{sample.longest_ms:>6}"
    )


class Window:
    """A daemon process that tells what it holds.

    Attributes:
        address: Where its clients connect.
        sip: Where phones do; ("", 0) if nowhere.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.address = self.sip = ("", 0)

    async def ready(self) -> None:
        """Wait until it serves."""
        words = (await self._line()).decode().split()
        assert words[:1] == ["ready"], words
        self.address = _split(words[1].removeprefix("ws://").partition("/")[0])
        if words[-1].startswith("sip:"):
            self.sip = _split(words[-1].removeprefix("sip:"))

    async def at_rest(self, commands: int, faults: list[str]) -> Sample:
        """Wait until the daemon holds nothing any more; return what it then needs."""
        until = asyncio.get_running_loop().time() + QUIET_WITHIN
        longest_ms = 0
        while not (sample := await self._sample(commands)).is_at_rest:
            longest_ms = max(longest_ms, sample.longest_ms)
            if asyncio.get_running_loop().time() > until:
                faults.append(f"left over: {sample.left}")
                return sample
            await asyncio.sleep(0.5)
        longest_ms = max(longest_ms, sample.longest_ms)
        if longest_ms > STUCK_MS:
            faults.append(f"the loop was stuck for {longest_ms} ms")
        return replace(sample, longest_ms=longest_ms)

    async def _sample(self, commands: int) -> Sample:
        assert self._process.stdin is not None
        self._process.stdin.write(b"?\n")
        return Sample(commands=commands, **json.loads(await self._line()))

    async def _line(self) -> bytes:
        assert self._process.stdout is not None
        async with asyncio.timeout(QUIET_WITHIN):
            line = await self._process.stdout.readline()
        assert line, "the daemon has died"
        return line


@asynccontextmanager
async def opened(config: Path, timers: Timers, *, leaks: bool) -> AsyncIterator[Window]:
    """A daemon process, from when it serves until it is gone."""
    pipe = asyncio.subprocess.PIPE
    args = ["-m", "tests.soak.watched", str(config), str(timers.t1), "leak" if leaks else "tight"]
    root = Path(__file__).parent.parent.parent
    process = await asyncio.create_subprocess_exec(
        sys.executable, *args, stdin=pipe, stdout=pipe, cwd=root
    )
    assert process.stdin is not None
    try:
        window = Window(process)
        await window.ready()
        yield window
    finally:
        process.stdin.close()
        try:
            async with asyncio.timeout(QUIET_WITHIN):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def _split(authority: str) -> tuple[str, int]:
    host, _, port = authority.rpartition(":")
    return host, int(port)
