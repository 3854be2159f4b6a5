"""A client without a socket: it asks, and remembers every text that it was sent."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from call_api.access.standing import Standing
from call_api.backends.base import Backend
from call_api.conversation import Api, Conversation, Limits
from call_api.journal import Journal
from call_api.memory_journal import MemoryJournal
from call_api.model import DialectName
from call_api.runner import Runner
from call_api.watches import Watchers


@asynccontextmanager
async def serving(
    backend: Backend,
    *,
    journal: Journal | None = None,
    limits: Limits | None = None,
    cleanup_within: float = 5.0,
) -> AsyncIterator[Api]:
    """Everything but the sockets of a daemon."""
    loop = asyncio.get_running_loop()
    journal = journal or MemoryJournal(clock=loop.time, call_soon=loop.call_soon)
    runner = Runner(journal=journal, backend=backend, cleanup_within=cleanup_within)
    async with runner:
        yield Api(
            journal=journal,
            runner=runner,
            backend=backend,
            watchers=Watchers(backend),
            limits=limits or Limits(),
        )


class FakeClient:
    """One client in a conversation of its own.

    Args:
        within: Seconds that it waits for a text.
        standing: What it may ask; by default anything.

    Attributes:
        raw: Every text that it was sent, in order.
        texts: The same, decoded.
    """

    def __init__(
        self,
        api: Api,
        dialect: DialectName = "v2",
        within: float = 5.0,
        standing: Standing | None = None,
    ) -> None:
        self.raw: list[bytes] = []
        self.texts: list[Any] = []
        self._news = asyncio.Event()
        self._ids = 0
        self._within = within
        self._conversation = Conversation(
            dialect=dialect,
            api=api,
            send=self._take,
            peer=f"{dialect}-client",
            standing=standing,
        )

    def send(self, text: str | bytes) -> None:
        """Send a text as it is."""
        self._conversation.receive(text)

    def ask(self, method: str, **params: object) -> int:
        """Send a request; return its id."""
        self._ids += 1
        request = {"jsonrpc": "2.0", "id": self._ids, "method": method, "params": params}
        self.send(json.dumps(request))
        return self._ids

    def leave(self) -> None:
        """Lose the connection."""
        self._conversation.close()

    async def answer(self, id_: object) -> Any:
        """Wait for the answer to a request."""
        return await self.until(
            lambda text: isinstance(text, dict) and "method" not in text and text["id"] == id_
        )

    async def result(self, id_: object) -> Any:
        """Wait for the answer to a request, and return its result."""
        return (await self.answer(id_))["result"]

    async def error(self, id_: object) -> Any:
        """Wait for the answer to a request, and return its error."""
        return (await self.answer(id_))["error"]

    async def story(self, cmd_id: str) -> list[dict[str, Any]]:
        """Wait until a command has ended; return the params of its notifications."""
        await self.until(lambda _: any(one["event"] == "Ended" for one in self.told(cmd_id)))
        return self.told(cmd_id)

    def told(self, cmd_id: str) -> list[dict[str, Any]]:
        """Return the params of the notifications of a command so far."""
        return [text["params"] for text in self._notifications(cmd_id)]

    def changes(self) -> list[dict[str, Any]]:
        """Return the params of the changes of calls that it was told so far."""
        return [text["params"] for text in self.texts if text.get("method") == "CallEvent"]

    async def until(self, wanted: Callable[[Any], bool]) -> Any:
        """Wait for a text."""
        async with asyncio.timeout(self._within):
            while True:
                for text in self.texts:
                    if wanted(text):
                        return text
                self._news.clear()
                await self._news.wait()

    def _notifications(self, cmd_id: str) -> list[dict[str, Any]]:
        return [
            text
            for text in self.texts
            if isinstance(text, dict) and text.get("params", {}).get("cmd_id") == cmd_id
        ]

    def _take(self, text: bytes) -> None:
        self.raw.append(text)
        self.texts.append(json.loads(text))
        self._news.set()
