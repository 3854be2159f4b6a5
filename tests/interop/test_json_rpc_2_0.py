"""npm's json-rpc-2.0 over ws, at a real daemon."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from call_api.backends.base import StartStep
from call_api.errors import CallFailed
from call_api.model import CallId
from tests.fakes.call_changes import change
from tests.fakes.outside import NODE, needs
from tests.fakes.scripted_backend import ScriptedBackend
from tests.wire.api import ALICE, BOB, running

pytestmark = [pytest.mark.programs, needs("node")]

CALL = CallId("1fc8043a")
EVENTS = ["CallerAnswered", "Transferring", "TransferStart", "CalleeAnswered", "Ended"]
PARTIES = {"caller": ALICE, "callee": BOB}


async def played(
    backend: ScriptedBackend, dialect: str, *steps: Any
) -> tuple[list[Any], list[Any]]:
    """Have the client do these; return the results, and what it was told."""
    async with asyncio.timeout(20), running(backend) as daemon:
        process = await asyncio.create_subprocess_exec(
            "node",
            str(Path(__file__).with_name("client.cjs")),
            f"{daemon.urls[0]}/{dialect}",
            json.dumps(steps),
            env={"NODE_PATH": str(NODE / "node_modules"), "PATH": os.environ["PATH"]},
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await process.communicate()
        assert process.returncode == 0
    said = json.loads(out)
    return said["results"], said["told"]


@pytest.mark.parametrize(
    ("dialect", "methods"), [("v1", {"Event", "Ended"}), ("v2", {"CallStart"})]
)
async def test_a_command_is_started_and_told(dialect: str, methods: set[str]) -> None:
    backend = ScriptedBackend(
        StartStep(state="answered", callid=CALL), StartStep(state="ok", callid=CALL)
    )

    results, told = await played(backend, dialect, ["CallStart", {**PARTIES, "cmd_id": "mine"}])

    assert results == [{"cmd_id": "mine", "status": "Started", "event": "Started"}]
    assert {one["method"] for one in told} == methods
    assert [one["event"] for one in told] == EVENTS
    assert [one["seq"] for one in told] == [1, 2, 3, 4, 5]


async def test_a_command_that_fails_is_told() -> None:
    backend = ScriptedBackend(CallFailed(486, "Busy Here"))

    _, told = await played(backend, "v2", ["CallStart", PARTIES])

    assert [one["event"] for one in told] == ["Error", "Ended"]
    assert told[0]["error"]["status"] == 486


async def test_questions_refusals_and_batches_are_answered() -> None:
    backend = ScriptedBackend(calls=[change("a").call])

    results, _ = await played(
        backend,
        "v2",
        ["CallList", {"limit": 5}],
        ["CallStart", {"caller": "alice", "callee": BOB}],
        ["NoSuchMethod", {}],
        [["CallList", {}], ["CommandStatus", {"cmd_id": "gone"}]],
    )

    listed, refused, unknown, batch = results
    assert [call["callid"] for call in listed["calls"]] == ["a"]
    assert (refused["code"], refused["data"]["param"]) == (-32602, "caller")
    assert unknown["code"] == -32601
    assert [one["jsonrpc"] for one in batch] == ["2.0", "2.0"]
    assert batch[0]["result"]["calls"][0]["callid"] == "a"
    assert batch[1]["error"]["code"] == -32005
