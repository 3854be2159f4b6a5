"""The three programs as they are installed, together: real processes, real calls on loopback."""

import json
import re
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.programs import LIMIT, Ended, Program, on_terminal, run, running


@dataclass
class RealDaemon:
    """A call-api that runs, and the command lines that find it."""

    program: Program
    home: Path
    url: str
    sip: tuple[str, int]

    def people(self, *args: str) -> list[str]:
        """What call-cmd says to a person, of a run that ends well."""
        ended = self.call_cmd(*args)
        assert (ended.status, ended.err) == (0, "")
        return ended.out.splitlines()

    def scripts(self, *args: str) -> list[dict[str, Any]]:
        """What call-cmd says to a script, of a run that ends well."""
        return [json.loads(line) for line in self.people(*args, "--json")]

    def call_cmd(self, *args: str) -> Ended:
        return run(self.home, "call-cmd", "-url", f"{self.url}/v2", *args)

    def call_api_client(self, *args: str, stdin: str = "") -> Ended:
        return run(self.home, "call-api-client", "-url", self.url, *args, stdin=stdin)


@contextmanager
def real_daemon(home: Path, *args: str) -> Iterator[RealDaemon]:
    home.mkdir(exist_ok=True)
    settings = {
        "CALL_API_WS_SERVER_HOST": "127.0.0.1",
        "CALL_API_WS_SERVER_PORT": "0",
        "CALL_API_EMBEDDED_PORT": "0",
        "CALL_API_LOG_LEVEL": "ERROR",
        "CALL_API_SHUTDOWN_WITHIN": "0.2",
    }
    with running(home, "call-api", *args, env=settings) as program:
        ready = program.line()
        found = re.search(r"(ws://\S+) .*sip:([\d.]+):(\d+)", ready)
        assert found, ready
        yield RealDaemon(program, home, found[1], (found[2], int(found[3])))


