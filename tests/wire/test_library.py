"""The library at a real daemon, over connections that break wherever they can."""

import asyncio
import random
from contextlib import AsyncExitStack
from typing import Any

import pytest

from call_api.backends.base import StartStep
from call_api.errors import CallFailed
from call_api.model import CallId
from call_api.transports.websocket_client import open_websocket
from call_api_client import connect, sync
from call_api_client.call import Call
from call_api_client.errors import CommandCancelled, ConnectionLost, UnknownCommand
from tests.fakes.call_changes import change
from tests.fakes.cutting_proxy import Cut, Way, cutting_proxy, frame_ends
from tests.fakes.scripted_backend import ScriptedBackend
from tests.wire.api import ALICE, BOB, address, running

CALL = CallId("1fc8043a")
PARTIES: dict[str, Any] = {"caller": ALICE, "callee": BOB}
STEPS = (
    StartStep(state="answered", callid=CALL),
    StartStep(state="transferring", callid=CALL),
    StartStep(state="start", callid=CALL),
    StartStep(state="pending", callid=CALL, status="180 Ringing"),
    StartStep(state="ok", callid=CALL),
)
TOLD = {
    "v1": ["CallerAnswered", "Transferring", "TransferStart", "CalleeAnswered"],
    "v2": ["CallerAnswered", "Transferring", "TransferStart", "TransferPending", "CalleeAnswered"],
}
WITHIN = 10.0


async def told(call: Call) -> list[tuple[int, str]]:
    """Read a call to its end; return number and name of each event."""
    return [(call.seq, type(event).__name__) async for event in call]


async def story(url: str, cmd_id: str) -> list[tuple[int, str]]:
    """Make a call; return what was told."""
    async with (
        asyncio.timeout(WITHIN),
        connect(url, reconnect_within=WITHIN) as api,
    ):
        call = api.call("CallStart", cmd_id=cmd_id, **PARTIES)
        events = await told(call)
        assert call.callid == CALL
        return events


@pytest.mark.parametrize("dialect", ["v1", "v2"])
@pytest.mark.parametrize("way", ["up", "down"])
async def test_a_cut_after_any_frame_loses_and_doubles_nothing(dialect: str, way: Way) -> None:
    backend = ScriptedBackend(*STEPS)
    expected = list(enumerate(TOLD[dialect], 1))
    async with running(backend) as daemon:
        async with cutting_proxy(address(daemon)) as whole:
            assert await story(f"{whole.url}/{dialect}", "command-000") == expected
        ends = frame_ends(bytes(whole.passed[0][way]))
        assert len(ends) >= (2 if way == "up" else len(expected) + 2)
        for number, end in enumerate(ends, 1):
            async with cutting_proxy(address(daemon), Cut(way, end)) as proxy:
                assert await story(f"{proxy.url}/{dialect}", f"command-{number:03}") == expected

    assert len(backend.asked) == 1 + len(ends)


@pytest.mark.parametrize("dialect", ["v1", "v2"])
async def test_cuts_at_random_bytes_lose_and_double_nothing(dialect: str) -> None:
    backend = ScriptedBackend(*STEPS)
    dice = random.Random(f"cuts of {dialect}")
    expected = list(enumerate(TOLD[dialect], 1))
    async with running(backend) as daemon:
        async with cutting_proxy(address(daemon)) as whole:
            assert await story(f"{whole.url}/{dialect}", "command-000") == expected
        first = {way: frame_ends(bytes(data))[0] for way, data in whole.passed[0].items()}
        last = {way: len(data) for way, data in whole.passed[0].items()}
        for number in range(1, 26):
            ways: list[Way] = [dice.choice(("up", "down", "down")) for _ in range(3)]
            # The first handshake has to succeed; later ones may not.
            cuts = [
                Cut(way, dice.randrange(0 if count else first[way], last[way]))
                for count, way in enumerate(ways)
            ]
            async with cutting_proxy(address(daemon), *cuts) as proxy:
                told = await story(f"{proxy.url}/{dialect}", f"command-{number:03}")
                assert told == expected, cuts

    assert len(backend.asked) == 26


