"""A client goes and comes back: nothing is lost, nothing is done twice."""

import asyncio

from call_api.backends.base import StartStep
from call_api.model import CallId
from tests.fakes.scripted_backend import ScriptedBackend
from tests.wire.api import ALICE, BOB, JsonClient, running

CALL = CallId("1fc8043a")
TALK = {"caller": ALICE, "callee": BOB, "cmd_id": "mine"}


def scripted(go_on: asyncio.Event) -> ScriptedBackend:
    return ScriptedBackend(
        StartStep(state="answered", callid=CALL),
        StartStep(state="transferring", callid=CALL),
        go_on,
        StartStep(state="start", callid=CALL),
        StartStep(state="ok", callid=CALL),
    )


async def test_losing_the_client_changes_nothing_and_attaching_misses_nothing() -> None:
    go_on = asyncio.Event()
    backend = scripted(go_on)
    async with running(backend) as daemon:
        client = await JsonClient.to(daemon)
        await client.answer("CallStart", TALK)
        assert (await client.json())["params"]["seq"] == 1
        await client.close()

        async with await JsonClient.to(daemon) as back:
            answer = await back.answer("CommandAttach", {"cmd_id": "mine", "after": 1})
            assert answer["result"] == {"cmd_id": "mine", "state": "running", "seq": 2}
            assert (await back.json())["params"]["seq"] == 2
            go_on.set()
            told = [await back.json() for _ in range(3)]

    assert [frame["params"]["seq"] for frame in told] == [3, 4, 5]
    assert told[-1]["params"]["event"] == "Ended"
    assert len(backend.asked) == 1


async def test_the_same_request_again_starts_nothing_and_tells_everything_from_the_first() -> None:
    go_on = asyncio.Event()
    backend = scripted(go_on)
    async with running(backend) as daemon:
        client = await JsonClient.to(daemon)
        await client.answer("CallStart", TALK)
        await client.close()

        async with await JsonClient.to(daemon, "/call-api/v2") as back:
            answer = await back.answer("CallStart", TALK, id=9)
            go_on.set()
            told = [await back.json() for _ in range(5)]

    assert answer == {
        "jsonrpc": "2.0",
        "id": 9,
        "result": {"cmd_id": "mine", "status": "Started", "event": "Started"},
    }
    assert [frame["params"]["seq"] for frame in told] == [1, 2, 3, 4, 5]
    assert len(backend.asked) == 1


async def test_a_client_that_never_came_back_can_be_asked_about() -> None:
    async with running(scripted(asyncio.Event())) as daemon:
        client = await JsonClient.to(daemon)
        await client.answer("CallStart", TALK)
        await client.close()

        async with await JsonClient.to(daemon) as other:
            status = (await other.answer("CommandStatus", {"cmd_id": "mine"}))["result"]
            cancelled = await other.answer("CommandCancel", {"cmd_id": "mine"})
            await other.answer("CommandAttach", {"cmd_id": "mine"})
            told = [await other.json()]
            while told[-1]["params"]["event"] != "Ended":
                told.append(await other.json())

    assert (status["state"], status["outcome"], status["method"]) == ("running", None, "CallStart")
    assert cancelled["result"] == {"cmd_id": "mine", "state": "cancelling"}
    assert [frame["params"]["event"] for frame in told[-2:]] == ["Error", "Ended"]
    assert told[-2]["params"]["details"]["code"] == -32022


async def test_two_clients_hear_the_same_command_and_one_attached_twice_hears_it_once() -> None:
    go_on = asyncio.Event()
    async with (
        running(scripted(go_on)) as daemon,
        await JsonClient.to(daemon) as first,
        await JsonClient.to(daemon) as second,
    ):
        await first.answer("CallStart", TALK)
        heard = [await first.json(), await first.json()]
        again = await first.answer("CommandAttach", {"cmd_id": "mine", "after": 2})
        assert again["result"]["seq"] == 2
        await second.answer("CommandAttach", {"cmd_id": "mine"})
        go_on.set()
        heard += [await first.json() for _ in range(3)]
        heard_by_second = [await second.json() for _ in range(5)]
        assert (await first.answer("Echo", {"cmd_id": "last"}))["result"]["cmd_id"] == "last"

    assert [frame["params"]["seq"] for frame in heard] == [1, 2, 3, 4, 5]
    assert heard_by_second == heard


async def test_a_daemon_forgets_ended_commands_in_order() -> None:
    async with running() as daemon, await JsonClient.to(daemon) as client:
        await client.story("Echo", {"cmd_id": "known"})
        unknown = await client.answer("CommandAttach", {"cmd_id": "unknown"})
        other = await client.answer("Echo", {"cmd_id": "known", "else": 1})

    assert unknown["error"]["code"] == -32005
    assert other["error"]["code"] == -32004
