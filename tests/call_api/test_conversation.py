import asyncio
import dataclasses
import json
from typing import Any, cast

import pytest

from call_api.backends.base import HoldStep, StartStep
from call_api.commands.base import Command
from call_api.conversation import Conversation
from call_api.errors import CallFailed, ProxyUnreachable
from call_api.memory_journal import Bounds, MemoryJournal
from call_api.model import CallId, DialectName
from call_api.record import Record
from call_api.runner import Asked, Runner
from tests.fakes.fake_client import FakeClient, serving
from tests.fakes.running import turns
from tests.fakes.scripted_backend import Item, ScriptedBackend

ALICE, BOB = "sip:alice@10.0.0.10", "sip:bob@10.0.0.11"
START = {"caller": ALICE, "callee": BOB}


def step(state: Any, status: str = "") -> StartStep:
    return StartStep(state=state, callid=CallId("c1"), status=status)


WHOLE_START: list[Item] = [
    step("answered"),
    step("transferring"),
    step("start"),
    step("pending", "180 Ringing"),
    step("ok"),
]
HOLD = [HoldStep(leg=leg, state=state) for leg in ("caller", "callee") for state in ("start", "ok")]
INVALID = -32600
PARSE = -32700


# Answers and notifications.


@pytest.mark.parametrize("dialect", ["v1", "v2"])
async def test_the_answer_precedes_every_notification(dialect: DialectName) -> None:
    async with serving(ScriptedBackend(*WHOLE_START)) as api:
        client = FakeClient(api, dialect)
        client.send(
            '{"jsonrpc":"2.0","id":"831717ed97e5","method":"CallStart","params":'
            f'{{"caller":"{ALICE}","callee":"{BOB}","cmd_id":"b8179f1e"}}}}'
        )
        story = await client.story("b8179f1e")

    assert client.raw[0] == (
        b'{"jsonrpc":"2.0","id":"831717ed97e5",'
        b'"result":{"cmd_id":"b8179f1e","status":"Started","event":"Started"}}'
    )
    assert [one["seq"] for one in story] == list(range(1, len(client.texts)))
    assert [one["event"] for one in story].count("Ended") == 1


async def test_v1_numbers_and_words_its_own_events() -> None:
    async with serving(ScriptedBackend(*WHOLE_START)) as api:
        client = FakeClient(api, "v1")
        client.ask("CallStart", **START, cmd_id="x")
        story = await client.story("x")

    assert [(one["seq"], one.get("data")) for one in story] == [
        (1, "CALL_ANSWER"),
        (2, "TRANSFER_ACCEPT"),
        (3, "CALL_START"),
        (4, "CALL_ANSWER"),
        (5, None),
    ]
    assert story[-1]["details"] == {"callid": "c1"}
    assert [text["method"] for text in client.texts[1:]] == ["Event"] * 4 + ["Ended"]


@pytest.mark.parametrize("method", ["CallUnHold", "CallUnhold"])
async def test_v2_spells_the_method_as_it_always_does(method: str) -> None:
    async with serving(ScriptedBackend(*HOLD)) as api:
        client = FakeClient(api, "v2")
        client.ask(method, callid="c", cmd_id="x")
        await client.story("x")

    assert {text["method"] for text in client.texts[1:]} == {"CallUnhold"}


@pytest.mark.parametrize(("method", "word"), [("CallHold", "HOLD"), ("CallUnHold", "UNHOLD")])
async def test_v1_tells_a_hold_once_when_every_leg_is(method: str, word: str) -> None:
    async with serving(ScriptedBackend(*HOLD)) as api:
        client = FakeClient(api, "v1")
        client.ask(method, callid="c", cmd_id="x")
        story = await client.story("x")

    assert [one.get("data") for one in story] == [f"CALL_{word}", None]
    assert story[0]["details"] == {"legs": ["caller", "callee"]}


async def test_a_failure_is_told_by_one_error_just_before_the_end() -> None:
    backend = ScriptedBackend(step("answered"), CallFailed(486, "Busy Here"))
    async with serving(backend) as api:
        old, new = FakeClient(api, "v1"), FakeClient(api, "v2")
        for client in (old, new):
            client.ask("CallStart", **START, cmd_id="x")
        stories = [await client.story("x") for client in (old, new)]

    about = {"code": -32020, "name": "CallFailed", "status": 486, "reason": "Busy Here"}
    for story, key in zip(stories, ("details", "error"), strict=True):
        assert [one["event"] for one in story] == ["CallerAnswered", "Error", "Ended"]
        assert (story[1]["data"], story[1][key]) == ("486 Busy Here", about)
        assert story[2] == {"cmd_id": "x", "seq": 3, "event": "Ended"}


