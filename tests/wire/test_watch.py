"""Calls are watched over real WebSockets."""

from call_api_client.client import connect
from call_api_client.messages import Answer, Step
from tests.fakes.call_changes import change
from tests.fakes.scripted_backend import ScriptedBackend
from tests.wire.api import JsonClient, running


async def test_changes_reach_everyone_who_watches_and_nobody_who_is_gone() -> None:
    backend = ScriptedBackend()
    async with (
        running(backend) as daemon,
        await JsonClient.to(daemon, "/call-api/v1") as old,
        await JsonClient.to(daemon, "/call-api/v2") as new,
    ):
        gone = await JsonClient.to(daemon)
        for client in (old, new, gone):
            assert (await client.answer("CallWatch"))["result"] == {"callid": None}
        await gone.close()
        for callid in "abc":
            backend.tell(change(callid, "created"))

        told = [[await client.json() for _ in "abc"] for client in (old, new)]
        assert told[0] == told[1]
        assert [one["params"]["callid"] for one in told[0]] == ["a", "b", "c"]
        assert {one["method"] for one in told[0]} == {"CallEvent"}


async def test_the_client_library_tells_them_until_they_are_taken_back() -> None:
    backend = ScriptedBackend()
    async with running(backend) as daemon, connect(f"{daemon.urls[0]}") as client:
        changes = client.call("CallWatch", callid="a")
        assert isinstance(await anext(changes), Answer)
        backend.tell(change("a", "held"))
        backend.tell(change("b", "held"))
        held = await anext(changes)
        assert isinstance(held, Step)
        assert (held.event, held.data["callid"]) == ("held", "a")

        assert await client.ask("CallUnwatch", callid="a") == {"callid": "a"}
        assert [type(message) async for message in changes] == [Answer]
        assert backend.watchings == []
