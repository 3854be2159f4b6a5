"""A task that begins at once, and costs the loop nothing until it has to wait."""

import asyncio
from abc import ABC, abstractmethod
from asyncio import _enter_task, _leave_task  # for tasks of other makes: "Extending" in its manual
from collections.abc import Coroutine, Generator
from contextvars import copy_context
from typing import Any, Final


class EagerTask(ABC):
    """Runs a coroutine like `asyncio.Task`, but up to its first wait before `start` returns.

    For whatever asks inside it is the current task: `asyncio.timeout` and `TaskGroup` work. It
    is no future, and nobody waits for it: a subclass says what it runs, and what comes then.
    """

    __slots__ = (
        "__weakref__",
        "_cancels",
        "_context",
        "_coro",
        "_has_finished",
        "_loop",
        "_must_cancel",
        "_name",
        "_steps",
        "_waits_for",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, name: str) -> None:
        self._loop = loop
        self._name = name
        self._context = copy_context()
        self._coro: Coroutine[Any, Any, None] | None = None
        self._steps: Generator[Any, Any, None] | None = None
        self._waits_for: asyncio.Future[Any] | None = None
        self._must_cancel = False
        self._cancels = 0
        self._has_finished = False

    def start(self) -> None:
        """Run until the coroutine has to wait. The code of another task may call this."""
        self._context.run(self._first_step)

    @abstractmethod
    def begin(self) -> Coroutine[Any, Any, None] | None:
        """Return what is to be run, if anything is. Called once, in the context of the task."""

    @abstractmethod
    def finish(self, error: BaseException | None) -> None:
        """Take note that it is over; ``error`` is what was raised. Must not raise.

        Called once, by the task, also if nothing was to be run.
        """

    def cancel(self, msg: object = None) -> bool:  # noqa: ARG002  as a task has it
        """Have `CancelledError` raised in the coroutine, where it waits; False: it is over."""
        if self._has_finished:
            return False
        self._cancels += 1
        if self._waits_for is None or not self._waits_for.cancel():
            self._must_cancel = True
        return True

    def cancelling(self) -> int:
        """Return how often it was cancelled, less how often that was taken back."""
        return self._cancels

    def uncancel(self) -> int:
        """Take one cancellation back; return how many are left."""
        self._cancels = max(0, self._cancels - 1)
        return self._cancels

    def done(self) -> bool:
        """Return whether the coroutine has ended."""
        return self._has_finished

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop that it runs on."""
        return self._loop

    def get_name(self) -> str:
        """Return what it is called."""
        return self._name

    def get_coro(self) -> Coroutine[Any, Any, None] | None:
        """Return what it runs."""
        return self._coro

    def _first_step(self) -> None:
        try:
            coro = self.begin()
        except BaseException as exc:  # noqa: BLE001  # told to who made it
            self._end(exc)
            return
        if coro is None:
            self._end(None)
            return
        self._coro = coro
        self._steps = coro.__await__()
        self._step()

    def _step(self, _: object = None) -> None:
        """Go on with the coroutine; what it waited for is over."""
        loop = self._loop
        outer = _enter(loop, self)
        try:
            self._go_on()
        finally:
            _leave_task(loop, self)  # type: ignore[arg-type]  # any object will do
            if outer is not None:
                _enter_task(loop, outer)

    def _go_on(self) -> None:
        self._waits_for = None
        try:
            if self._must_cancel:
                self._must_cancel = False
                assert self._coro is not None
                waits_for = self._coro.throw(asyncio.CancelledError())
            else:
                # The future that it waits for gives it its result, or raises its exception.
                # `send` would raise at the end, which takes longer than all this.
                waits_for = next(self._steps, _OVER)  # type: ignore[arg-type]  # not None
        except StopIteration:
            self._end(None)
        except BaseException as exc:  # noqa: BLE001  # likewise
            self._end(exc)
        else:
            if waits_for is _OVER:
                self._end(None)
            else:
                self._wait_for(waits_for)

    def _wait_for(self, future: Any) -> None:
        if future is None:  # the coroutine gives others their turn
            self._loop.call_soon(self._step, context=self._context)
            return
        future._asyncio_future_blocking = False  # what every task tells a future
        future.add_done_callback(self._step, context=self._context)
        self._waits_for = future
        if self._must_cancel and future.cancel():
            self._must_cancel = False

    def _end(self, error: BaseException | None) -> None:
        self._has_finished = True
        self.finish(error)
        if error is not None and not isinstance(error, Exception | asyncio.CancelledError):
            raise error  # it ends the whole program


_OVER: Final = object()


def _enter(loop: asyncio.AbstractEventLoop, task: EagerTask) -> asyncio.Task[Any] | None:
    """Make a task the current one; return the one whose code has started it, if that is so."""
    try:
        _enter_task(loop, task)  # type: ignore[arg-type]  # any object will do
    except RuntimeError:
        outer = asyncio.current_task(loop)
        assert outer is not None
        _leave_task(loop, outer)
        _enter_task(loop, task)  # type: ignore[arg-type]
        return outer
    return None
