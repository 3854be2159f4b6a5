import asyncio

import pytest

from call_api.transports.websocket_failures import ConnectionLost, DaemonUnreachable
from call_api_client.client import MAX_UNREAD, Client, NoAnswer, Refused, Replies, TooSlow, connect
from call_api_client.messages import Answer, BadReply, Step
from tests.fakes.api_script import CALLS
from tests.fakes.scripted_daemon import (
    CALLID,
    CMD_ID,
    Script,
    call_start,
    change,
    die,
    raw,
    refusal,
    result,
    scripted_daemon,
    started,
    v1,
    v2,
)

ALICE, BOB = "sip:alice@h", "sip:bob@h"


async def events(replies: Replies) -> list[str]:
    """What was said, in words; the answer as its class."""
    async with asyncio.timeout(10):
        return [
            message.event if isinstance(message, Step) else type(message).__name__
            async for message in replies
        ]


async def test_a_command_is_followed_to_its_end() -> None:
    async with (
        scripted_daemon({"CallStart": call_start(ALICE, BOB)}) as daemon,
        connect(daemon.url) as client,
    ):
        replies = client.call("CallStart", caller=ALICE, callee=BOB)
        said = await events(replies)

    assert said == [
        "Answer",
        "CallerAnswered",
        "Transferring",
        "TransferStart",
        "TransferPending",
        "CalleeAnswered",
        "Ended",
    ]
    assert (replies.cmd_id, replies.last_seq, replies.request.callid) == (CMD_ID, 6, CALLID)
    [request] = daemon.requests
    assert request["params"] == {"caller": ALICE, "callee": BOB}


async def test_v1_is_followed_as_well() -> None:
    parties = {"caller": ALICE, "callee": BOB}
    script: Script = {
        "CallStart": [
            started(),
            v1("Event", 1, "CallerAnswered", data="CALL_ANSWER", details=parties),
            v1("Ended", 2, "Ended", details={"callid": CALLID}),
        ]
    }
    async with scripted_daemon(script) as daemon, connect(daemon.url) as client:
        replies = client.call("CallStart")

        assert await events(replies) == ["Answer", "CallerAnswered", "Ended"]
        assert replies.request.callid == CALLID


async def test_requests_run_side_by_side_on_one_connection() -> None:
    script: Script = {"Echo": [started(), v2("Reply", 1, {}), v2("Ended", 2)]}
    async with scripted_daemon(script) as daemon, connect(daemon.url) as client:
        all_replies = [client.call("Echo", cmd_id=str(number)) for number in range(5)]
        said = await asyncio.gather(*map(events, all_replies))

    assert said == [["Answer", "Reply", "Ended"]] * 5
    assert [replies.cmd_id for replies in all_replies] == ["0", "1", "2", "3", "4"]


async def test_a_method_that_answers_at_once_is_over_with_its_answer() -> None:
    async with (
        scripted_daemon({"CallList": [result({"calls": [], "next": None})]}) as daemon,
        connect(daemon.url) as client,
    ):
        assert await events(client.call("CallList")) == ["Answer"]
        assert await client.ask("CallList", limit=5) == {"calls": [], "next": None}


async def test_a_refusal_is_an_answer_and_for_who_asks_an_exception() -> None:
    async with (
        scripted_daemon({"CallList": [refusal(-32030, "the back end cannot list")]}) as daemon,
        connect(daemon.url) as client,
    ):
        [answer] = [message async for message in client.call("CallList")]
        assert isinstance(answer, Answer)
        assert answer.failure is not None
        assert answer.failure.name == "NotSupported"
        with pytest.raises(Refused, match="the back end cannot list"):
            await client.ask("CallList")


async def test_the_callers_own_id_goes_out() -> None:
    async with scripted_daemon({"CallList": [result(1)]}) as daemon, connect(daemon.url) as client:
        await events(client.request("CallList", {}, request_id="831717ed97e5"))

    assert daemon.requests[0]["id"] == "831717ed97e5"


async def test_nobody_there_is_told_at_once() -> None:
    async with scripted_daemon({}) as daemon:
        url = daemon.url
    with pytest.raises(DaemonUnreachable):
        async with connect(url):
            pass


