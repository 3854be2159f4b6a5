"""The steps of an operation as a stream, as commands read them."""

import asyncio
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Generic, TypeVar

from call_api.backends.embedded.operation import Operation, may_act
from call_api.backends.embedded.switchboard import Switchboard

S = TypeVar("S")

MAX_STEPS = 256
"""Steps that may wait to be read; beyond it the oldest go, as a reader that slow has left."""

LEAVE_WITHIN = 1.0
"""Seconds that leaving waits for what has to be put back; it goes on without the reader."""


class Steps(Generic[S]):
    """Runs an operation while it is entered; left early, the operation is stopped and undone.

    Args:
        make: Makes the operation, which is to tell its steps to the callback given here. What
            it raises, entering the stream raises.
    """

    def __init__(
        self, board: Switchboard, make: Callable[[Callable[[S], None]], Operation]
    ) -> None:
        self._board = board
        self._make = make
        self._operation: Operation | None = None
        self._steps: deque[S] = deque(maxlen=MAX_STEPS)
        self._wake: asyncio.Future[None] | None = None

    async def __aenter__(self) -> "Steps[S]":
        await may_act()
        operation = self._operation = self._make(self._take)
        operation.on_done = self._rouse
        self._board.start(operation)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        operation = self._operation
        if operation is None:
            return
        if operation.is_done:
            if self._steps and operation.error is None:
                operation.unread()
            return
        operation.stop()
        self._wake = wake = asyncio.get_running_loop().create_future()
        await asyncio.wait([wake], timeout=LEAVE_WITHIN)

    def __aiter__(self) -> "Steps[S]":
        return self

    async def __anext__(self) -> S:
        assert self._operation is not None  # it is entered first
        while not self._steps:
            if self._operation.is_done:
                if self._operation.error is not None:
                    raise self._operation.error
                raise StopAsyncIteration
            self._wake = asyncio.get_running_loop().create_future()
            try:
                await self._wake
            except asyncio.CancelledError:
                # Too late to leave early: what is through cannot be undone, so it is told.
                if not self._operation.is_done or self._operation.error is not None:
                    raise
        return self._steps.popleft()

    def _take(self, step: S) -> None:
        self._steps.append(step)
        self._rouse()

    def _rouse(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)
