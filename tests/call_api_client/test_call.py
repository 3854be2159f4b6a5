import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from call_api.model import CallId
from call_api_client import connect
from call_api_client.client import MAX_UNREAD
from call_api_client.errors import (
    CallFailed,
    CommandCancelled,
    ConnectionLost,
    DuplicateCommand,
    InvalidParams,
    NoAnswer,
    TooManyRequests,
)
from call_api_client.events import CallerAnswered, OtherEvent, TransferStart
from tests.fakes.answering import Line, answering

PARTIES: dict[str, Any] = {"caller": "sip:alice@h", "callee": "sip:bob@h"}


async def whole_call(line: Line) -> None:
    request = await line.request()
    await line.start(request)
    await line.tell(1, "CallerAnswered", PARTIES)
    await line.tell(2, "TransferStart", {"callid": "x", **PARTIES})
    await line.tell(3, "Ended", {"callid": "x"})
    await line.until_gone()


async def test_a_command_is_read_event_by_event_and_has_a_result() -> None:
    async with asyncio.timeout(10), answering(whole_call) as url, connect(url) as api:
        call = api.call("CallStart", cmd_id="mine", **PARTIES)
        events = [(call.seq, event) async for event in call]

        assert events == [
            (1, CallerAnswered(**PARTIES)),
            (2, TransferStart(callid=CallId("x"), **PARTIES)),
        ]
        assert (call.callid, call.cmd_id) == ("x", "mine")
        assert (await call.result()).callid == "x"
        with pytest.raises(StopAsyncIteration):
            await anext(call)


async def test_the_result_can_be_asked_for_at_once() -> None:
    async with asyncio.timeout(10), answering(whole_call) as url, connect(url) as api:
        assert (await api.call("CallStart", cmd_id="mine").result()).callid == "x"


async def test_a_command_that_fails_raises_its_error_after_its_events_and_as_its_result() -> None:
    async def busy(line: Line) -> None:
        await line.start(await line.request())
        await line.tell(1, "CallerAnswered", PARTIES)
        error = {"code": -32020, "name": "CallFailed", "status": 486, "reason": "Busy Here"}
        params = {"cmd_id": "mine", "seq": 2, "event": "Error", "data": "486 Busy Here"}
        await line.notify("CallStart", {**params, "error": error})
        await line.tell(3, "Ended")
        await line.until_gone()

    async with asyncio.timeout(10), answering(busy) as url, connect(url) as api:
        call = api.call("CallStart", cmd_id="mine")
        await anext(call)
        reads: list[Callable[[], Awaitable[object]]] = [lambda: anext(call), call.result]
        for read in (*reads, call.result):
            with pytest.raises(CallFailed, match="486 Busy Here") as caught:
                await read()
            assert caught.value.status == 486
        with pytest.raises(StopAsyncIteration):
            await anext(call)


async def test_a_refused_command_raises_the_refusal() -> None:
    async def refuse(line: Line) -> None:
        await line.refuse(await line.request(), -32602, param="leg", problem="which?")
        await line.until_gone()

    async with asyncio.timeout(10), answering(refuse) as url, connect(url) as api:
        call = api.call("CallHold")
        with pytest.raises(InvalidParams) as caught:
            await anext(call)
        assert (caught.value.param, caught.value.problem) == ("leg", "which?")
        with pytest.raises(StopAsyncIteration):
            await anext(call)
        with pytest.raises(InvalidParams):
            await call.result()


async def test_a_request_whose_answer_was_lost_is_sent_again_as_it_was() -> None:
    requests = []

    async def lose(line: Line) -> None:
        requests.append(await line.request())
        await line.close(1001)

    async def answer(line: Line) -> None:
        requests.append(request := await line.request())
        await line.start(request)
        await line.tell(1, "Ended")
        await line.until_gone()

    async with asyncio.timeout(10), answering(lose, answer) as url, connect(url) as api:
        await api.call("CallStart", cmd_id="mine", timeout=5, **PARTIES).result()

    first, second = requests
    assert first["params"] == second["params"] == {**PARTIES, "cmd_id": "mine", "timeout": 5}
    assert first["method"] == second["method"] == "CallStart"


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1011, 1013])
async def test_a_command_that_runs_is_attached_to_after_its_last_event(code: int) -> None:
    async def begin(line: Line) -> None:
        await line.start(await line.request())
        await line.tell(1, "CallerAnswered", PARTIES)
        await line.close(code)

    async def go_on(line: Line) -> None:
        request = await line.request()
        assert request["method"] == "CommandAttach"
        assert request["params"] == {"cmd_id": "mine", "after": 1}
        await line.result(request, {"cmd_id": "mine", "state": "running", "seq": 2})
        await line.tell(2, "TransferStart", {"callid": "x", **PARTIES})
        await line.tell(3, "Ended", {"callid": "x"})
        await line.until_gone()

    async with asyncio.timeout(10), answering(begin, go_on) as url, connect(url) as api:
        call = api.call("CallStart", cmd_id="mine")
        assert [call.seq async for _ in call] == [1, 2]


async def test_a_limit_after_a_lost_connection_is_waited_out_but_not_before_that() -> None:
    async def lose(line: Line) -> None:
        await line.start(await line.request())
        await line.close(1001)

    async def limit(line: Line) -> None:
        await line.refuse(await line.request(), -32003, retry_after=0.01)
        request = await line.request()
        await line.result(request, {"cmd_id": "mine", "state": "running", "seq": 0})
        await line.tell(1, "Ended")
        await line.refuse(await line.request(), -32003, retry_after=0.01)
        await line.until_gone()

    async with asyncio.timeout(10), answering(lose, limit) as url, connect(url) as api:
        await api.call("CallStart", cmd_id="mine").result()
        with pytest.raises(TooManyRequests):
            await api.call("CallStart").result()