async def test_a_failure_is_told_once_wherever_the_connection_breaks() -> None:
    backend = ScriptedBackend(STEPS[0], CallFailed(486, "Busy Here"))
    async with running(backend) as daemon:
        async with cutting_proxy(address(daemon)) as whole:
            with pytest.raises(CallFailed, match="486 Busy Here"):
                await story(whole.url, "command-000")
        for number, end in enumerate(frame_ends(bytes(whole.passed[0]["down"])), 1):
            async with cutting_proxy(address(daemon), Cut("down", end)) as proxy:
                with pytest.raises(CallFailed) as caught:
                    await story(proxy.url, f"command-{number:03}")
                assert (caught.value.status, caught.value.reason) == (486, "Busy Here")


async def test_many_calls_go_on_together_after_their_one_connection_is_cut() -> None:
    go_on = asyncio.Event()
    backend = ScriptedBackend(*STEPS[:2], go_on, *STEPS[2:])
    async with (
        asyncio.timeout(WITHIN),
        running(backend) as daemon,
        cutting_proxy(address(daemon)) as proxy,
        connect(proxy.url) as api,
    ):
        calls = [api.call("CallStart", **PARTIES) for _ in range(200)]

        async def cut() -> None:
            while len(backend.asked) < len(calls):  # noqa: ASYNC110  # nothing to be told by
                await asyncio.sleep(0)
            proxy.cut()
            go_on.set()

        stories, _ = await asyncio.gather(asyncio.gather(*map(told, calls)), cut())

    assert stories == [list(enumerate(TOLD["v2"], 1))] * 200
    assert len(backend.asked) == 200
    assert len(proxy.passed) == 2  # one connection, and one more


async def test_a_daemon_that_forgot_the_command_is_an_error_that_says_so() -> None:
    go_on = asyncio.Event()
    async with asyncio.timeout(WITHIN), running(ScriptedBackend(STEPS[0], go_on)) as before:
        async with cutting_proxy(address(before)) as proxy, connect(proxy.url) as api:
            call = api.call("CallStart", cmd_id="mine", **PARTIES)
            await anext(call)
            async with running(ScriptedBackend()) as after:
                proxy.daemon = address(after)
                proxy.cut()
                with pytest.raises(UnknownCommand, match="no command has the cmd_id mine"):
                    await anext(call)
        go_on.set()


async def test_a_shutdown_that_ends_the_command_is_told_as_the_reason() -> None:
    async with asyncio.timeout(WITHIN), AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        backend = ScriptedBackend(STEPS[0], asyncio.Event())
        daemon = await stack.enter_async_context(running(backend, shutdown_within=0.1))
        async with connect(daemon.urls[0]) as api:
            call = api.call("CallStart", **PARTIES)
            await anext(call)
            group.create_task(stack.aclose(), name="the daemon goes")

            with pytest.raises(CommandCancelled, match="the daemon is shutting down"):
                await call.result()


async def test_a_watch_goes_on_at_the_next_daemon() -> None:
    async with (
        asyncio.timeout(WITHIN),
        running(ScriptedBackend(calls=[change("b").call])) as after,
        AsyncExitStack() as stack,
    ):
        backend = ScriptedBackend(calls=[change("a").call])
        before = await stack.enter_async_context(running(backend))
        async with (
            cutting_proxy(address(before)) as proxy,
            connect(proxy.url) as api,
            api.watch() as changes,
        ):
            proxy.daemon = address(after)
            await stack.aclose()
            heard = [await anext(changes) for _ in range(3)]

    assert [(one.callid, one.event) for one in heard] == [
        ("a", "ended"),
        ("b", "created"),
        ("b", "answered"),
    ]


async def test_what_happened_to_calls_meanwhile_is_told_after_a_lost_connection() -> None:
    backend = ScriptedBackend(calls=[change("a").call, change("b").call])
    async with (
        running(backend) as daemon,
        cutting_proxy(address(daemon)) as proxy,
        asyncio.timeout(WITHIN),
        connect(proxy.url) as api,
        api.watch() as changes,
    ):
        assert list(changes.calls) == ["a", "b"]
        backend.tell(change("c", "created"))
        assert (await anext(changes)).callid == "c"
        backend.show(change("b").call, change("d", "ringing").call)
        proxy.cut()

        heard = [await anext(changes) for _ in range(4)]
        backend.tell(change("d", "answered"))
        heard.append(await anext(changes))

    assert {(one.callid, one.event) for one in heard[:2]} == {("a", "ended"), ("c", "ended")}
    assert [(one.callid, one.event) for one in heard[2:]] == [
        ("d", "created"),
        ("d", "ringing"),
        ("d", "answered"),
    ]
    assert list(changes.calls) == ["b", "d"]


