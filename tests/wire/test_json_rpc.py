"""JSON-RPC 2.0 in full, over a real WebSocket."""

from typing import Any

import pytest

from tests.fakes.scripted_backend import ScriptedBackend
from tests.wire.api import ALICE, BOB, JsonClient, running

TALK = {"caller": ALICE, "callee": BOB}


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("{", {"id": None, "error": {"code": -32700, "message": "Parse error"}}),
        ("[" * 5000, {"id": None, "error": {"code": -32700, "message": "Parse error"}}),
        ('"\\ud800"', {"id": None, "error": {"code": -32700, "message": "Parse error"}}),
        (
            '{"jsonrpc": "2.0", "id": 7, "method": "Nonsense"}',
            {"id": 7, "error": {"code": -32601, "message": "Method not found"}},
        ),
        (
            '{"jsonrpc": "2.0", "id": 1.5, "method": "CallEnd", "params": ["x"]}',
            {
                "id": 1.5,
                "error": {
                    "code": -32602,
                    "message": "Invalid params",
                    "data": {
                        "param": None,
                        "problem": "parameters are given by name, in an object",
                    },
                },
            },
        ),
    ],
)
async def test_what_is_no_good_request_is_answered_at_once(text: str, answer: Any) -> None:
    async with running() as daemon, await JsonClient.to(daemon) as client:
        client.send(1, text.encode())

        assert await client.json() == {"jsonrpc": "2.0", **answer}


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"caller": ALICE}, "callee"),
        ({**TALK, "extra": 1}, "extra"),
        ({"caller": "sip:a@b\r\nX: 1", "callee": BOB}, "caller"),
        ({"caller": ALICE, "callee": "sip:b@h?Replaces=x"}, "callee"),
        ({**TALK, "cmd_id": "ü"}, "cmd_id"),
        ({**TALK, "timeout": 0}, "timeout"),
    ],
)
async def test_a_wrong_parameter_is_named_in_the_response(params: object, param: str) -> None:
    backend = ScriptedBackend()
    async with running(backend) as daemon, await JsonClient.to(daemon) as client:
        answer = await client.answer("CallStart", params)

    assert answer["error"]["code"] == -32602
    assert answer["error"]["data"]["param"] == param
    assert backend.asked == []


async def test_v1_wants_the_version_and_v2_does_not() -> None:
    request = {"id": 1, "method": "CommandList"}
    async with running() as daemon:
        async with await JsonClient.to(daemon, "/call-api/v1") as client:
            client.say(request)
            assert (await client.json())["error"]["code"] == -32600
        async with await JsonClient.to(daemon, "/call-api/v2") as client:
            client.say(request)
            assert (await client.json())["result"] == {"commands": []}


async def test_a_batch_is_answered_by_one_array_before_its_notifications() -> None:
    async with running() as daemon, await JsonClient.to(daemon) as client:
        client.say(
            [
                {"jsonrpc": "2.0", "id": 1, "method": "Echo", "params": {"n": 1}},
                {"jsonrpc": "2.0", "method": "Echo", "params": {"n": 2}},
                {"jsonrpc": "2.0", "id": 3, "method": "Nonsense"},
                5,
            ]
        )
        answers = await client.json()
        told = [await client.json() for _ in range(4)]

    assert [(answer["id"], "error" in answer) for answer in answers] == [
        (1, False),
        (3, True),
        (None, True),
    ]
    replies = [frame["params"]["details"] for frame in told if frame["method"] == "Event"]
    assert sorted(reply["n"] for reply in replies) == [1, 2]


async def test_a_notification_runs_and_is_told_without_a_response() -> None:
    async with running() as daemon, await JsonClient.to(daemon) as client:
        client.say({"jsonrpc": "2.0", "method": "Echo", "params": {"x": 1}})
        told = [await client.json(), await client.json()]

    assert [frame["method"] for frame in told] == ["Event", "Ended"]
    assert [frame["params"]["seq"] for frame in told] == [1, 2]
