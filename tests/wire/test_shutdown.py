"""The daemon goes: commands end, clients are told, nothing is left."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from call_api.daemon import Daemon
from tests.fakes.scripted_backend import ScriptedBackend
from tests.wire.api import ALICE, BOB, JsonClient, address, running
from tests.wire.raw_client import CLOSE, RawClient

TALK = {"caller": ALICE, "callee": BOB}


class Going:
    """Leaves a daemon in a task of its own, so that a test can watch."""

    def __init__(self, stack: AsyncExitStack, group: asyncio.TaskGroup) -> None:
        self.task = group.create_task(stack.aclose(), name="the daemon goes")


async def until_draining(daemon: Daemon) -> None:
    async with asyncio.timeout(5):
        while not daemon.is_draining:  # noqa: ASYNC110  # nothing to be told by
            await asyncio.sleep(0)


async def test_a_running_command_may_end_by_itself_and_no_new_one_starts() -> None:
    go_on = asyncio.Event()
    backend = ScriptedBackend(go_on)
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        daemon = await stack.enter_async_context(running(backend, shutdown_within=10.0))
        client = await JsonClient.to(daemon)
        await client.answer("CallEnd", {"callid": "c"})
        going = Going(stack, group)
        await until_draining(daemon)

        refused = await client.answer("CallEnd", {"callid": "d"}, id=2)
        async with await RawClient.connect(address(daemon)) as probe:
            probe.write(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await probe.head()).startswith("HTTP/1.1 503 ")
            assert await probe.rest() == b"the daemon shuts down\n"
        go_on.set()

        assert refused["error"]["code"] == -32022
        assert (await client.json())["method"] == "Ended"
        assert await client.closed() == (1001, "the daemon shuts down")
        client.send(CLOSE, (1001).to_bytes(2))
        assert await client.rest() == b""
        await client.close()
        await going.task
    assert backend.asked == [("end", "c")]


async def test_a_command_that_does_not_end_is_ended_with_command_cancelled() -> None:
    backend = ScriptedBackend(asyncio.Event())
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        daemon = await stack.enter_async_context(running(backend, shutdown_within=0.2))
        client = await JsonClient.to(daemon, "/call-api/v2")
        await client.answer("CallStart", TALK)
        Going(stack, group)

        error, ended = await client.json(), await client.json()
        assert error["params"]["event"] == "Error"
        assert error["params"]["error"]["name"] == "CommandCancelled"
        assert ended["params"]["event"] == "Ended"
        assert (await client.closed())[0] == 1001
        await client.close()
    assert backend.open_streams == 0
    assert backend.left_early == 1


async def test_clients_that_do_not_go_are_dropped() -> None:
    async with AsyncExitStack() as stack:
        daemon = await stack.enter_async_context(running())
        stubborn = await JsonClient.to(daemon)
        undecided = await RawClient.connect(address(daemon))
        began = asyncio.get_running_loop().time()

        await stack.aclose()

        assert asyncio.get_running_loop().time() - began < 8
        assert (await stubborn.closed())[0] == 1001
        await stubborn.gone()
        await undecided.gone()
        await stubborn.close()
        await undecided.close()


async def test_nobody_can_connect_any_more() -> None:
    async with running() as daemon:
        where = address(daemon)

    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*where)
    names = {task.get_name() for task in asyncio.all_tasks()}
    assert len(names) == 1
