import asyncio

import pytest

from call_api.transports.websocket_failures import ConnectFailed, ConnectForbidden, NoDaemon
from call_api_client.client import connect
from call_api_client.errors import ConnectionLost, NotSupported, TooManyRequests
from call_api_client.link import Link, Patience
from call_api_client.messages import Failure
from tests.fakes.answering import Line, answering


def link_to(url: str, within: float = 10.0) -> Link:
    return Link(lambda: connect(url), within)


async def list_calls(line: Line) -> None:
    """Answer every request with the same."""
    while True:
        await line.result(await line.request(), "calls")


async def hang_up(line: Line) -> None:
    await line.request()
    await line.close(1013)


async def send_away(line: Line) -> None:
    await line.request()
    await line.close(1009)


async def refuse(line: Line) -> None:
    await line.refuse(await line.request(), -32030, what="list")


async def test_what_is_harmless_is_asked_again_over_a_new_connection() -> None:
    async with asyncio.timeout(10), answering(hang_up, hang_up, list_calls) as url:
        link = link_to(url)
        await link.open()

        assert await link.ask("CallList", limit=5) == "calls"
        await link.close()


async def test_what_may_do_harm_is_not_sent_twice() -> None:
    async with asyncio.timeout(10), answering(hang_up, list_calls) as url:
        link = link_to(url)
        await link.open()

        with pytest.raises(ConnectionLost, match="1013"):
            await link.ask("CallStart")
        await link.close()


async def test_a_request_that_the_daemon_cannot_take_is_not_sent_again() -> None:
    async with asyncio.timeout(10), answering(send_away, list_calls) as url:
        link = link_to(url)
        await link.open()

        with pytest.raises(ConnectionLost, match="1009"):
            await link.ask("CallList")
        await link.close()


async def test_a_refusal_is_the_error_itself() -> None:
    async with asyncio.timeout(10), answering(refuse) as url:
        link = link_to(url)
        await link.open()

        with pytest.raises(NotSupported) as caught:
            await link.ask("CallList")
        assert caught.value.what == "list"
        await link.close()


async def test_a_daemon_that_is_not_there_at_first_is_told_at_once() -> None:
    async with answering(list_calls) as url:
        pass
    with pytest.raises(ConnectFailed):
        await link_to(url).open()


async def test_a_daemon_that_does_not_come_back_is_given_up_in_time() -> None:
    async with asyncio.timeout(10):
        async with answering(hang_up) as url:
            link = link_to(url, within=0.2)
            await link.open()
            with pytest.raises(ConnectionLost):
                await link.ask("CallStart")
        with pytest.raises(ConnectionLost, match=r"not back within 0\.2 s: connection refused"):
            await link.ask("CallList")
        await link.close()


async def test_one_connection_is_made_for_all_who_need_one() -> None:
    lines: list[Line] = []

    async def count(line: Line) -> None:
        lines.append(line)
        await list_calls(line)

    async with asyncio.timeout(10), answering(hang_up, count) as url:
        link = link_to(url)
        await link.open()
        answers = await asyncio.gather(*(link.ask("CallList") for _ in range(50)))
        await link.close()

    assert (answers, len(lines)) == (["calls"] * 50, 1)


async def test_who_is_not_let_in_any_more_is_told_at_once() -> None:
    failures = iter([None, ConnectForbidden("ws://h", 401)])

    def refusing() -> object:
        failure = next(failures)
        if failure is not None:
            raise failure
        return connect(url)

    async with asyncio.timeout(10), answering(hang_up) as url:
        link = Link(refusing, 10.0)  # type: ignore[arg-type]  # raises where connecting would
        await link.open()
        with pytest.raises(ConnectForbidden):
            await link.ask("CallList")
        await link.close()


async def test_a_daemon_behind_a_gateway_that_has_none_is_waited_for() -> None:
    failures = [None, NoDaemon("ws://h", "it answered HTTP 502"), None]

    def flaky() -> object:
        failure = failures.pop(0)
        if failure is not None:
            raise failure
        return connect(url)

    async with asyncio.timeout(10), answering(hang_up, list_calls) as url:
        link = Link(flaky, 10.0)  # type: ignore[arg-type]  # raises where connecting would
        await link.open()
        assert await link.ask("CallList") == "calls"
        await link.close()


async def test_a_link_that_is_closed_stays_closed_and_wakes_who_waits() -> None:
    async def silence(line: Line) -> None:
        await line.until_gone()

    async with asyncio.timeout(10), answering(silence) as url, asyncio.TaskGroup() as group:
        link = link_to(url)
        await link.open()

        async def wait() -> None:
            with pytest.raises(ConnectionLost, match="closed from here"):
                await link.ask("CallList")

        task = group.create_task(wait(), name="wait")
        await asyncio.sleep(0)
        await link.close()
        await task
        with pytest.raises(ConnectionLost, match="closed from here"):
            await link.client()


def over_limit(retry_after: object) -> Failure:
    data = {"retry_after": retry_after}
    return Failure(code=-32003, name="TooManyRequests", message="", data=data)


async def test_a_limit_is_waited_for_as_long_as_patience_lasts() -> None:
    patience = Patience(Link(lambda: connect("ws://h"), 5.0))

    await patience.wait(over_limit(0))
    for endless in (10, None):
        with pytest.raises(TooManyRequests):
            await patience.wait(over_limit(endless))


async def test_patience_with_lost_connections_ends_unless_the_request_gets_on() -> None:
    loss = ConnectionLost(1006, "it is gone")
    patience = Patience(Link(lambda: connect("ws://h"), 0.05))

    patience.bear(loss, is_answered=False)
    await asyncio.sleep(0.06)
    patience.renew()
    patience.bear(loss, is_answered=False)
    await asyncio.sleep(0.06)
    with pytest.raises(ConnectionLost):
        patience.bear(loss, is_answered=False)
    patience.bear(loss, is_answered=False)


async def test_what_was_answered_is_not_what_the_daemon_could_not_take() -> None:
    patience = Patience(Link(lambda: connect("ws://h"), 5.0))

    patience.bear(ConnectionLost(1009, "too long"), is_answered=True)
    with pytest.raises(ConnectionLost):
        patience.bear(ConnectionLost(1009, "too long"), is_answered=False)


async def test_other_links_to_the_same_daemon_are_closed_with_the_first_one() -> None:
    async with asyncio.timeout(10), answering(list_calls) as url:
        link = link_to(url)
        await link.open()
        first, second = await link.another(), await link.another()
        await first.close()
        assert await second.ask("CallList") == "calls"

        await link.close()
        for other in (first, second):
            with pytest.raises(ConnectionLost, match="closed from here"):
                await other.client()