async def test_a_daemon_that_dies_midway_ends_reading_after_what_it_told() -> None:
    script: Script = {"CallStart": [started(), v2("CallerAnswered", 1, {})], "Echo": [die()]}
    async with scripted_daemon(script) as daemon, connect(daemon.url) as client:
        replies = client.call("CallStart")
        assert isinstance(await anext(replies), Answer)
        with pytest.raises(ConnectionLost):
            await client.ask("Echo")

        assert await anext(replies) is not None
        with pytest.raises(ConnectionLost):
            await anext(replies)
        with pytest.raises(ConnectionLost):
            await client.ask("CallList")
    assert (replies.cmd_id, replies.last_seq) == (CMD_ID, 1)


async def test_nonsense_from_a_daemon_ends_every_request() -> None:
    async with (
        scripted_daemon({"Echo": [raw("hello")], "CallStart": [started()]}) as daemon,
        connect(daemon.url) as client,
    ):
        running = client.call("CallStart")
        assert isinstance(await anext(running), Answer)
        with pytest.raises(BadReply):
            await events(client.call("Echo"))
        with pytest.raises(BadReply):
            await anext(running)


async def test_a_daemon_that_does_not_answer_is_not_waited_for_for_ever() -> None:
    async with (
        scripted_daemon({"Echo": []}) as daemon,
        connect(daemon.url, answer_within=0.05) as c,
    ):
        with pytest.raises(NoAnswer, match=r"no answer to Echo within 0\.05 s"):
            await events(c.call("Echo"))


async def test_a_command_that_tells_more_than_is_read_is_given_up_and_can_be_resumed() -> None:
    tell = [v2("TransferPending", seq, {}) for seq in range(1, MAX_UNREAD + 10)]
    script: Script = {"CallStart": [started(), *tell], "CallList": [result(1)]}
    async with scripted_daemon(script) as daemon, connect(daemon.url) as client:
        replies = client.call("CallStart")
        await client.ask("CallList")  # answered after all of it
        with pytest.raises(TooSlow) as caught:
            await events(replies)

    assert (caught.value.cmd_id, caught.value.last_seq) == (CMD_ID, MAX_UNREAD - 1)


async def test_changes_of_calls_that_nobody_reads_are_given_up() -> None:
    watched = [result({"callid": None}), *[change("held", CALLS[0])] * (MAX_UNREAD + 10)]
    script: Script = {"CallWatch": watched, "CallList": [result(1)]}
    async with scripted_daemon(script) as daemon, connect(daemon.url) as client:
        changes = client.call("CallWatch")
        await client.ask("CallList")
        with pytest.raises(TooSlow, match="more changes of calls came than were read"):
            await events(changes)


async def test_leaving_the_connection_wakes_whoever_still_reads() -> None:
    async def read(client: Client) -> None:
        with pytest.raises(ConnectionLost, match="closed from here"):
            await events(client.call("CallStart"))

    async with (
        scripted_daemon({"CallStart": [started()]}) as daemon,
        asyncio.TaskGroup() as tasks,
        connect(daemon.url) as client,
    ):
        tasks.create_task(read(client), name="read")
        await anext(client.call("CallStart"))


async def test_what_json_cannot_say_is_refused_here() -> None:
    async with scripted_daemon({}) as daemon, connect(daemon.url) as client:
        with pytest.raises(ValueError, match="surrogates not allowed"):
            client.call("Echo", text="\ud800")


async def test_a_request_that_is_forgotten_keeps_nothing_of_what_is_said_to_it() -> None:
    script: Script = {"CallStart": [started(), v2("Ended", 1)], "CallList": [result(1)]}
    async with scripted_daemon(script) as daemon, connect(daemon.url) as client:
        replies = client.call("CallStart")
        client.forget(replies)
        await client.ask("CallList")

        assert replies.take_unread() == []
        assert not client.is_lost
    assert client.is_lost


async def test_what_was_not_read_can_be_taken_at_once() -> None:
    script: Script = {"CallStart": [started(), v2("Ended", 1)], "CallList": [result(1)]}
    async with scripted_daemon(script) as daemon, connect(daemon.url) as client:
        replies = client.call("CallStart", cmd_id="c")
        assert not client.has_told("c")
        await client.ask("CallList")

        assert len(replies.take_unread()) == 2
        assert client.has_told("c")
        assert await events(replies) == []
