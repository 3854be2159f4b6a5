"""An event loop with sockets on loopback whose clock jumps: minutes of waiting take no time.

`tests.fakes.virtual_time` is for what needs no sockets at all; here a datagram may be on its way
when everybody waits, so the clock jumps only after a moment of real silence.
"""

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, ParamSpec, TypeVar, TypeVarTuple, Unpack

P = ParamSpec("P")
T = TypeVar("T")
Ts = TypeVarTuple("Ts")

SILENCE = 0.0015
"""Real seconds without a datagram until the clock jumps."""

_STUCK_AFTER = 20.0  # real seconds in which nothing at all happens


class _Selector(selectors.DefaultSelector):
    def __init__(self, silence: float) -> None:
        super().__init__()
        self.now = 1000.0
        self.threads = 0
        self._silence = silence

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout <= 0:
            return super().select(0)
        ready = super().select(self._silence)
        while not ready and (self.threads or timeout is None):
            ready = super().select(_STUCK_AFTER)
            if not ready:
                raise RuntimeError("everybody waits, and nothing is due any more")
        if not ready and timeout is not None:
            self.now += timeout
        return ready


class JumpingLoop(asyncio.SelectorEventLoop):
    """Its clock stands while anything is done, and jumps to the next timer when all wait.

    Args:
        silence: Real seconds without a datagram until the clock jumps.
    """

    def __init__(self, silence: float = SILENCE) -> None:
        self._jumping = _Selector(silence)
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Let the clock stand until the thread is done."""
        future = super().run_in_executor(executor, func, *args)
        self._jumping.threads += 1
        future.add_done_callback(self._done)
        return future

    def _done(self, _: asyncio.Future[Any]) -> None:
        self._jumping.threads -= 1


def run_jumping(
    story: Coroutine[Any, Any, T], *, silence: float = SILENCE, debug: bool = True
) -> T:
    """Run a coroutine on a `JumpingLoop`; return what it returns.

    Args:
        silence: As for `JumpingLoop`. With 0 a request may seem lost that is on its way still:
            for those who bear that.
        debug: Whether in asyncio's debug mode, which takes several times as long.
    """
    with asyncio.Runner(loop_factory=lambda: JumpingLoop(silence), debug=debug) as runner:
        return runner.run(story)


def in_jumping_time(story: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Make a test of a coroutine: its clock jumps."""

    @functools.wraps(story)
    def test(*args: P.args, **kwargs: P.kwargs) -> None:
        run_jumping(story(*args, **kwargs))

    return test
