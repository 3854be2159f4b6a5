"""Commands as a runner runs them, and what they come to."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from call_api.backends.base import ACTING, Stream
from call_api.model import CallId
from tests.contract.lab import WITHIN

S = TypeVar("S")

_numbers = itertools.count(1)


class Right:
    """The right of a command that nobody else runs."""

    def __init__(self) -> None:
        self.callid = CallId(f"contract-{next(_numbers)}")

    async def may_act(self) -> None:
        """It may."""


@asynccontextmanager
async def acting() -> AsyncIterator[CallId]:
    """Do what is done inside for a command; give the name that its call would get."""
    right = Right()
    token = ACTING.set(right)
    try:
        yield right.callid
    finally:
        ACTING.reset(token)


async def run(stream: Stream[S]) -> list[S]:
    """Read a stream to its end, as a command does; it has to end in time."""
    async with asyncio.timeout(WITHIN), acting(), stream as steps:
        return [step async for step in steps]


async def leave(stream: Stream[S], at: Callable[[S], bool]) -> list[S]:
    """Read a stream up to a step and leave it; return what was read."""
    read: list[S] = []
    async with asyncio.timeout(WITHIN), acting(), stream as steps:
        async for step in steps:
            read.append(step)
            if at(step):
                break
    return read


def begin(stream: Stream[Any], name: str = "command") -> "asyncio.Task[list[Any]]":
    """Run a stream in a task of its own."""
    return asyncio.get_running_loop().create_task(run(stream), name=name)
