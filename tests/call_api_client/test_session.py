import asyncio
import io
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest

from call_api_client.client import Client, NoAnswer, TooSlow
from call_api_client.messages import Answer, Failure, Step
from call_api_client.session import Connect, Session, failure_words
from call_api_client.statuses import Status
from call_api_client.terminal import Screen
from tests.fakes.scripted_daemon import (
    CALLID,
    CMD_ID,
    call_start,
    daemon_in_a_thread,
    die,
    failed,
    raw,
    refusal,
    result,
    started,
)


class Run:
    """One run of a session against a daemon; remembers what was shown and complained of."""

    def __init__(
        self, url: str, within: float | None = None, direct: Connect | None = None
    ) -> None:
        self.stderr = io.StringIO()
        self.shown: list[str] = []
        self.session = Session(
            "tool",
            url,
            within=within,
            errors=Screen(self.stderr),
            to_attach="tool attach ",
            to_cancel="tool cancel ",
            direct=direct,
        )

    def follow(
        self, method: str, params: Mapping[str, object], cmd_id: str | None = None
    ) -> Status:
        async def story(client: Client) -> Status:
            return await self.session.follow(client.request(method, params), self.show, cmd_id)

        return self.session.run(story)

    def show(self, message: Answer | Step) -> None:
        self.shown.append(message.event if isinstance(message, Step) else "Answer")

    @property
    def complaints(self) -> list[str]:
        return self.stderr.getvalue().splitlines()


ADVICE = [f"  tool attach {CMD_ID}  follows it", f"  tool cancel {CMD_ID}  ends it"]


def test_a_command_that_ends_well_is_shown_and_ok() -> None:
    with daemon_in_a_thread({"CallStart": call_start("sip:a@h", "sip:b@h")}) as daemon:
        run = Run(daemon.url)

        assert run.follow("CallStart", {}) is Status.OK
    assert run.shown[0] == "Answer"
    assert run.shown[-1] == "Ended"
    assert run.complaints == []


@pytest.mark.parametrize(("code", "status"), [(-32020, Status.FAILED), (-32021, Status.TIMED_OUT)])
def test_a_command_that_fails_is_shown_to_its_end(code: int, status: Status) -> None:
    script = {"CallStart": [started(), *failed(1, code, "X", "no")]}
    with daemon_in_a_thread(script) as daemon:
        run = Run(daemon.url)

        assert run.follow("CallStart", {}) is status
    assert run.shown == ["Answer", "Error", "Ended"]


def test_a_question_that_is_refused_is_complained_of() -> None:
    with daemon_in_a_thread({"CallList": [refusal(-32002, "forbidden")]}) as daemon:
        run = Run(daemon.url)

        async def story(client: Client) -> Status:
            await client.ask("CallList")
            return Status.OK

        assert run.session.run(story) is Status.REFUSED
    assert run.complaints == ["tool: forbidden (Forbidden)"]


def test_nobody_there_is_one_line_that_says_how_to_start_a_daemon() -> None:
    with daemon_in_a_thread({}) as daemon:
        url = daemon.url
    run = Run(url)

    assert run.follow("Echo", {}) is Status.LOST
    [complaint] = run.complaints
    assert complaint == (
        f"tool: no daemon at {url} (connection refused): start one with `call-api`, "
        "or say with -url where it is"
    )


def test_a_wrong_url_is_a_usage_error() -> None:
    run = Run("wss://h/\x1b")

    assert run.follow("Echo", {}) is Status.USAGE
    assert run.complaints == [
        r"tool: -url wss://h/\x1b: a URL has no blanks and no control characters"
    ]


@pytest.mark.parametrize(
    ("http", "status", "complaint"),
    [
        (403, Status.REFUSED, "the daemon at {url} refused us: access is forbidden: no (HTTP 403)"),
        (
            404,
            Status.LOST,
            "no Call API at {url}: there is none at this path (HTTP 404); say with -url where",
        ),
    ],
)
def test_a_refused_handshake_is_one_line(http: int, status: Status, complaint: str) -> None:
    with daemon_in_a_thread({}, http) as daemon:
        run = Run(daemon.url)

        assert run.follow("Echo", {}) is status
    assert len(run.complaints) == 1
    assert run.complaints[0].startswith(f"tool: {complaint.format(url=daemon.url)}")


@pytest.mark.parametrize(
    ("reason", "status", "complaint"),
    [
        (NoAnswer("Echo", 30), Status.TIMED_OUT, "no answer to Echo within 30 s"),
        (TooSlow("c", 7), Status.LOST, "command c told more than was read, from 8 on"),
    ],
)
def test_what_ends_reading_is_one_line(reason: Exception, status: Status, complaint: str) -> None:
    with daemon_in_a_thread({}) as daemon:
        run = Run(daemon.url)

        async def story(_: Client) -> Status:
            raise reason

        assert run.session.run(story) is status
    assert run.complaints == [f"tool: {complaint}"]