async def test_closing_that_is_cancelled_leaves_no_connection_behind() -> None:
    async with running() as daemon, cutting_proxy(address(daemon)) as proxy:
        client = await open_websocket(
            proxy.url, lambda _: None, lambda _: None, close_within=WITHIN
        )
        proxy.is_stuck = True
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await client.close()

        async with asyncio.timeout(WITHIN):
            await proxy.is_left.wait()


async def test_without_reconnecting_a_lost_connection_is_told_at_once() -> None:
    go_on = asyncio.Event()
    async with (
        running(ScriptedBackend(STEPS[0], go_on)) as daemon,
        cutting_proxy(address(daemon)) as proxy,
        asyncio.timeout(WITHIN),
        connect(proxy.url, reconnect_within=0) as api,
    ):
        call = api.call("CallStart", **PARTIES)
        await anext(call)
        proxy.cut()
        with pytest.raises(ConnectionLost):
            await anext(call)
        go_on.set()


async def test_whoever_attaches_hears_everything_also_over_a_connection_that_was_told_it() -> None:
    go_on = asyncio.Event()
    expected = list(enumerate(TOLD["v2"], 1))
    async with (
        running(ScriptedBackend(*STEPS[:3], go_on, *STEPS[3:])) as daemon,
        asyncio.timeout(WITHIN),
        connect(daemon.urls[0]) as api,
    ):
        first = api.call("CallStart", cmd_id="mine", **PARTIES)
        begun = [(first.seq, type(await anext(first)).__name__) for _ in range(3)]
        second, third = api.attach("mine", after=1), api.call("CallStart", cmd_id="mine", **PARTIES)

        async def release() -> None:
            assert [type(await anext(second)).__name__] == ["Transferring"]
            go_on.set()

        await release()
        stories = await asyncio.gather(told(first), told(second), told(third))
        late = await told(api.attach("mine"))

    assert [name for _, name in begun] == TOLD["v2"][:3]
    assert [*stories] == [expected[3:], expected[2:], expected]
    assert late == expected


@pytest.mark.parametrize("dialect", ["v1", "v2"])
async def test_a_connection_that_breaks_again_and_again_breaks_no_story(dialect: str) -> None:
    gates = [asyncio.Event() for _ in STEPS]
    script = [item for pair in zip(gates, STEPS, strict=True) for item in pair]
    backend = ScriptedBackend(*script)
    expected = list(enumerate(TOLD[dialect], 1))
    dice = random.Random(f"breaks of {dialect}")
    async with (
        asyncio.timeout(60),
        running(backend) as daemon,
        cutting_proxy(address(daemon)) as proxy,
        connect(f"{proxy.url}/{dialect}", reconnect_within=60) as api,
        asyncio.TaskGroup() as group,
    ):
        calls = [api.call("CallStart", **PARTIES) for _ in range(30)]
        stories = [group.create_task(told(call), name="story") for call in calls]
        for gate in gates:
            for _ in range(4):
                while not proxy.writers:  # noqa: ASYNC110  # nothing to be told by
                    await asyncio.sleep(0)
                await asyncio.sleep(dice.uniform(0, 0.04))
                proxy.cut()
            gate.set()

    assert [story.result() for story in stories] == [expected] * len(calls)
    assert len(backend.asked) == len(calls)
    assert len(proxy.passed) > 4 * len(gates)


async def test_without_asyncio_a_cut_does_not_show_either() -> None:
    def script(url: str) -> list[tuple[int, str]]:
        with sync.connect(url, reconnect_within=WITHIN) as api:
            call = api.call("CallStart", **PARTIES)
            return [(call.seq, type(event).__name__) for event in call]

    async with asyncio.timeout(WITHIN), running(ScriptedBackend(*STEPS)) as daemon:
        async with cutting_proxy(address(daemon)) as whole:
            expected = await asyncio.to_thread(script, whole.url)
        cuts = [Cut("down", end) for end in frame_ends(bytes(whole.passed[0]["down"]))[:5]]
        async with cutting_proxy(address(daemon), *cuts) as proxy:
            assert await asyncio.to_thread(script, proxy.url) == expected

    assert expected == list(enumerate(TOLD["v2"], 1))
    assert len(proxy.passed) > 2
