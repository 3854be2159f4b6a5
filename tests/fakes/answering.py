"""A daemon of which a test writes what it does with each connection, one after the other."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

from websockets.asyncio.server import ServerConnection

from tests.fakes.websocket_peers import daemon

LAST = "mine"


class Line:
    """One connection, as the daemon sees it.

    Attributes:
        headers: Those of the handshake.
    """

    def __init__(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.headers = connection.request.headers
        self.path = connection.request.path
        self._connection = connection

    async def request(self) -> dict[str, Any]:
        """Return the next request."""
        asked: dict[str, Any] = json.loads(await self._connection.recv())
        return asked

    async def result(self, request: dict[str, Any], result: object) -> None:
        """Answer it."""
        await self._say(id=request["id"], result=result)

    async def refuse(self, request: dict[str, Any], code: int, **data: object) -> None:
        """Answer it with an error."""
        error = {"code": code, "message": "no", "data": data}
        await self._say(id=request["id"], error=error)

    async def start(self, request: dict[str, Any]) -> None:
        """Answer that the command has been started."""
        cmd_id = request["params"]["cmd_id"]
        await self.result(request, {"cmd_id": cmd_id, "status": "Started", "event": "Started"})

    async def tell(self, seq: int, event: str, data: object = None, cmd_id: str = LAST) -> None:
        """Tell an event of a command, in dialect v2."""
        params = {"cmd_id": cmd_id, "seq": seq, "event": event}
        await self._say(method="CallStart", params=params | ({"data": data} if data else {}))

    async def notify(self, method: str, params: object) -> None:
        """Say anything else."""
        await self._say(method=method, params=params)

    async def close(self, code: int) -> None:
        """Send the client away."""
        await self._connection.close(code)

    async def until_gone(self) -> None:
        """Wait until the client is."""
        await self._connection.wait_closed()

    async def _say(self, **members: object) -> None:
        await self._connection.send(json.dumps({"jsonrpc": "2.0", **members}))


Act: TypeAlias = Callable[[Line], Awaitable[None]]


@asynccontextmanager
async def answering(*acts: Act) -> AsyncIterator[str]:
    """Run it; return its URL.

    Args:
        acts: What it does with its first connection, its second one, and so on; the last one
            counts for all that come after.
    """
    number = iter(range(1_000_000))

    async def act(connection: ServerConnection) -> None:
        await acts[min(next(number), len(acts) - 1)](Line(connection))

    async with daemon(act) as url:
        yield url
