"""A client of the daemon over a real WebSocket that keeps every frame in order."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

Frame: TypeAlias = dict[str, Any]
FRAME_WITHIN = 15.0


class Client:
    """Sends requests and reads frames; whoever waits reads, so there is no task."""

    def __init__(self, connection: ClientConnection, dialect: str) -> None:
        self._connection = connection
        self._ids = itertools.count(1)
        self.dialect = dialect
        self.frames: list[Frame] = []

    async def send(self, method: str, params: Frame | None = None) -> int:
        """Send a request; return its id."""
        id_ = next(self._ids)
        request = {"jsonrpc": "2.0", "id": id_, "method": method, "params": params or {}}
        await self._connection.send(json.dumps(request))
        return id_

    async def until(self, wanted: Callable[[Frame], object]) -> Frame:
        """Return the first frame, from the beginning on, that is ``wanted``."""
        for seen in itertools.count():
            if seen == len(self.frames):
                await self._read()
            if wanted(self.frames[seen]):
                return self.frames[seen]
        raise AssertionError

    async def _read(self) -> None:
        try:
            async with asyncio.timeout(FRAME_WITHIN):
                text = await self._connection.recv(decode=True)
        except TimeoutError:
            raise AssertionError(f"no further frame after {self.frames}") from None
        self.frames.append(json.loads(text))

    async def answer(self, method: str, params: Frame | None = None) -> Frame:
        """Send a request and return its whole response."""
        id_ = await self.send(method, params)
        return await self.until(lambda frame: frame.get("id") == id_)

    async def result(self, method: str, params: Frame | None = None) -> Any:
        """Send a request and return what it was answered."""
        answer = await self.answer(method, params)
        assert "result" in answer, answer
        return answer["result"]

    async def begin(self, method: str, params: Frame | None = None) -> "Command":
        """Start a command and check how it was answered."""
        id_ = await self.send(method, params)
        answer = await self.until(lambda frame: frame.get("id") == id_)
        result = answer.get("result", {})
        started = {"cmd_id": result.get("cmd_id"), "status": "Started", "event": "Started"}
        assert answer == {"jsonrpc": "2.0", "id": id_, "result": started}
        before = self.frames[: self.frames.index(answer)]
        assert not [frame for frame in before if cmd_id_of(frame) == result["cmd_id"]]
        return Command(self, result["cmd_id"])

    async def attach(self, cmd_id: str, after: int = 0) -> "Command":
        """Listen to a command that another connection started."""
        await self.result("CommandAttach", {"cmd_id": cmd_id, "after": after})
        return Command(self, cmd_id)

    async def run(self, method: str, params: Frame | None = None) -> list[Frame]:
        """Run a command to its end; return its notifications."""
        command = await self.begin(method, params)
        return await command.end()

    async def close_code(self) -> int | None:
        """Read until the daemon closes the connection; return the code."""
        try:
            while True:
                await self._read()
        except ConnectionClosed:
            return self._connection.close_code


def cmd_id_of(frame: Frame) -> str | None:
    params = frame.get("params")
    return params.get("cmd_id") if isinstance(params, dict) else None


class Command:
    """One command of one client."""

    def __init__(self, client: Client, cmd_id: str) -> None:
        self.client = client
        self.cmd_id = cmd_id

    @property
    def frames(self) -> list[Frame]:
        return [frame for frame in self.client.frames if cmd_id_of(frame) == self.cmd_id]

    async def event(self, name: str) -> Frame:
        """Wait for an event; return the params of its notification."""
        frame = await self.client.until(
            lambda frame: cmd_id_of(frame) == self.cmd_id and frame["params"].get("event") == name
        )
        params: Frame = frame["params"]
        return params

    async def end(self) -> list[Frame]:
        """Wait for Ended; return all notifications, checked for what is true of all commands."""
        await self.event("Ended")
        frames = self.frames
        events = [frame["params"]["event"] for frame in frames]
        assert all(frame.keys() == {"jsonrpc", "method", "params"} for frame in frames)
        assert [frame["params"]["seq"] for frame in frames] == list(range(1, len(frames) + 1))
        assert events.count("Ended") == 1
        assert events[-1] == "Ended"
        assert "Error" not in events[:-2]
        return frames

    async def error(self) -> Frame:
        """Wait for the end; return the members of the error it ended with."""
        *_, error, _ended = await self.end()
        assert error["params"]["event"] == "Error", self.frames
        member: Frame = error["params"]["error" if self.client.dialect == "v2" else "details"]
        return member


@asynccontextmanager
async def connected(url: str, dialect: str) -> AsyncIterator[Client]:
    """A client that speaks a dialect."""
    async with connect(f"{url}/{dialect}", open_timeout=FRAME_WITHIN) as connection:
        yield Client(connection, dialect)
