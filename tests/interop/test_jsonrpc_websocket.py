"""PyPI's jsonrpc-websocket, at a real daemon."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from jsonrpc_base import ProtocolError
from jsonrpc_websocket import Server

from call_api.backends.base import StartStep
from call_api.errors import CallFailed
from call_api.model import CallId
from tests.fakes.call_changes import change
from tests.fakes.scripted_backend import ScriptedBackend
from tests.wire.api import ALICE, BOB, running

CALL = CallId("1fc8043a")
EVENTS = ["CallerAnswered", "Transferring", "TransferStart", "CalleeAnswered", "Ended"]


@asynccontextmanager
async def connected(backend: ScriptedBackend, dialect: str) -> AsyncIterator[tuple[Any, list[Any]]]:
    """A client, and what it is told: method and params of each notification."""
    told: list[Any] = []
    async with asyncio.timeout(10), running(backend) as daemon:
        server = Server(f"{daemon.urls[0]}/{dialect}")
        for method in ("Event", "Error", "Ended", "CallStart", "CallEvent"):
            setattr(server, method, hearing(told, method))
        reading = await server.ws_connect()
        try:
            yield server, told
        finally:
            await server.close()
            await reading


def hearing(told: list[Any], method: str) -> Any:
    return lambda **params: told.append((method, params))


async def until_ended(told: list[Any]) -> None:
    while not any(params.get("event") == "Ended" for _, params in told):  # noqa: ASYNC110  # no news
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("dialect", "methods"), [("v1", ["Event"] * 4 + ["Ended"]), ("v2", ["CallStart"] * 5)]
)
async def test_a_command_is_started_and_told(dialect: str, methods: list[str]) -> None:
    backend = ScriptedBackend(
        StartStep(state="answered", callid=CALL), StartStep(state="ok", callid=CALL)
    )
    async with connected(backend, dialect) as (server, told):
        result = await server.CallStart(caller=ALICE, callee=BOB, cmd_id="mine")
        await until_ended(told)

    assert result == {"cmd_id": "mine", "status": "Started", "event": "Started"}
    assert [method for method, _ in told] == methods
    assert [params["event"] for _, params in told] == EVENTS
    assert [params["seq"] for _, params in told] == [1, 2, 3, 4, 5]


async def test_a_command_that_fails_is_told() -> None:
    async with connected(ScriptedBackend(CallFailed(486, "Busy Here")), "v1") as (server, told):
        await server.CallStart(caller=ALICE, callee=BOB)
        await until_ended(told)

    assert [method for method, _ in told] == ["Error", "Ended"]
    assert told[0][1]["details"]["status"] == 486


async def test_questions_and_refusals_are_answered_and_changes_told() -> None:
    backend = ScriptedBackend(calls=[change("a").call])
    async with connected(backend, "v2") as (server, told):
        calls = (await server.CallList(limit=5))["calls"]
        with pytest.raises(ProtocolError) as caught:
            await server.CallStart(caller="alice", callee=BOB)
        await server.CallWatch()
        backend.tell(change("a", "ended"))
        await server.CallList()

    assert [call["callid"] for call in calls] == ["a"]
    code, message, response = caught.value.args
    data = response["error"]["data"]
    assert (code, message, data["param"]) == (-32602, "Invalid params", "caller")
    assert [(method, params["event"]) for method, params in told] == [("CallEvent", "ended")]
