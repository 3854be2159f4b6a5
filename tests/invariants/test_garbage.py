"""What a command leaves behind is gone at once, and does not wait for the collector.

The daemon lets the collector run seldom, so what refers to itself would stay: with texts of 60 KB
that was 11 MB for each client that did not read.
"""

import asyncio
import gc
import json
from collections import Counter

import pytest

from call_api.errors import CallFailed
from call_api.model import CallId
from tests.fakes.fake_client import FakeClient, serving
from tests.fakes.scripted_backend import ScriptedBackend


@pytest.mark.parametrize("timeout", [5.0, 100.0])
async def test_commands_leave_no_garbage(timeout: float) -> None:
    async with serving(ScriptedBackend()) as api:
        client = FakeClient(api)
        await said(client, "first", timeout)
        gc.collect()
        gc.disable()
        try:
            for number in range(20):
                await said(client, f"c{number}", timeout)
            left = garbage()
        finally:
            gc.enable()

    assert {name: count for name, count in left.items() if "call_api" in name} == {}


class Refusing(ScriptedBackend):
    """Refuses at once or after a while, or never answers."""

    async def end(self, callid: CallId) -> None:
        if callid != "at-once":
            await asyncio.sleep(0)
        if callid == "never":
            await asyncio.sleep(100)
        raise CallFailed(486)


@pytest.mark.parametrize(
    ("callid", "timeout"), [("at-once", 100.0), ("later", 100.0), ("later", 5.0), ("never", 0.01)]
)
async def test_commands_that_fail_leave_none_either(callid: str, timeout: float) -> None:
    async with serving(Refusing()) as api:
        client = FakeClient(api)
        await failed(client, "first", callid, timeout)
        gc.collect()
        gc.disable()
        try:
            for number in range(20):
                await failed(client, f"c{number}", callid, timeout)
            left = garbage()
        finally:
            gc.enable()

    assert {name: count for name, count in left.items() if "call_api" in name} == {}


async def failed(client: FakeClient, cmd_id: str, callid: str, timeout: float) -> None:
    client.ask("CallEnd", cmd_id=cmd_id, callid=callid, timeout=timeout)
    assert (await client.story(cmd_id))[0]["event"] == "Error"


async def said(client: FakeClient, cmd_id: str, timeout: float) -> None:
    params = {"cmd_id": cmd_id, "timeout": timeout, "text": "x"}
    request = {"jsonrpc": "2.0", "id": cmd_id, "method": "Echo", "params": params}
    client.send(json.dumps(request))
    await client.story(cmd_id)


def garbage() -> Counter[str]:
    """Count what is reachable from nowhere but itself, by its type."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        gc.collect()
        return Counter(f"{type(one).__module__}.{type(one).__qualname__}" for one in gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
