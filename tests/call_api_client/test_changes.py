import asyncio
import json
from typing import Any

import msgspec
import pytest

from call_api.commands.call_watch import CallEvent
from call_api_client import connect
from call_api_client.client import MAX_UNREAD
from call_api_client.errors import BadReply, Forbidden, NotSupported, UnknownCall
from tests.fakes.answering import Line, answering
from tests.fakes.call_changes import change


def told(callid: str, event: Any, *was: str) -> dict[str, Any]:
    text = msgspec.json.encode(CallEvent.of(change(callid, event, was)))
    data: dict[str, Any] = json.loads(text)
    return data


def call(callid: str, event: Any = "answered") -> dict[str, Any]:
    shown: dict[str, Any] = told(callid, event)["call"]
    return shown


class Desk:
    """A daemon that is asked to watch, and has calls.

    Attributes:
        asked: Methods and Call-IDs, but for CallList.
        entered, left: For the test to set and to wait for.
    """

    def __init__(self, *calls: dict[str, Any]) -> None:
        self.calls = [*calls]
        self.asked: list[tuple[str, str | None]] = []
        self.entered, self.left = asyncio.Event(), asyncio.Event()

    async def answer(self, line: Line, *, until: str = "CallList") -> None:
        """Answer requests up to one of this method."""
        while True:
            request = await line.request()
            method, callid = request["method"], request.get("params", {}).get("callid")
            if method == "CallList":
                await line.result(request, {"calls": self.calls, "next": None})
            else:
                self.asked.append((method, callid))
                await line.result(request, {"callid": callid})
            if method == until:
                return


async def test_the_calls_that_there_are_and_every_change_are_known() -> None:
    desk = Desk(call("a"))

    async def act(line: Line) -> None:
        await desk.answer(line)
        await desk.entered.wait()
        await line.notify("CallEvent", told("b", "created"))
        await line.notify("CallEvent", told("a", "ended"))
        await desk.answer(line, until="CallUnwatch")
        desk.left.set()
        await line.until_gone()

    async with asyncio.timeout(10), answering(act) as url, connect(url) as api:
        async with api.watch() as changes:
            desk.entered.set()
            assert list(changes.calls) == ["a"]
            assert (await anext(changes)).event == "created"
            ended = await anext(changes)
            assert (ended.callid, ended.event, ended.call.state) == ("a", "ended", "ended")
            assert list(changes.calls) == ["b"]
        await desk.left.wait()
    assert desk.asked == [("CallWatch", None), ("CallUnwatch", None)]


async def test_one_call_is_watched_until_it_ends_under_whatever_name() -> None:
    desk = Desk(call("a"), call("b"))

    async def act(line: Line) -> None:
        await desk.answer(line)
        await desk.entered.wait()
        await line.notify("CallEvent", told("b", "held"))
        await line.notify("CallEvent", told("n", "transferred", "a"))
        await line.notify("CallEvent", told("a", "ended"))
        await line.notify("CallEvent", told("n", "ended"))
        await line.until_gone()

    async with (
        asyncio.timeout(10),
        answering(act) as url,
        connect(url) as api,
        api.watch("a") as changes,
    ):
        desk.entered.set()
        heard = [(one.callid, one.event) async for one in changes]

    assert heard == [("n", "transferred"), ("n", "ended")]
    assert desk.asked[0] == ("CallWatch", "a")


async def test_a_call_that_is_not_there_cannot_be_watched() -> None:
    desk = Desk(call("b"))

    async def act(line: Line) -> None:
        await desk.answer(line)
        await desk.answer(line, until="CallUnwatch")
        await line.until_gone()

    async with asyncio.timeout(10), answering(act) as url, connect(url) as api:
        with pytest.raises(UnknownCall, match="no call has the Call-ID a"):
            async with api.watch("a"):
                pass


async def test_a_daemon_that_cannot_watch_says_so() -> None:
    async def refuse(line: Line) -> None:
        await line.refuse(await line.request(), -32030, what="watch")
        await line.until_gone()

    async with asyncio.timeout(10), answering(refuse) as url, connect(url) as api:
        with pytest.raises(NotSupported):
            async with api.watch():
                pass


async def test_after_a_lost_connection_it_is_told_what_happened_meanwhile() -> None:
    desk = Desk(call("a"), call("b"))

    async def lose(line: Line) -> None:
        await desk.answer(line)
        desk.calls = [call("b"), call("c", "ringing")]
        await line.close(1013)

    async def go_on(line: Line) -> None:
        await desk.answer(line, until="CallWatch")
        await line.notify("CallEvent", told("b", "ended"))  # newer than the list
        await desk.answer(line)
        await line.notify("CallEvent", told("c", "ringing"))  # known from the list
        await line.notify("CallEvent", told("c", "answered"))
        await line.until_gone()

    async with (
        asyncio.timeout(10),
        answering(lose, go_on) as url,
        connect(url) as api,
        api.watch() as changes,
    ):
        heard = [await anext(changes) for _ in range(5)]

    assert [one.event for one in heard if one.callid == "a"] == ["ended"]
    assert [one.event for one in heard if one.callid == "b"] == ["ended"]
    events = [one.event for one in heard if one.callid == "c"]
    assert events == ["created", "ringing", "answered"]
    assert list(changes.calls) == ["c"]


