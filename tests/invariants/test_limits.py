"""What one client can make the daemon do is bounded, and so is the time that it takes."""

import asyncio

from call_api.access.meters import Meter
from call_api.access.standing import Standing
from call_api.config_access import Quota
from call_api.conversation import Limits
from call_api.memory_journal import Bounds, MemoryJournal
from tests.fakes.fake_client import FakeClient, serving
from tests.fakes.scripted_backend import ScriptedBackend


async def test_a_timeout_is_cut_to_the_ceiling() -> None:
    async with serving(ScriptedBackend(asyncio.Event()), limits=Limits(ceiling=0.01)) as api:
        client = FakeClient(api)
        client.ask("CallEnd", callid="c", cmd_id="long", timeout=10**400)
        client.ask("CallEnd", callid="c", cmd_id="short", timeout=0.001)
        client.ask("CallEnd", callid="c", cmd_id="none")
        errors = [(await client.story(name))[0]["error"] for name in ("long", "short", "none")]

    assert [error["timeout"] for error in errors] == [0.01, 0.001, 0.01]


async def test_a_batch_that_is_too_large_is_refused_as_a_whole() -> None:
    async with serving(ScriptedBackend(), limits=Limits(batch=2)) as api:
        client = FakeClient(api)
        client.send("[1,2,3]")
        client.send("[1,2]")

    refused, answered = client.texts
    assert refused["error"]["data"] == {"problem": "a batch holds at most 2 requests"}
    assert len(answered) == 2


async def test_a_query_that_takes_too_long_is_given_up() -> None:
    backend = ScriptedBackend(asyncio.Event())
    async with serving(backend, limits=Limits(ceiling=0.01)) as api:
        client = FakeClient(api)

        assert (await client.error(client.ask("CallList")))["code"] == -32021


async def test_only_so_many_commands_may_be_followed_but_others_may_be_cancelled() -> None:
    backend = ScriptedBackend(asyncio.Event())
    async with serving(backend, limits=Limits(followed=1)) as api:
        client, other = FakeClient(api), FakeClient(api)
        await client.result(client.ask("CallEnd", callid="c", cmd_id="x"))
        await other.result(other.ask("CallEnd", callid="c", cmd_id="y"))

        refused = await client.error(client.ask("CallEnd", callid="c"))
        assert (refused["code"], refused["data"]) == (-32003, {"retry_after": 1.0})
        assert (await client.error(client.ask("CommandAttach", cmd_id="y")))["code"] == -32003

        await client.result(client.ask("CommandCancel", cmd_id="x"))
        await client.story("x")
        await client.result(client.ask("CommandAttach", cmd_id="y"))


async def test_only_so_many_requests_may_wait_for_their_answers() -> None:
    is_slow = asyncio.Event()
    async with serving(ScriptedBackend(is_slow), limits=Limits(unanswered=2)) as api:
        client = FakeClient(api)
        first, _, third = (client.ask("CallList") for _ in range(3))
        assert (await client.error(third))["code"] == -32003
        is_slow.set()
        await client.result(first)

        await client.result(client.ask("CallList"))


async def test_a_retry_over_a_limit_that_is_forgotten_at_that_moment_is_no_new_command() -> None:
    now, passes = 0.0, 0.0

    def clock() -> float:
        nonlocal now
        now += passes
        return now

    journal = MemoryJournal(
        clock=clock,
        call_soon=asyncio.get_running_loop().call_soon,
        bounds=Bounds(keep_for=300.0),
    )
    meter = Meter("token", Quota(running=1), 0.0)
    async with serving(ScriptedBackend(), journal=journal) as api:
        client = FakeClient(api, standing=Standing(meters=[meter]))
        client.ask("Echo", cmd_id="x")
        await client.story("x")
        meter.started, passes = 1, 200.0  # another one runs; and every look takes its time
        await client.answer(client.ask("Echo", cmd_id="x"))
        refused = await client.error(client.ask("Echo", cmd_id="x"))

    assert meter.started == 1
    assert refused["data"]["limit"] == "token.running"
