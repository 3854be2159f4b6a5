"""The scripts of examples/shell, at a real daemon with phones."""

import csv
import json
import os
import select
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from tests.examples.demo_daemon import DemoDaemon, demo_daemon
from tests.fakes.api_script import CALLS
from tests.fakes.outside import needs
from tests.fakes.programs import BIN, LIMIT, Ended, environment, run
from tests.fakes.scripted_daemon import change, daemon_in_a_thread, result

pytestmark = [pytest.mark.programs, needs("jq")]

FOLDER = Path(__file__).parents[2] / "examples" / "shell"


class Shell:
    """Runs scripts that find a daemon."""

    def __init__(self, home: Path, daemon: DemoDaemon) -> None:
        self._home = home
        self._env = {**daemon.where, "PATH": f"{BIN}:{os.environ['PATH']}"}

    def run(self, script: str, *args: str) -> Ended:
        return run(self._home, str(FOLDER / script), *args, **self._env)

    def call_cmd(self, *args: str) -> Ended:
        return run(self._home, "call-cmd", *args, **self._env)

    def start(self, caller: str = "alice", callee: str = "bob") -> str:
        """Make a call, and return its Call-ID."""
        ended = self.call_cmd("start", caller, callee, "--json")
        assert ended.status == 0, ended
        callid: str = json.loads(ended.out.splitlines()[-1])["callid"]
        return callid

    @contextmanager
    def running(self, script: str) -> Iterator[IO[str]]:
        """Run a script for as long as the block takes, then press Ctrl-C; give its stdout."""
        process = subprocess.Popen(
            [FOLDER / script],
            env=environment(self._home, **self._env),
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # as a shell does: Ctrl-C is for all of its processes
        )
        assert process.stdout is not None
        try:
            yield process.stdout
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.communicate(timeout=LIMIT)
        assert process.returncode != 0


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoDaemon]:
    with demo_daemon(tmp_path_factory.mktemp("daemon")) as daemon:
        yield daemon


@pytest.fixture
def shell(tmp_path: Path, daemon: DemoDaemon) -> Iterator[Shell]:
    shell = Shell(tmp_path, daemon)
    yield shell
    for line in shell.call_cmd("list", "--json").out.splitlines():
        shell.call_cmd("end", json.loads(line)["callid"])


def test_a_list_is_dialled_and_each_call_told(shell: Shell, tmp_path: Path) -> None:
    calls = tmp_path / "calls.csv"
    calls.write_text("# caller,callee\nalice,bob\r\n\nalice,nobody\nalice\ncarol,-x\ncarol,alice")

    ended = shell.run("dial-list", str(calls))

    rows = list(csv.reader(ended.out.splitlines()))
    assert [row[:2] for row in rows[:2]] == [["alice", "bob"], ["alice", "nobody"]]
    assert rows[-1][:2] == ["carol", "alice"]
    assert [len(row[2]) for row in (rows[0], rows[-1])] == [32, 32]
    assert rows[1][2] == "404 Not Found"
    assert ended.status == 1
    assert f"{calls}: not caller,callee: alice," in ended.err


def test_a_list_that_goes_well_and_one_that_is_not_there(shell: Shell, tmp_path: Path) -> None:
    calls = tmp_path / "calls.csv"
    calls.write_text("alice,bob\n")

    assert (ended := shell.run("dial-list", str(calls))).status == 0, ended
    assert shell.run("dial-list", str(tmp_path / "gone.csv")).status == 1
    assert "usage: dial-list FILE.csv" in shell.run("dial-list").err


def test_all_calls_of_a_user_are_ended_and_no_others(shell: Shell) -> None:
    first, other = shell.start("alice", "bob"), shell.start("carol", "bob")

    ended = shell.run("hang-up", "alice")

    assert (ended.status, ended.out, ended.err) == (0, f"{first}\n", "")
    left = shell.call_cmd("list", "--json").out.splitlines()
    assert [json.loads(line)["callid"] for line in left] == [other]
    assert shell.run("hang-up", "sip:bob@localhost").out == f"{other}\n"
    assert shell.run("hang-up", "bob").out == ""


def test_an_answer_is_waited_for(shell: Shell) -> None:
    callid = shell.start()

    assert shell.run("wait-answered", callid).status == 0
    assert shell.call_cmd("end", callid).status == 0
    assert shell.run("wait-answered", callid).status == 1


@pytest.mark.parametrize(
    ("changes", "status"), [(["ringing", "answered"], 0), (["ringing", "ended"], 1), ([], 5)]
)
def test_how_it_ends_is_the_exit_status(tmp_path: Path, changes: list[str], status: int) -> None:
    rings = {**CALLS[0], "state": "ringing"}
    told = [change(state, {**rings, "state": state}) for state in changes]
    script = {
        "CallWatch": [result({"callid": rings["callid"]}), *told],
        "CallList": [result({"calls": [rings], "next": None})],
    }
    with daemon_in_a_thread(script) as daemon:
        where = {
            "CALL_API_WS_SERVER_HOST": "127.0.0.1",
            "CALL_API_WS_SERVER_PORT": f"{daemon.port}",
        }
        path = f"{BIN}:{os.environ['PATH']}"
        args = (str(rings["callid"]), "2" if status == 5 else "20")
        ended = run(tmp_path, str(FOLDER / "wait-answered"), *args, PATH=path, **where)

    assert (ended.status, ended.out) == (status, "")


def test_calls_that_end_are_logged(shell: Shell) -> None:
    before = shell.start()
    with shell.running("call-log") as log:
        # Until it watches, calls that end are not its affair.
        for _ in range(20):
            callid = shell.start()
            assert shell.call_cmd("end", callid).status == 0
            if select.select([log], [], [], 0.5)[0]:
                row = next(csv.reader([log.readline()]))
                if row[4]:  # it watched already when the call began
                    break
        assert shell.call_cmd("end", before).status == 0
        rest = csv.reader(iter(log.readline, ""))
        old = next(row for row in rest if row[0] == before)

    assert (old[0], old[4:]) == (before, ["", "", ""])
    assert row[1:3] == ["sip:alice@localhost", "sip:bob@localhost"]
    assert row[3].endswith("Z")
    assert all(cell.isdigit() for cell in row[4:6])
    assert row[6] == ""
