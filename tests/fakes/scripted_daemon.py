"""A daemon that says what its script tells it to, over a real WebSocket.

A script gives for each method the `Line`s that answer it. Every request is remembered.
"""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

Line: TypeAlias = Callable[["Scene", dict[str, Any]], str | None]
"""Says something to one request: text to send, or None when it did something else."""

Script: TypeAlias = Mapping[str, Sequence[Line]]

SWITCHING = 101
CMD_ID = "b8179f1e-0b5c-4a35-9d5a-2f9c0a3c1f42"
CALLID = "1fc8043a-62f1-4a0c-8f0e-9a1f3b1c7d55"


@dataclass
class ScriptedDaemon:
    """What a test sees of it."""

    port: int = 0
    requests: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/call-api"


@dataclass
class Scene:
    """One connection."""

    daemon: ScriptedDaemon
    connection: ServerConnection
    is_over: bool = False


def result(value: object) -> Line:
    return lambda _, request: json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": value})


def refusal(code: int, message: str, **data: object) -> Line:
    error = {"code": code, "message": message, **({"data": data} if data else {})}
    return lambda _, request: json.dumps({"jsonrpc": "2.0", "id": request["id"], "error": error})


def started() -> Line:
    def say(_: Scene, request: dict[str, Any]) -> str:
        value = {"cmd_id": _cmd_id(request), "status": "Started", "event": "Started"}
        return json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": value})

    return say


def v2(event: str, seq: int, data: object = None, **members: object) -> Line:
    """A notification as dialect v2 has it."""

    def say(_: Scene, request: dict[str, Any]) -> str:
        params = {"cmd_id": _cmd_id(request), "seq": seq, "event": event, **members}
        if data is not None:
            params["data"] = data
        return json.dumps({"jsonrpc": "2.0", "method": request["method"], "params": params})

    return say


def v1(method: str, seq: int, event: str, **members: object) -> Line:
    """A notification as dialect v1 has it; ``data`` and ``details`` come as keywords."""

    def say(_: Scene, request: dict[str, Any]) -> str:
        params = {"cmd_id": _cmd_id(request), "seq": seq, "event": event, **members}
        return json.dumps({"jsonrpc": "2.0", "method": method, "params": params})

    return say


def change(event: str, call: Mapping[str, object], **members: object) -> Line:
    """A change of a call that is watched."""
    params = {"callid": call["callid"], "event": event, "call": call, **members}
    return raw(json.dumps({"jsonrpc": "2.0", "method": "CallEvent", "params": params}))


def raw(text: str) -> Line:
    return lambda _scene, _request: text


def die() -> Line:
    """The daemon is killed."""

    def act(scene: Scene, _: dict[str, Any]) -> None:
        scene.is_over = True
        scene.connection.transport.abort()

    return act


def failed(seq: int, code: int, name: str, sentence: str, **data: object) -> list[Line]:
    """The two notifications that end a command which failed."""
    error = {"code": code, "name": name, **data}
    return [v2("Error", seq, sentence, error=error), v2("Ended", seq + 1)]


def call_start(caller: str, callee: str, callid: str = CALLID) -> list[Line]:
    """A CallStart that goes well."""
    parties = {"callid": callid, "caller": caller, "callee": callee}
    return [
        started(),
        v2("CallerAnswered", 1, {"caller": caller, "callee": callee}),
        v2("Transferring", 2, {"caller": caller, "destination": callee}),
        v2("TransferStart", 3, parties),
        v2("TransferPending", 4, {**parties, "extra": "180 Ringing"}),
        v2("CalleeAnswered", 5, parties),
        v2("Ended", 6),
    ]


def _cmd_id(request: dict[str, Any]) -> str:
    cmd_id: str = request.get("params", {}).get("cmd_id", CMD_ID)
    return cmd_id


@asynccontextmanager
async def scripted_daemon(script: Script, status: int = 101) -> AsyncIterator[ScriptedDaemon]:
    """Run it.

    Args:
        status: What it answers a handshake with; only 101 lets a client in.
    """
    daemon = ScriptedDaemon()

    def decide(connection: ServerConnection, _: Request) -> Response | None:
        return None if status == SWITCHING else connection.respond(status, "no\n")

    async def play(connection: ServerConnection) -> None:
        assert connection.request is not None
        daemon.paths.append(connection.request.path)
        scene = Scene(daemon, connection)
        async for message in connection:
            request = json.loads(message)
            daemon.requests.append(request)
            for line in script.get(request["method"], [refusal(-32601, "Method not found")]):
                text = line(scene, request)
                if text is not None and not scene.is_over:
                    await connection.send(text)

    limits: dict[str, Any] = {"ping_interval": None, "close_timeout": 1}
    async with serve(play, "127.0.0.1", 0, process_request=decide, **limits) as server:
        daemon.port = server.sockets[0].getsockname()[1]
        yield daemon


@contextmanager
def daemon_in_a_thread(script: Script, status: int = 101) -> Iterator[ScriptedDaemon]:
    """The same, for tests of programs that have an event loop of their own."""
    ready = threading.Event()
    shared: dict[str, Any] = {}

    async def play() -> None:
        async with scripted_daemon(script, status) as daemon:
            shared.update(daemon=daemon, loop=asyncio.get_running_loop(), over=asyncio.Event())
            ready.set()
            await shared["over"].wait()

    thread = threading.Thread(target=asyncio.run, args=[play()], name="scripted daemon")
    thread.start()
    assert ready.wait(10)
    try:
        yield shared["daemon"]
    finally:
        shared["loop"].call_soon_threadsafe(shared["over"].set)
        thread.join(10)
    assert not thread.is_alive()