@contextmanager
def silent_phone(daemon: RealDaemon, user: str) -> Iterator[None]:
    """A phone that registers, and then answers nothing at all."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.bind(("127.0.0.1", 0))
        phone.settimeout(LIMIT)
        port = phone.getsockname()[1]
        lines = [
            "REGISTER sip:localhost SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK-{user}-{port}",
            "Max-Forwards: 70",
            f"From: <sip:{user}@localhost>;tag=1",
            f"To: <sip:{user}@localhost>",
            f"Call-ID: {user}-{port}",
            "CSeq: 1 REGISTER",
            f"Contact: <sip:{user}@127.0.0.1:{port}>",
            "Expires: 600",
            "Content-Length: 0",
        ]
        phone.sendto("".join(f"{line}\r\n" for line in [*lines, ""]).encode(), daemon.sip)
        assert phone.recv(65536).startswith(b"SIP/2.0 200 ")
        yield


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealDaemon]:
    """A daemon with the phones of alice, bob and carol."""
    with real_daemon(tmp_path_factory.mktemp("demo"), "--demo") as daemon:
        yield daemon


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[RealDaemon]:
    """A daemon that a test may kill, with phones of alice's and bob's that never answer."""
    with (
        real_daemon(tmp_path / "home") as running_daemon,
        silent_phone(running_daemon, "alice"),
        silent_phone(running_daemon, "bob"),
    ):
        yield running_daemon


def test_a_person_makes_holds_moves_and_ends_a_call(demo: RealDaemon) -> None:
    made = demo.people("start", "alice", "bob")
    callid = made[-1].removeprefix("callid ")

    assert made[:-1] == [
        "calling alice",
        "alice answered",
        "connecting alice to bob",
        "calling bob",
        *(line for line in made if line == "bob: 180 Ringing"),
        "bob answered",
    ]
    short = callid[:8]
    assert demo.people("hold", short)[-1].endswith(" is on hold")
    assert re.search(rf"{callid}  answered  alice   bob +\ds +caller callee", listed(demo))
    assert demo.people("unhold", short)[-1].endswith(" is back")
    moved = demo.people("transfer", short, "carol", "--leg", "callee")
    assert moved[-2:] == ["transferred to carol", f"callid {callid}"]
    assert demo.people("end", short) == ["the call has ended"]
    assert callid not in listed(demo)


def listed(daemon: RealDaemon) -> str:
    return daemon.call_cmd("list").out


def test_a_script_finds_the_call_id_and_the_reason_of_a_failure(demo: RealDaemon) -> None:
    made = demo.scripts("start", "alice", "carol")
    callid = made[-1]["callid"]
    calls = demo.scripts("list")
    demo.scripts("end", callid)
    again = demo.call_cmd("end", callid, "--json")

    assert (made[0]["event"], made[-1]["event"]) == ("Started", "Ended")
    assert {"callid": callid, "state": "answered"}.items() <= calls[-1].items()
    assert again.status == 1
    told = [json.loads(line) for line in again.out.splitlines()]
    assert [line["event"] for line in told] == ["Started", "Error", "Ended"]
    assert told[1]["error"]["name"] == "UnknownCall"


def test_two_calls_are_joined(demo: RealDaemon) -> None:
    first = demo.scripts("start", "alice", "bob")[-1]["callid"]
    second = demo.scripts("start", "carol", "bob")[-1]["callid"]

    joined = demo.people(
        "attended-transfer", first, second, "--leg-a", "caller", "--leg-b", "caller"
    )

    assert joined[0] == "joining the two calls"
    assert "transferred to carol" in joined
    demo.people("end", joined[-1].removeprefix("callid "))
    assert demo.scripts("list") == []


@pytest.mark.parametrize("dialect", ["v1", "v2"])
def test_call_api_client_prints_what_each_dialect_says(demo: RealDaemon, dialect: str) -> None:
    params = {"caller": "sip:alice@localhost", "callee": "sip:bob@localhost"}
    ended = demo.call_api_client(
        *("-method", "CallStart", "-params", "-", "-dialect", dialect, "-id", "831717ed97e5"),
        stdin=json.dumps(params),
    )
    told = [json.loads(line) for line in ended.out.splitlines()]
    callids = re.findall(r'"callid":"([^"]+)"', ended.out)

    assert (ended.status, ended.err) == (0, "")
    assert told[0]["id"] == "831717ed97e5"
    assert told[-1]["params"]["event"] == "Ended"
    assert [line["params"]["seq"] for line in told[1:]] == list(range(1, len(told)))
    assert told[-1]["method"] == {"v1": "Ended", "v2": "CallStart"}[dialect]
    assert demo.call_api_client("-method", "CallEnd", f"callid={callids[-1]}").status == 0


@pytest.mark.parametrize(
    ("args", "status"),
    [
        (["CallHold", "callid=nosuch"], 1),
        (["CallHold", "callid=nosuch", "leg=both"], 2),
        (["CallHold", "callid=nosuch", "lge=caller"], 2),
        (["start", "al ice", "bob"], 2),
        (["start", "nobody", "bob"], 1),
        (["CommandStatus", "cmd_id=nosuch"], 1),
        (["echo", "hello"], 0),
        (["list"], 0),
        (["status"], 0),
        (["rpc.discover"], 0),
    ],
)
def test_the_exit_status_tells_how_it_ended(demo: RealDaemon, args: list[str], status: int) -> None:
    assert demo.call_cmd(*args).status == status


def test_the_timeout_ends_the_command_itself(daemon: RealDaemon) -> None:
    ended = daemon.call_cmd("-timeout", "0.3", "start", "alice", "bob")

    assert ended.status == 5
    assert ended.err == "call-cmd: not done within 0.3 s (CommandTimeout)\n"


def test_a_command_that_was_left_alone_is_found_again_and_cancelled(daemon: RealDaemon) -> None:
    with running(daemon.home, "call-cmd", "-url", daemon.url, "start", "alice", "bob") as program:
        assert program.line() == "calling alice\n"
        program.interrupt()
        left = program.end()
    attach, cancel = [line.split("  ")[1].split() for line in left.err.splitlines()[1:]]

    assert left.status == 130
    with running(daemon.home, *attach) as following:
        assert run(daemon.home, *cancel).status == 0
        end = following.end()
    assert end.status == 1
    assert re.fullmatch(r"call-cmd: cancelled.* \(CommandCancelled\)\n", end.err)
    [status] = daemon.scripts("status")
    assert (status["state"], status["outcome"]) == ("ended", "error")


def test_a_daemon_that_is_killed_midway_is_status_3(daemon: RealDaemon) -> None:
    with running(daemon.home, "call-cmd", "-url", daemon.url, "start", "alice", "bob") as program:
        assert program.line() == "calling alice\n"
        daemon.program.process.kill()
        ended = program.end()

    assert ended.status == 3
    assert ended.err.startswith("call-cmd: lost the daemon: ")


def test_a_daemon_that_is_stopped_midway_says_how_the_command_ended(daemon: RealDaemon) -> None:
    with running(daemon.home, "call-cmd", "-url", daemon.url, "start", "alice", "bob") as program:
        assert program.line() == "calling alice\n"
        daemon.program.process.send_signal(signal.SIGTERM)
        ended = program.end()

    assert ended.status == 1
    assert re.fullmatch(r"call-cmd: cancelled.* \(CommandCancelled\)\n", ended.err)


def test_a_terminal_shows_a_real_call(demo: RealDaemon) -> None:
    args = ("call-cmd", "-url", demo.url, "start", "alice", "bob")
    with on_terminal(demo.home, *args, columns=40) as program:
        status, shown = program.end()
    callid = re.search(r"callid \x1b\[1m([0-9a-f]+)\x1b\[0m", shown)

    assert status == 0
    assert callid
    demo.people("end", callid[1])