async def test_a_notification_starts_a_command_that_is_not_answered() -> None:
    async with serving(ScriptedBackend()) as api:
        client = FakeClient(api)
        client.send('{"jsonrpc":"2.0","method":"Echo","params":{"a":1,"cmd_id":"x"}}')
        story = await client.story("x")

    assert [one["event"] for one in story] == ["Reply", "Ended"]
    assert len(client.texts) == 2


async def test_a_wrong_notification_is_not_answered_either() -> None:
    async with serving(ScriptedBackend()) as api:
        client = FakeClient(api)
        client.send('{"jsonrpc":"2.0","method":"Nope"}')
        client.send('{"jsonrpc":"2.0","method":"CallStart"}')
        client.send('{"jsonrpc":"2.0","method":"CommandStatus","params":{"cmd_id":"x"}}')
        await turns(5)

    assert client.texts == []


async def test_a_command_without_an_id_is_given_a_uuid() -> None:
    async with serving(ScriptedBackend()) as api:
        client = FakeClient(api)
        results = [await client.result(client.ask("Echo", a=1)) for _ in range(2)]

    ids = {result["cmd_id"] for result in results}
    assert len(ids) == 2
    assert {len(cmd_id) for cmd_id in ids} == {36}


# JSON-RPC 2.0.


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", PARSE),
        ("{", PARSE),
        ("[" * 60_000, PARSE),
        ('{"jsonrpc":"2.0","id":1,"method":"Echo","params":{"a":"\\ud800"}}', PARSE),
        ("[]", INVALID),
        ("1", INVALID),
        ('{"jsonrpc":"2.0","id":1,"method":1}', INVALID),
        ('{"jsonrpc":"2.0","id":1,"method":"Echo","params":1}', INVALID),
        ('{"jsonrpc":"1.0","id":1,"method":"Echo"}', INVALID),
    ],
)
async def test_what_cannot_be_understood_is_answered_with_the_id_null(text: str, code: int) -> None:
    async with serving(ScriptedBackend()) as api:
        client = FakeClient(api, "v1")
        client.send(text)

    assert [(one["id"], one["error"]["code"]) for one in client.texts] == [(None, code)]


async def test_v2_does_not_need_the_version() -> None:
    text = '{"id":1,"method":"Echo"}'
    async with serving(ScriptedBackend()) as api:
        old, new = FakeClient(api, "v1"), FakeClient(api, "v2")
        old.send(text)
        new.send(text)
        await turns(3)

    assert old.texts[0]["error"]["code"] == INVALID
    assert new.texts[0]["result"]["status"] == "Started"


@pytest.mark.parametrize("id_", ['"a"', "1", "1.50", "123456789012345678901234567890", "null"])
async def test_an_id_is_echoed_as_it_came(id_: str) -> None:
    async with serving(ScriptedBackend()) as api:
        client = FakeClient(api)
        client.send(f'{{"jsonrpc":"2.0","method":"CommandList","id":{id_}}}')
        client.send(f'{{"jsonrpc":"2.0","method":"Nope","id":{id_}}}')
        await turns(3)

    assert all(b'{"jsonrpc":"2.0","id":%s,' % id_.encode() in raw for raw in client.raw)
    assert {one.get("error", {}).get("code") for one in client.texts} == {None, -32601}


async def test_a_wrong_parameter_is_answered_at_once() -> None:
    async with serving(ScriptedBackend()) as api:
        client = FakeClient(api)
        client.ask("CallHold", callid="c", leg="both")

    assert client.texts[0]["error"] == {
        "code": -32602,
        "message": "Invalid params",
        "data": {"param": "leg", "problem": "expected caller or callee"},
    }


async def test_a_batch_is_answered_by_one_array_before_any_notification() -> None:
    batch = [
        {"jsonrpc": "2.0", "id": 1, "method": "Echo", "params": {"cmd_id": "x"}},
        {"jsonrpc": "2.0", "method": "Echo", "params": {"cmd_id": "y"}},
        {"jsonrpc": "2.0", "id": 2, "method": "CallList"},
        {"jsonrpc": "2.0", "id": 3, "method": "Nope"},
        7,
        {"jsonrpc": "2.0", "id": 4, "method": "CommandAttach", "params": {"cmd_id": "y"}},
    ]
    is_slow = asyncio.Event()
    async with serving(ScriptedBackend(is_slow)) as api:
        client = FakeClient(api)
        client.send(json.dumps(batch))
        await turns(10)
        assert client.texts == []
        is_slow.set()
        for name in "xy":
            assert [one["event"] for one in await client.story(name)] == ["Reply", "Ended"]

    assert [one["id"] for one in client.texts[0]] == [1, 2, 3, None, 4]
    assert len(client.texts) == 5


