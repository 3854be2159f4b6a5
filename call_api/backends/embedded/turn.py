"""One at a time, in order of asking: who may have an INVITE open in a dialog."""

import asyncio
from collections import deque


class Turn:
    """A lock that can also be tried at once, from where nobody can wait.

    An INVITE needs it from the first request to the ACK, whoever sends it (RFC 3261,
    section 14.1). Who took it gives it back, perhaps in a callback long after.
    """

    __slots__ = ("_is_taken", "_waiting")

    def __init__(self) -> None:
        self._is_taken = False
        self._waiting: deque[asyncio.Future[None]] | None = None

    @property
    def is_taken(self) -> bool:
        """Whether somebody has it."""
        return self._is_taken

    def try_take(self) -> bool:
        """Take it if it is free; return whether it was."""
        if self._is_taken:
            return False
        self._is_taken = True
        return True

    async def take(self) -> None:
        """Wait for it behind those who asked before."""
        if self.try_take():
            return
        ready = asyncio.get_running_loop().create_future()
        if self._waiting is None:
            self._waiting = deque()
        self._waiting.append(ready)
        try:
            await ready
        except asyncio.CancelledError:
            if not ready.cancelled():  # it was handed over in the same moment
                self.give()
            raise

    def give(self) -> None:
        """Hand it to the next one who waits."""
        while self._waiting:
            ready = self._waiting.popleft()
            if not ready.done():  # the others gave up
                ready.set_result(None)
                return
        self._is_taken = False
