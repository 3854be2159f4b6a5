"""A task that begins at once, and costs the loop nothing until it has to wait."""

import asyncio
from asyncio import _enter_task, _leave_task  # for tasks of other makes: "Extending" in its manual
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from typing import Any


class EagerTask:
    """Runs a coroutine like `asyncio.Task`, but up to its first wait before `start` returns.

    For whatever asks inside it is the current task: `asyncio.timeout` and `TaskGroup` work. It
    is no future: nobody waits for it, ``done`` is told. What the coroutine raises, unless it is
    `CancelledError`, goes to the loop's exception handler.

    Args:
        done: Is called once the coroutine has ended. Must not raise.
    """

    __slots__ = (
        "__weakref__",
        "_cancels",
        "_context",
        "_coro",
        "_done",
        "_has_ended",
        "_loop",
        "_must_cancel",
        "_name",
        "_waits_for",
    )

    def __init__(
        self,
        coro: Coroutine[Any, Any, None],
        loop: asyncio.AbstractEventLoop,
        name: str,
        done: Callable[["EagerTask"], object],
    ) -> None:
        self._coro = coro
        self._loop = loop
        self._name = name
        self._done = done
        self._context = copy_context()
        self._waits_for: asyncio.Future[Any] | None = None
        self._must_cancel = False
        self._cancels = 0
        self._has_ended = False

    def start(self) -> None:
        """Run until the coroutine has to wait. The code of another task may call this."""
        outer = asyncio.current_task(self._loop)
        if outer is None:
            self._context.run(self._step)
            return
        _leave_task(self._loop, outer)
        try:
            self._context.run(self._step)
        finally:
            _enter_task(self._loop, outer)

    def cancel(self, msg: object = None) -> bool:  # noqa: ARG002  as a task has it
        """Have `CancelledError` raised in the coroutine, where it waits; False: it is over."""
        if self._has_ended:
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
        return self._has_ended

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop that it runs on."""
        return self._loop

    def get_name(self) -> str:
        """Return what it is called."""
        return self._name

    def get_coro(self) -> Coroutine[Any, Any, None]:
        """Return what it runs."""
        return self._coro

    def _step(self, _: object = None) -> None:
        """Go on with the coroutine; what it waited for is over."""
        self._waits_for = None
        loop = self._loop
        _enter_task(loop, self)  # type: ignore[arg-type]  # any object will do
        try:
            if self._must_cancel:
                self._must_cancel = False
                waits_for = self._coro.throw(asyncio.CancelledError())
            else:
                # The future that it waits for gives it its result, or raises its exception.
                waits_for = self._coro.send(None)
        except StopIteration:
            self._end()
        except asyncio.CancelledError:
            self._end()
        except Exception as exc:  # noqa: BLE001  # as a task's, when nobody looks at its result
            self._end()
            problem = {"message": f"the task {self._name!r} failed", "exception": exc}
            loop.call_exception_handler(problem)
        except BaseException:
            self._end()
            raise
        else:
            self._wait_for(waits_for)
        finally:
            _leave_task(loop, self)  # type: ignore[arg-type]

    def _wait_for(self, future: Any) -> None:
        if future is None:  # the coroutine gives others their turn
            self._loop.call_soon(self._step, context=self._context)
            return
        future._asyncio_future_blocking = False  # what every task tells a future
        future.add_done_callback(self._step, context=self._context)
        self._waits_for = future
        if self._must_cancel and future.cancel():
            self._must_cancel = False

    def _end(self) -> None:
        self._has_ended = True
        self._done(self)