async def test_a_command_that_is_forgotten_before_its_batch_is_answered_is_told_all_the_same() -> (
    None
):
    loop = asyncio.get_running_loop()
    journal = MemoryJournal(clock=loop.time, call_soon=loop.call_soon, bounds=Bounds(keep_most=0))
    echo = '{"jsonrpc":"2.0","id":"%s","method":"Echo","params":{"cmd_id":"%s"}}'
    async with serving(ScriptedBackend(), journal=journal) as api:
        client = FakeClient(api)
        client.send(f"[{echo % ('x', 'x')},{echo % ('y', 'y')}]")
        stories = [await client.story("x"), await client.story("y")]

    assert isinstance(client.texts[0], list)
    assert [[one["event"] for one in story] for story in stories] == [["Reply", "Ended"]] * 2


async def test_a_batch_of_notifications_is_not_answered() -> None:
    text = '{"jsonrpc":"2.0","method":"Echo","params":{"cmd_id":"x"}}'
    async with serving(ScriptedBackend()) as api:
        client = FakeClient(api)
        client.send(f"[{text},{text}]")
        await client.story("x")

    assert [text["params"]["event"] for text in client.texts] == ["Reply", "Ended"]


# Queries.


async def test_a_query_that_fails_says_why() -> None:
    async with serving(ScriptedBackend(refuses=ProxyUnreachable("5 s"))) as api:
        client = FakeClient(api)

        assert (await client.error(client.ask("CallList"))) == {
            "code": -32010,
            "message": "no answer from the SIP proxy: 5 s",
            "data": {"reason": "5 s"},
        }
        unknown = await client.error(client.ask("CommandStatus", cmd_id="nobody's"))
        assert unknown["code"] == -32005


async def test_a_query_with_a_bug_is_an_internal_error(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(ScriptedBackend(refuses=ZeroDivisionError())) as api:
        client = FakeClient(api)

        assert (await client.error(client.ask("CallList"))) == {
            "code": -32603,
            "message": "Internal error",
        }
    assert "ZeroDivisionError" in caplog.text


# Bugs.


async def test_a_bug_is_an_internal_error_with_a_traceback_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken(Runner):
        def submit(self, record: Record, command: Command, asked: Asked, **_: object) -> None:
            raise OSError("out of order")

    async with serving(ScriptedBackend()) as api:
        broken = Broken(journal=api.journal, backend=api.backend)
        client = FakeClient(dataclasses.replace(api, runner=broken))

        error = await client.error(client.ask("Echo"))

    assert (error["code"], error["message"]) == (-32603, "Internal error")
    assert "out of order" in caplog.text


async def test_a_bug_in_the_answer_does_not_keep_the_command_from_running(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken(MemoryJournal):
        def follow(self, *_: Any, **__: Any) -> None:
            raise OSError("out of order")

    loop = asyncio.get_running_loop()
    journal = Broken(clock=loop.time, call_soon=loop.call_soon)
    async with serving(ScriptedBackend(), journal=journal) as api:
        client = FakeClient(api)
        await client.result(client.ask("Echo", cmd_id="x"))

        assert (await client.result(client.ask("CommandStatus", cmd_id="x")))["outcome"] == "ok"
    assert "out of order" in caplog.text


async def test_a_bug_outside_of_any_request_is_an_internal_error_too(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with serving(ScriptedBackend()) as api:
        client = FakeClient(api)
        client.send(cast("str", 5))

    assert client.texts[0]["error"]["code"] == -32603
    assert "TypeError" in caplog.text


async def test_a_client_that_cannot_be_sent_anything_keeps_nothing_from_running(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def send(text: bytes) -> None:
        raise OSError("out of order")

    async with serving(ScriptedBackend()) as api:
        broken = Conversation(dialect="v1", api=api, send=send, peer="me")
        broken.receive('{"jsonrpc":"2.0","id":1,"method":"Echo","params":{"cmd_id":"x"}}')
        broken.receive('{"jsonrpc":"2.0","id":1,"method":"CallList"}')
        broken.receive("{")
        await turns(5)
        client = FakeClient(api)

        assert (await client.result(client.ask("CommandStatus", cmd_id="x")))["outcome"] == "ok"
    assert "out of order" in caplog.text
