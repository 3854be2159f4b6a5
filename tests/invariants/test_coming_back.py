"""What a client finds that sends its command again, attaches to one, or was lost."""

import asyncio
from typing import Any

import pytest

from call_api.backends.base import StartStep
from call_api.model import CallId, DialectName
from tests.fakes.fake_client import FakeClient, serving
from tests.fakes.running import turns
from tests.fakes.scripted_backend import Item, ScriptedBackend

START = {"caller": "sip:alice@10.0.0.10", "callee": "sip:bob@10.0.0.11"}


def step(state: Any, status: str = "") -> StartStep:
    return StartStep(state=state, callid=CallId("c1"), status=status)


WHOLE_START: list[Item] = [
    step("answered"),
    step("transferring"),
    step("start"),
    step("pending", "180 Ringing"),
    step("ok"),
]


def seqs(story: list[dict[str, Any]]) -> list[int]:
    return [one["seq"] for one in story]


@pytest.mark.parametrize("dialect", ["v1", "v2"])
async def test_a_command_sent_again_while_it_runs_starts_nothing(dialect: DialectName) -> None:
    go_on = asyncio.Event()
    backend = ScriptedBackend(*WHOLE_START[:3], go_on, *WHOLE_START[3:])
    async with serving(backend) as api:
        first, second = FakeClient(api, dialect), FakeClient(api, dialect)
        first.ask("CallStart", **START, cmd_id="x")
        await first.until(lambda text: "method" in text and text["params"]["seq"] == 3)

        again = await second.result(second.ask("CallStart", **START, cmd_id="x", timeout=1))
        same = await first.result(first.ask("CallStart", **START, cmd_id="x"))
        go_on.set()

        stories = [await client.story("x") for client in (first, second)]
    assert again == same == {"cmd_id": "x", "status": "Started", "event": "Started"}
    assert stories[0] == stories[1]
    assert seqs(stories[0]) == list(range(1, len(stories[0]) + 1))
    assert len(backend.asked) == 1


async def test_the_order_and_the_spelling_of_parameters_make_no_other_command() -> None:
    async with serving(ScriptedBackend()) as api:
        client = FakeClient(api)
        params = {"callid_a": "a", "leg_a": "caller", "callid_b": "b", "leg_b": "callee"}
        others = {"legB": "callee", "callidB": "b", "legA": "caller", "callidA": "a"}

        await client.result(client.ask("CallAttendedTransfer", **params, cmd_id="x"))
        await client.result(client.ask("CallAttendedTransfer", **others, cmd_id="x", timeout=3))
        await client.result(client.ask("CallUnHold", callid="a", cmd_id="y"))
        await client.result(client.ask("CallUnhold", callid="a", leg=None, cmd_id="y"))
        await client.result(client.ask("Echo", a={"b": 1, "c": 2}, d=1, cmd_id="z"))
        await client.result(client.ask("Echo", d=1, a={"c": 2, "b": 1}, cmd_id="z"))


async def test_another_command_under_the_same_id_is_refused() -> None:
    async with serving(ScriptedBackend()) as api:
        client = FakeClient(api)
        await client.result(client.ask("CallHold", callid="a", cmd_id="x"))
        ids = [
            client.ask("CallHold", callid="b", cmd_id="x"),
            client.ask("CallHold", callid="a", leg="caller", cmd_id="x"),
            client.ask("CallUnhold", callid="a", cmd_id="x"),
        ]

        for id_ in ids:
            assert await client.error(id_) == {
                "code": -32004,
                "message": "cmd_id x is in use with other parameters",
                "data": {"cmd_id": "x"},
            }


@pytest.mark.parametrize("is_same_client", [True, False])
async def test_a_command_sent_again_after_its_end_is_told_from_the_first(
    *, is_same_client: bool
) -> None:
    backend = ScriptedBackend(*WHOLE_START)
    async with serving(backend) as api:
        client = FakeClient(api)
        client.ask("CallStart", **START, cmd_id="x")
        story = list(await client.story("x"))

        again = client if is_same_client else FakeClient(api)
        again.texts.clear()
        await again.result(again.ask("CallStart", **START, cmd_id="x"))
        assert await again.story("x") == story
    assert len(backend.asked) == 1


