"""The programs of the product, run as their users do."""

import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

WITHIN = 30.0


@dataclass(frozen=True)
class Ran:
    """What came of a program."""

    status: int
    out: str
    err: str


class Running:
    """A program that runs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    def interrupt(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    async def ended(self) -> Ran:
        """Wait until it has ended; return what it said and its exit status."""
        async with asyncio.timeout(WITHIN):
            out, err = await self._process.communicate()
        assert self._process.returncode is not None
        return Ran(self._process.returncode, out.decode(), err.decode())


async def begin(program: str, *words: str) -> Running:
    """Start one of the programs that are installed beside this Python."""
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name(program),
        *words,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"NO_COLOR": "1"},
    )
    return Running(process)


async def run(program: str, *words: str) -> Ran:
    """Run one of the programs to its end."""
    return await (await begin(program, *words)).ended()


def settings(folder: Path, name: str, values: Mapping[str, Any]) -> str:
    """Write a configuration file; return its path."""
    file = folder / name
    file.write_text(yaml.safe_dump(dict(values)), "utf-8")
    return str(file)