async def test_a_connection_that_is_lost_at_once_again_does_no_harm() -> None:
    desk = Desk(call("a"))

    async def answer_and_lose(line: Line) -> None:
        await desk.answer(line, until="CallWatch")
        await line.close(1001)

    async def limit(line: Line) -> None:
        await line.refuse(await line.request(), -32003, retry_after=0.01)
        await desk.answer(line)
        desk.calls.clear()
        await line.close(1001)

    async def answer(line: Line) -> None:
        await desk.answer(line)
        await line.until_gone()

    async with (
        asyncio.timeout(10),
        answering(desk_first(desk), answer_and_lose, limit, answer) as url,
        connect(url) as api,
        api.watch() as changes,
    ):
        assert [(one.callid, one.event) for one in [await anext(changes)]] == [("a", "ended")]


def desk_first(desk: Desk) -> Any:
    async def act(line: Line) -> None:
        await desk.answer(line)
        await line.close(1001)

    return act


async def test_who_may_not_watch_any_more_is_told() -> None:
    desk = Desk()

    async def refuse(line: Line) -> None:
        await line.refuse(await line.request(), -32002)
        await line.until_gone()

    async with (
        asyncio.timeout(10),
        answering(desk_first(desk), refuse) as url,
        connect(url) as api,
        api.watch() as changes,
    ):
        with pytest.raises(Forbidden):
            await anext(changes)


async def test_changes_that_nobody_read_are_made_up_for_by_the_list() -> None:
    desk = Desk(call("a", "ringing"))

    async def flood(line: Line) -> None:
        await desk.answer(line)
        await desk.entered.wait()
        for number in range(MAX_UNREAD + 100):
            await line.notify("CallEvent", told("a", "held" if number % 2 else "resumed"))
        desk.calls = [call("b")]
        await line.result(await line.request(), "all is told")
        await desk.answer(line)
        await line.until_gone()

    async with (
        asyncio.timeout(10),
        answering(flood) as url,
        connect(url) as api,
        api.watch() as changes,
    ):
        desk.entered.set()
        await api.ask("rpc.discover")
        heard = [await anext(changes) for _ in range(MAX_UNREAD + 3)]

    assert [(one.callid, one.event) for one in heard[MAX_UNREAD:]] == [
        ("a", "ended"),
        ("b", "created"),
        ("b", "answered"),
    ]


async def test_reading_that_is_given_up_loses_nothing() -> None:
    desk = Desk()

    async def act(line: Line) -> None:
        await desk.answer(line)
        await desk.entered.wait()
        await line.notify("CallEvent", told("a", "created"))
        await line.until_gone()

    async with (
        asyncio.timeout(10),
        answering(act) as url,
        connect(url) as api,
        api.watch() as changes,
    ):
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await anext(changes)
        desk.entered.set()
        assert (await anext(changes)).callid == "a"


async def test_who_leaves_does_not_take_the_watch_of_another_one() -> None:
    desk = Desk()

    async def act(line: Line) -> None:
        await desk.answer(line)
        await desk.answer(line)
        await desk.entered.wait()
        await line.notify("CallEvent", told("a", "created"))
        await desk.answer(line, until="CallUnwatch")
        await line.until_gone()

    async with (
        asyncio.timeout(10),
        answering(act) as url,
        connect(url) as api,
        api.watch() as first,
    ):
        async with api.watch():
            pass
        desk.entered.set()
        assert (await anext(first)).callid == "a"
        assert desk.asked == [("CallWatch", None), ("CallWatch", None)]


async def test_nonsense_instead_of_a_change_is_no_daemon() -> None:
    desk = Desk()

    async def act(line: Line) -> None:
        await desk.answer(line)
        await desk.entered.wait()
        await line.notify("CallEvent", {"callid": 1})
        await line.until_gone()

    async with (
        asyncio.timeout(10),
        answering(act) as url,
        connect(url) as api,
        api.watch() as changes,
    ):
        desk.entered.set()
        with pytest.raises(BadReply):
            await anext(changes)


async def test_a_call_that_gets_another_name_just_then_is_watched_under_that() -> None:
    desk = Desk(call("n"))

    async def act(line: Line) -> None:
        await desk.answer(line, until="CallWatch")
        await line.notify("CallEvent", told("n", "transferred", "a"))
        await desk.answer(line)
        await desk.entered.wait()
        await line.notify("CallEvent", told("n", "ended"))
        await line.until_gone()

    async with (
        asyncio.timeout(10),
        answering(act) as url,
        connect(url) as api,
        api.watch("a") as changes,
    ):
        assert list(changes.calls) == ["n"]
        desk.entered.set()
        assert [one.event async for one in changes] == ["ended"]
        assert not changes.calls
