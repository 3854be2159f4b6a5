"""Follows commands over a connection of its own, and sees that each ends exactly once."""

import asyncio
import itertools
import json
from collections import Counter
from typing import Any

from tests.wire.raw_client import PING, PONG, TEXT, RawClient

UNKNOWN = -32005
ARRIVES_WITHIN = 3.0
"""Seconds after which a request that a vanishing client has sent is taken for lost."""

ENDS_WITHIN = 60.0
"""Seconds after which a command that has not ended counts as hung."""


class Witness:
    """One connection in dialect v2. Not to be used once it is closed.

    Attributes:
        outcomes: How the commands ended: ``ok``, or the name of the error.
        faults: What must not happen, in words.
    """

    def __init__(self, client: RawClient, outcomes: Counter[str], faults: list[str]) -> None:
        self.outcomes = outcomes
        self.faults = faults
        self._client = client
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._told: dict[str, list[dict[str, Any]]] = {}
        self._ended: dict[str, asyncio.Event] = {}

    async def read(self) -> None:
        """Take what comes, until cancelled.

        Raises:
            EOFError, ConnectionError: The daemon has dropped this client, which is polite.
        """
        while True:
            opcode, payload = await self._next()
            if opcode == PING:
                self._client.send(PONG, payload)
            elif opcode == TEXT:
                self._take(json.loads(payload))
            else:
                raise ConnectionError(f"sent away: {payload!r}")

    async def ask(self, method: str, **params: object) -> Any:
        """Return the answer to a request."""
        number = next(self._ids)
        request = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        self._client.send(TEXT, json.dumps(request).encode())
        async with asyncio.timeout(ENDS_WITHIN):
            return await answer

    async def run(self, method: str, cmd_id: str, **params: object) -> None:
        """Run a command from this connection, and wait until it has ended."""
        self._expect(cmd_id)
        await self.ask(method, cmd_id=cmd_id, **params)
        await self._until_ended(cmd_id)

    async def follow(self, cmd_id: str, *, must_arrive: bool) -> str | None:
        """Wait until another's command has ended; return its call, if it says which that is."""
        self._expect(cmd_id)
        if not await self._attached(cmd_id):
            if must_arrive:
                self.faults.append(f"{cmd_id} was never heard of")
            self.outcomes["never arrived"] += 1
            return None
        return await self._until_ended(cmd_id)

    def _expect(self, cmd_id: str) -> None:
        self._told[cmd_id], self._ended[cmd_id] = [], asyncio.Event()

    async def _until_ended(self, cmd_id: str) -> str | None:
        try:
            async with asyncio.timeout(ENDS_WITHIN):
                await self._ended[cmd_id].wait()
        except TimeoutError:
            self.faults.append(f"{cmd_id} has not ended: {self._told[cmd_id]}")
            return None
        return self._judge(cmd_id)

    async def _attached(self, cmd_id: str) -> bool:
        until = asyncio.get_running_loop().time() + ARRIVES_WITHIN
        while True:
            answer = await self.ask("CommandAttach", cmd_id=cmd_id)
            if "result" in answer:
                return True
            if answer["error"]["code"] != UNKNOWN:
                self.faults.append(f"{cmd_id} cannot be followed: {answer}")
            if asyncio.get_running_loop().time() > until:
                return False
            await asyncio.sleep(0.2)

    def _judge(self, cmd_id: str) -> str | None:
        told = self._told[cmd_id]
        if [one["seq"] for one in told] != list(range(1, len(told) + 1)):
            self.faults.append(f"{cmd_id} was told with gaps: {told}")
        errors = [one["error"]["name"] for one in told if one["event"] == "Error"]
        if len(errors) > 1 or (errors and told[-2]["event"] != "Error"):
            self.faults.append(f"{cmd_id} failed in an odd way: {told}")
        self.outcomes[errors[0] if errors else "ok"] += 1
        data = told[-1].get("data") or {}
        callid: str | None = data.get("callid") if not errors else None
        return callid

    def _take(self, text: Any) -> None:
        if "method" not in text:
            answer = self._answers.pop(text["id"])
            if not answer.done():
                answer.set_result(text)
        elif (cmd_id := text["params"].get("cmd_id")) is not None:
            self._tell(cmd_id, text["params"])

    def _tell(self, cmd_id: str, params: dict[str, Any]) -> None:
        if cmd_id not in self._told:
            self.faults.append(f"{cmd_id} is told, and was not asked for")
            return
        if self._ended[cmd_id].is_set():
            self.faults.append(f"{cmd_id} is told after its end: {params}")
        self._told[cmd_id].append(params)
        if params["event"] == "Ended":
            self._ended[cmd_id].set()

    async def _next(self) -> tuple[int, bytes]:
        first, size = await self._client.reader.readexactly(2)
        if size >= 126:
            size = int.from_bytes(await self._client.reader.readexactly(2 if size == 126 else 8))
        return first & 0x0F, await self._client.reader.readexactly(size)