async def test_a_retry_that_is_refused_for_another_reason_says_so() -> None:
    async def lose(line: Line) -> None:
        await line.request()
        await line.close(1001)

    async def refuse(line: Line) -> None:
        await line.refuse(await line.request(), -32004, cmd_id="mine")

    async with asyncio.timeout(10), answering(lose, refuse) as url, connect(url) as api:
        with pytest.raises(DuplicateCommand):
            await api.call("CallStart", cmd_id="mine").result()


async def test_more_than_was_kept_unread_is_told_again_over_another_connection() -> None:
    told = MAX_UNREAD + 100

    async def flood(line: Line) -> None:
        await line.start(await line.request())
        for seq in range(1, told):
            await line.tell(seq, "Sang")
        await line.result(await line.request(), "all is told")
        await line.until_gone()

    async def go_on(line: Line) -> None:
        request = await line.request()
        after = request["params"]["after"]
        await line.result(request, {"cmd_id": "mine", "state": "running", "seq": told})
        for seq in range(after + 1, told):
            await line.tell(seq, "Sang")
        await line.tell(told, "Ended")
        await line.until_gone()

    async with asyncio.timeout(10), answering(flood, go_on) as url, connect(url) as api:
        call = api.call("CallStart", cmd_id="mine")
        assert await anext(call) == OtherEvent(name="Sang", data={})
        await api.ask("rpc.discover")
        assert [call.seq async for _ in call] == list(range(2, told))


async def test_reading_that_is_given_up_loses_nothing() -> None:
    go_on = asyncio.Event()

    async def slow(line: Line) -> None:
        await line.start(await line.request())
        await go_on.wait()
        await line.tell(1, "CallerAnswered", PARTIES)
        await line.tell(2, "Ended")
        await line.until_gone()

    async with asyncio.timeout(10), answering(slow) as url, connect(url) as api:
        call = api.call("CallStart", cmd_id="mine")
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await anext(call)
        go_on.set()
        assert [call.seq async for _ in call] == [1]


async def test_leaving_does_not_end_a_command_but_cancel_does() -> None:
    asked = []

    async def obey(line: Line) -> None:
        await line.start(await line.request())
        await line.tell(1, "CallerAnswered", PARTIES)
        request = await line.request()
        asked.append((request["method"], request["params"]))
        await line.result(request, {"cmd_id": "mine", "state": "cancelling"})
        params = {"cmd_id": "mine", "seq": 2, "event": "Error", "data": "cancelled"}
        error = {"code": -32022, "name": "CommandCancelled"}
        await line.notify("CallStart", {**params, "error": error})
        await line.tell(3, "Ended")
        await line.until_gone()

    async with asyncio.timeout(10), answering(obey) as url, connect(url) as api:
        call = api.call("CallStart", cmd_id="mine")
        async for _ in call:
            break
        assert asked == []
        await call.cancel()
        with pytest.raises(CommandCancelled):
            await call.result()

    assert asked == [("CommandCancel", {"cmd_id": "mine"})]


STATUS: dict[str, Any] = {
    "cmd_id": "mine",
    "method": "CallStart",
    "params": {},
    "state": "ended",
    "started": "2026-01-01T10:00:00Z",
    "ended": None,
    "seq": 3,
}
FAILED = {"code": -32020, "name": "CallFailed", "status": 486, "reason": "Busy Here"}


@pytest.mark.parametrize("after", [2, 3, 99])
@pytest.mark.parametrize("error", [None, FAILED])
async def test_how_a_command_ended_is_asked_where_its_error_is_not_told_again(
    after: int, error: dict[str, object] | None
) -> None:
    async def attach(line: Line) -> None:
        request = await line.request()
        await line.result(request, {"cmd_id": "mine", "state": "ended", "seq": 3})
        if after == 2:
            await line.tell(3, "Ended")
        request = await line.request()
        assert request["method"] == "CommandStatus"
        outcome = "ok" if error is None else "error"
        await line.result(request, {**STATUS, "outcome": outcome, "error": error})
        await line.until_gone()

    async with asyncio.timeout(10), answering(attach) as url, connect(url) as api:
        call = api.attach("mine", after=after)
        if error is None:
            await call.result()
        else:
            with pytest.raises(CallFailed, match="CallFailed") as caught:
                await call.result()
            assert caught.value.status == 486


async def test_a_daemon_that_does_not_answer_is_not_waited_for_for_ever() -> None:
    async def silence(line: Line) -> None:
        await line.until_gone()

    async with (
        asyncio.timeout(10),
        answering(silence) as url,
        connect(url, answer_within=0.05) as api,
    ):
        with pytest.raises(NoAnswer, match="no answer to CallStart"):
            await api.call("CallStart").result()


async def test_a_request_that_the_daemon_cannot_take_is_told_and_harms_no_other_one() -> None:
    async def too_long(line: Line) -> None:
        await line.start(await line.request())
        await line.request()
        await line.close(1009)

    async def go_on(line: Line) -> None:
        request = await line.request()
        await line.result(request, {"cmd_id": "mine", "state": "running", "seq": 0})
        await line.tell(1, "Ended")
        await line.until_gone()

    async with asyncio.timeout(10), answering(too_long, go_on) as url, connect(url) as api:
        first, second = api.call("CallStart", cmd_id="mine"), api.call("Echo", text="x" * 100)
        ended, refused = await asyncio.gather(
            first.result(), second.result(), return_exceptions=True
        )

    assert isinstance(refused, ConnectionLost)
    assert refused.code == 1009
    assert not isinstance(ended, BaseException)
