"""An event loop whose clock jumps to the next thing that is due: minutes pass in no time."""

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec

P = ParamSpec("P")


class _Selector(selectors.DefaultSelector):
    """Never waits: it moves the clock instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("everybody waits, and nothing is due any more")
        if not (ready := super().select(0)):
            self.now += max(timeout, 0.0)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """For what needs no sockets. Starts at 0; sleeping and waiting take no real time."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now


def in_virtual_time(
    story: Callable[P, Coroutine[Any, Any, None]],
) -> Callable[P, None]:
    """Make a test of a coroutine: it runs on a `VirtualLoop`.

    Without asyncio's debug mode, whose stack traces are two thirds of the work here. The tests of
    the same code over sockets have it on.
    """

    @functools.wraps(story)
    def test(*args: P.args, **kwargs: P.kwargs) -> None:
        with asyncio.Runner(loop_factory=VirtualLoop, debug=False) as runner:
            runner.run(story(*args, **kwargs))

    return test


async def until(claim: Callable[[], object], within: float = 100.0) -> None:
    """Return once a claim is true.

    Looking again costs no time here, for the clock jumps; after a while it looks less often.

    Raises:
        TimeoutError: It has not become true in so many seconds.
    """
    pause = 0.01
    async with asyncio.timeout(within):
        while not claim():  # nobody is told when a claim about many things comes true
            await asyncio.sleep(pause)
            pause = min(pause * 1.02, 1.0)
