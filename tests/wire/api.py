"""A whole daemon on a scripted back end, and a client that speaks JSON-RPC to it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self
from urllib.parse import urlsplit

from msgspec import structs

from call_api.backends.base import Backend
from call_api.config import Config, WsServer
from call_api.daemon import Daemon, serving
from tests.fakes.scripted_backend import ScriptedBackend
from tests.wire.raw_client import TEXT, RawClient

ALICE, BOB, CAROL = "sip:alice@10.0.0.10", "sip:bob@10.0.0.11", "sip:carol@10.0.0.12"


@asynccontextmanager
async def running(
    backend: Backend | None = None,
    *,
    ws_server: dict[str, Any] | None = None,
    **settings: Any,
) -> AsyncIterator[Daemon]:
    """A daemon on a free port of loopback.

    Args:
        ws_server: What differs there from the defaults.
        settings: What differs elsewhere.
    """
    server = structs.replace(WsServer(host="127.0.0.1", port=0), **(ws_server or {}))
    config = structs.replace(Config(), ws_server=server, **settings)

    @asynccontextmanager
    async def open_backend(_: Config) -> AsyncIterator[Backend]:
        yield backend or ScriptedBackend()

    async with serving(config, open_backend) as daemon:
        yield daemon


def address(daemon: Daemon) -> tuple[str, int]:
    """Return where the daemon listens."""
    url = urlsplit(daemon.urls[0])
    assert url.hostname is not None
    assert url.port is not None
    return url.hostname, url.port


class JsonClient(RawClient):
    """A client whose texts are JSON."""

    @classmethod
    async def to(cls, daemon: Daemon, path: str = "/call-api") -> Self:
        """Connect to a daemon."""
        return await cls.open(address(daemon), path)

    def ask(self, method: str, params: object = None, *, id: object = "1", **more: object) -> None:  # noqa: A002
        """Send a request; one with ``id=...`` set to None is sent with a null id."""
        request = {"jsonrpc": "2.0", "id": id, "method": method, **more}
        self.say(request if params is None else {**request, "params": params})

    def say(self, value: object) -> None:
        """Send any JSON."""
        self.send(TEXT, json.dumps(value).encode())

    async def json(self) -> Any:
        """Return the next thing that the daemon says."""
        return json.loads(await self.text())

    async def answer(self, method: str, params: object = None, **more: object) -> Any:
        """Send a request, and return the next thing that the daemon says."""
        self.ask(method, params, **more)
        return await self.json()

    async def story(self, method: str, params: object = None) -> tuple[str, list[Any]]:
        """Run a command; return its cmd_id and all its notifications, up to `Ended`."""
        answer = await self.answer(method, params)
        assert answer["id"] == "1"
        cmd_id = answer["result"]["cmd_id"]
        assert answer == {
            "jsonrpc": "2.0",
            "id": "1",
            "result": {"cmd_id": cmd_id, "status": "Started", "event": "Started"},
        }
        told = [await self.json()]
        while told[-1]["params"]["event"] != "Ended":
            told.append(await self.json())
        return cmd_id, told