@pytest.mark.parametrize(
    ("dialect", "after", "missed"), [("v1", 3, [4, 5]), ("v2", 3, [4, 5, 6]), ("v2", 0, None)]
)
async def test_a_client_that_attaches_gets_what_it_missed_in_its_own_numbers(
    dialect: DialectName, after: int, missed: list[int] | None
) -> None:
    async with serving(ScriptedBackend(*WHOLE_START)) as api:
        first, second = FakeClient(api, dialect), FakeClient(api, dialect)
        first.ask("CallStart", **START, cmd_id="x")
        story = await first.story("x")

        result = await second.result(second.ask("CommandAttach", cmd_id="x", after=after))

        assert result == {"cmd_id": "x", "state": "ended", "seq": len(story)}
        assert await second.story("x") == story[after:]
        assert missed is None or seqs(story[after:]) == missed


async def test_attached_twice_a_client_still_gets_each_once() -> None:
    go_on = asyncio.Event()
    async with serving(ScriptedBackend(step("answered"), go_on, *WHOLE_START[1:])) as api:
        client = FakeClient(api)
        client.ask("CallStart", **START, cmd_id="x")
        for after in (0, 1, 0):
            await client.result(client.ask("CommandAttach", cmd_id="x", after=after))
        go_on.set()
        await client.story("x")
        await client.result(client.ask("CommandAttach", cmd_id="x"))
        await turns(3)

    assert seqs(client.told("x")) == [1, 2, 3, 4, 5, 6]


async def test_another_client_can_cancel_a_command() -> None:
    backend = ScriptedBackend(step("answered"), asyncio.Event())
    async with serving(backend) as api:
        client, other = FakeClient(api), FakeClient(api)
        client.ask("CallStart", **START, cmd_id="x")
        await client.until(lambda text: "method" in text)

        cancelled = await other.result(other.ask("CommandCancel", cmd_id="x"))
        story = await client.story("x")
        late = await other.result(other.ask("CommandCancel", cmd_id="x"))

    assert (cancelled["state"], late["state"]) == ("cancelling", "ended")
    assert [one["event"] for one in story] == ["CallerAnswered", "Error", "Ended"]
    assert story[1]["error"] == {"code": -32022, "name": "CommandCancelled"}
    assert backend.left_early == 1


async def test_losing_the_client_changes_nothing() -> None:
    go_on = asyncio.Event()
    backend = ScriptedBackend(step("answered"), go_on, *WHOLE_START[1:])
    async with serving(backend) as api:
        lost, other = FakeClient(api), FakeClient(api)
        lost.ask("CallStart", **START, cmd_id="x")
        await lost.until(lambda text: "method" in text)
        other.ask("CommandAttach", cmd_id="x")
        lost.leave()
        go_on.set()

        story = await other.story("x")
        assert len(lost.told("x")) == 1
    assert [one["seq"] for one in story] == [1, 2, 3, 4, 5, 6]
    assert backend.left_early == 0


async def test_a_client_that_is_gone_at_once_still_starts_what_it_asked_for() -> None:
    async with serving(ScriptedBackend()) as api:
        lost, other = FakeClient(api), FakeClient(api)
        started = lost.ask("Echo", cmd_id="x")
        lost.ask("CallList")
        lost.leave()
        lost.leave()
        await turns(5)

        assert (await other.result(other.ask("CommandStatus", cmd_id="x")))["outcome"] == "ok"
    assert [text["id"] for text in lost.texts] == [started]


async def test_a_shutdown_refuses_commands_and_answers_queries() -> None:
    async with serving(ScriptedBackend()) as api:
        client = FakeClient(api)
        await api.runner.drain(within=0)

        assert await client.error(client.ask("Echo")) == {
            "code": -32022,
            "message": "cancelled: the daemon is shutting down",
            "data": {"reason": "the daemon is shutting down"},
        }
        assert await client.result(client.ask("CommandList")) == {"commands": []}
