import inspect
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from call_api_client import api as aio
from call_api_client import call as aio_call
from call_api_client import sync
from call_api_client.errors import CallFailed, ConnectionLost, DaemonUnreachable, UnknownCommand
from call_api_client.events import CallEvent
from call_api_client.sync import connect
from tests.fakes.api_script import API, CALLS
from tests.fakes.programs import running
from tests.fakes.scripted_daemon import (
    CALLID,
    ScriptedDaemon,
    change,
    daemon_in_a_thread,
    failed,
    refusal,
    result,
    started,
    v2,
)

SCRIPT = {
    **API,
    "CallEnd": [started(), *failed(1, -32020, "CallFailed", "486 Busy Here", status=486)],
    "CallHold": [started(), v2("CallHolding", 1)],
    "CallWatch": [result({"callid": None})],
    "Echo": [change("resumed", {**CALLS[0], "held": []}), started(), v2("Ended", 1)],
    "CallUnwatch": [result({"callid": None})],
    "CommandCancel": [refusal(-32005, "no command has the cmd_id x", cmd_id="x")],
}


@pytest.fixture(scope="module")
def daemon() -> Iterator[ScriptedDaemon]:
    with daemon_in_a_thread(SCRIPT) as daemon:
        yield daemon


def test_a_command_is_read_event_by_event(daemon: ScriptedDaemon) -> None:
    with connect(daemon.url) as api:
        call = api.call("CallStart", caller="sip:a@h", callee="sip:b@h")
        told = [(call.seq, type(event).__name__) for event in call]

        assert told[0] == (1, "CallerAnswered")
        assert told[-1] == (5, "CalleeAnswered")
        assert (call.callid, call.result().callid) == (CALLID, None)
        assert call.cmd_id
        with pytest.raises(StopIteration):
            next(call)


def test_a_command_that_fails_raises_its_error(daemon: ScriptedDaemon) -> None:
    with connect(daemon.url) as api:
        with pytest.raises(CallFailed, match="486 Busy Here"):
            api.call("CallEnd", callid="x").result()
        with pytest.raises(UnknownCommand):
            api.attach("x").cancel()


def test_questions_are_answered(daemon: ScriptedDaemon) -> None:
    with connect(daemon.url) as api:
        assert [call.callid for call in api.calls()] == [call["callid"] for call in CALLS]
        assert api.command("x").method == "CallStart"
        assert len(api.commands()) > 0
        assert api.ask("CallList", limit=1) == {"calls": CALLS, "next": None}


def test_calls_are_watched(daemon: ScriptedDaemon) -> None:
    with connect(daemon.url) as api, api.watch() as changes:
        assert len(changes.calls) == len(CALLS)
        api.call("Echo").result()
        first = next(changes)
        assert isinstance(first, CallEvent)
        assert first.event == "resumed"
        assert not changes.calls[first.callid].held
        with pytest.raises(TimeoutError):
            changes.next(within=0.05)


def test_one_call_that_ends_ends_its_watch() -> None:
    end = change("ended", {**CALLS[0], "state": "ended"})
    script = {**SCRIPT, "Echo": [end, started(), v2("Ended", 1)]}
    with (
        daemon_in_a_thread(script) as daemon,
        connect(daemon.url) as api,
        api.watch(CALLID) as changes,
    ):
        api.call("Echo").result()
        assert [change.event for change in changes] == ["ended"]
        assert changes.next() is None


def test_a_result_can_be_waited_for_for_a_while(daemon: ScriptedDaemon) -> None:
    with connect(daemon.url) as api, pytest.raises(TimeoutError):
        api.call("CallHold", callid="x").result(within=0.05)


def test_several_threads_share_one_connection(daemon: ScriptedDaemon) -> None:
    before = len(daemon.paths)
    with connect(daemon.url) as api, ThreadPoolExecutor(8) as pool:
        ended = list(pool.map(lambda n: api.call("CallStart", cmd_id=f"{n}").result(), range(40)))

    assert len(ended) == 40
    assert len(daemon.paths) == before + 1


def test_a_connection_that_was_left_says_so(daemon: ScriptedDaemon) -> None:
    with connect(daemon.url) as api:
        call = api.call("CallStart")
    for use in (api.calls, call.result, lambda: next(call)):
        with pytest.raises(ConnectionLost, match="closed from here"):
            use()


def test_nothing_is_left_running(daemon: ScriptedDaemon) -> None:
    before = threading.active_count()
    with connect(daemon.url):
        assert threading.active_count() == before + 1
    with daemon_in_a_thread({}) as gone:
        url = gone.url
    with pytest.raises(DaemonUnreachable), connect(url):
        pass

    assert threading.active_count() == before


@pytest.mark.parametrize(("kind", "blocking"), [(aio.Api, sync.Api), (aio_call.Call, sync.Call)])
def test_everything_that_the_library_can_do_can_be_done_without_asyncio(
    kind: type, blocking: type
) -> None:
    for name, method in inspect.getmembers(kind, inspect.isfunction):
        if not name.startswith("_"):
            own = inspect.signature(method).parameters
            assert own.keys() <= inspect.signature(getattr(blocking, name)).parameters.keys()


BLOCKED = """
from call_api_client.sync import connect
with connect({url!r}) as api:
    print("there", flush=True)
    {wait}
"""


@pytest.mark.parametrize(
    "wait", ["api.call('CallHold', callid='x').result()", "[*api.watch().__enter__()]"]
)
def test_ctrl_c_interrupts_what_blocks(daemon: ScriptedDaemon, tmp_path: Path, wait: str) -> None:
    code = BLOCKED.format(url=daemon.url, wait=wait)
    with running(tmp_path, "python", "-c", code) as program:
        assert program.line() == "there\n"
        program.interrupt()
        ended = program.end()

    assert ended.status == -2
    assert ended.err.rstrip().endswith("KeyboardInterrupt")


def test_a_script_that_does_not_leave_the_connection_can_end(daemon: ScriptedDaemon) -> None:
    code = (
        "from call_api_client.sync import connect\n"
        f"manager = connect({daemon.url!r})\n"
        "print(len(manager.__enter__().calls()))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=False
    )

    assert (ended.returncode, ended.stdout) == (0, "2\n")
