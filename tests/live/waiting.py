"""Waiting for what no event tells."""

import asyncio
from collections.abc import Awaitable, Callable

PAUSE = 0.05


async def until(question: Callable[[], Awaitable[bool]], what: str, within: float = 10.0) -> None:
    """Wait until the answer is yes."""
    for _ in range(int(within / PAUSE)):
        if await question():
            return
        await asyncio.sleep(PAUSE)
    raise AssertionError(f"not within {within:g} s: {what}")
