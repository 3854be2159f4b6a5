"""What a command leaves behind is gone at once, and does not wait for the collector.

The daemon lets the collector run seldom, so what refers to itself would stay: with texts of 60 KB
that was 11 MB for each client that did not read.
"""

import gc
import json
from collections import Counter

import pytest

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