def test_a_daemon_that_dies_leaves_advice() -> None:
    script = {"CallStart": [started()], "Echo": [die()]}
    with daemon_in_a_thread(script) as daemon:
        run = Run(daemon.url)

        async def story(client: Client) -> Status:
            replies = client.call("CallStart")

            def show(message: Answer | Step) -> None:
                client.call("Echo")

            return await run.session.follow(replies, show)

        assert run.session.run(story) is Status.LOST
    assert run.complaints[0].startswith("tool: lost the daemon: ")
    assert run.complaints[0].endswith(" (1006); the command may go on")
    assert run.complaints[1:] == ADVICE


def test_a_daemon_that_dies_before_it_answers_leaves_advice_for_a_name_of_ours() -> None:
    with daemon_in_a_thread({"CallStart": [die()]}) as daemon:
        run = Run(daemon.url)

        assert run.follow("CallStart", {}, "a b") is Status.LOST
    assert run.complaints[1:] == ["  tool attach 'a b'  follows it", "  tool cancel 'a b'  ends it"]


def test_what_is_no_daemon_is_said_so() -> None:
    with daemon_in_a_thread({"Echo": [raw("hello\x1b")]}) as daemon:
        run = Run(daemon.url)

        assert run.follow("Echo", {}) is Status.LOST
    [complaint] = run.complaints
    assert complaint.startswith("tool: what answers there is no Call API daemon: it is no JSON-RPC")


def test_the_time_is_limited_and_the_command_goes_on() -> None:
    with daemon_in_a_thread({"CallStart": [started()]}) as daemon:
        run = Run(daemon.url, within=0.2)

        assert run.follow("CallStart", {}) is Status.TIMED_OUT
    assert run.complaints == ["tool: not done within 0.2 s; the command goes on", *ADVICE]


def test_an_answer_that_ends_the_request_leaves_nothing_to_advise() -> None:
    with daemon_in_a_thread({"CallList": [result({}), die()], "Echo": [die()]}) as daemon:
        run = Run(daemon.url)

        async def story(client: Client) -> Status:
            await run.session.follow(client.call("CallList"), run.show, "x")
            await client.ask("Echo")
            return Status.OK

        assert run.session.run(story) is Status.LOST
    assert len(run.complaints) == 1


def test_ctrl_c_says_that_the_command_goes_on() -> None:
    with daemon_in_a_thread({"CallStart": [started()]}) as daemon:
        run = Run(daemon.url)

        async def story(client: Client) -> Status:
            def press(_: Answer | Step) -> None:
                raise KeyboardInterrupt

            return await run.session.follow(client.call("CallStart"), press)

        assert run.session.run(story) is Status.INTERRUPTED
    assert run.complaints == ["tool: interrupted; the command goes on", *ADVICE]


def test_ctrl_c_ends_a_command_that_no_daemon_runs() -> None:
    @asynccontextmanager
    async def direct() -> AsyncIterator[Client]:
        client = Client()
        client.use(NobodyListens())
        yield client

    run = Run("no URL at all", direct=direct)

    async def story(client: Client) -> Status:
        following = run.session.follow(client.call("CallStart"), run.show, CMD_ID)
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGINT)
        return await following

    assert run.session.run(story) is Status.INTERRUPTED
    assert run.complaints == ["tool: interrupted; the command was cancelled"]


class NobodyListens:
    def send(self, text: str) -> None:
        """What was sent is lost."""


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (
            Failure(
                code=-32602,
                name="InvalidParams",
                message="Invalid params",
                data={"param": "caller", "problem": "no SIP URI"},
            ),
            "caller: no SIP URI",
        ),
        (
            Failure(
                code=-32602,
                name="InvalidParams",
                message="Invalid params",
                data={"param": None, "problem": "parameters are given by name"},
            ),
            "parameters are given by name",
        ),
        (
            Failure(code=-32020, name="CallFailed", message="486 Busy Here", data={}),
            "486 Busy Here (CallFailed)",
        ),
        (
            Failure(
                code=-32020, name="CallFailed", message="486 Busy Here", data={"leg": "callee"}
            ),
            "the callee: 486 Busy Here (CallFailed)",
        ),
        (Failure(code=7, name="", message="odd", data={}), "odd"),
        (Failure(code=-32020, name="CallFailed", message="", data={}), "CallFailed"),
        (Failure(code=7, name="", message="", data={}), "error 7"),
    ],
)
def test_a_failure_is_one_line(failure: Failure, words: str) -> None:
    assert failure_words(failure) == words


def test_the_call_is_known_when_all_is_over() -> None:
    with daemon_in_a_thread({"CallStart": call_start("sip:a@h", "sip:b@h")}) as daemon:
        run = Run(daemon.url)
        callids = []

        async def story(client: Client) -> Status:
            replies = client.call("CallStart")
            status = await run.session.follow(replies, run.show)
            callids.append(replies.request.callid)
            return status

        assert run.session.run(story) is Status.OK
    assert callids == [CALLID]


def test_who_is_deaf_to_ctrl_c_in_the_background_stays_deaf() -> None:
    async def interrupt(_: Client) -> Status:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(0)
        return Status.OK

    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with daemon_in_a_thread({}) as daemon:
            assert Run(daemon.url).session.run(interrupt) is Status.OK
    finally:
        signal.signal(signal.SIGINT, before)
