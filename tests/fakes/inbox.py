"""Keeps what a transport received until a test asks for it."""

import asyncio

from call_api.sip.flow import Flow


class Inbox:
    """A `Receive` that remembers."""

    def __init__(self) -> None:
        self._received: asyncio.Queue[tuple[bytes, Flow]] = asyncio.Queue()

    def __call__(self, data: bytes, flow: Flow) -> None:
        self._received.put_nowait((data, flow))

    def __len__(self) -> int:
        return self._received.qsize()

    async def next(self) -> tuple[bytes, Flow]:
        """Return the oldest message that was not asked for yet."""
        async with asyncio.timeout(10):
            return await self._received.get()
