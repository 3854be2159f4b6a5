import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from call_api.version import VERSION
from call_api_client.cli import TOOL, call_api_client
from tests.fakes.programs import BIN, LIMIT, environment, on_terminal, run, running
from tests.fakes.scripted_daemon import (
    CMD_ID,
    Script,
    ScriptedDaemon,
    call_start,
    daemon_in_a_thread,
    die,
    failed,
    raw,
    refusal,
    result,
    started,
    v1,
    v2,
)

ALICE, BOB = "sip:alice@h", "sip:bob@h"
EVIL = '{"jsonrpc":"2.0","id":"1","result":"\\u001b[31m\x9b\u202e"}'

SCRIPT: Script = {
    "CallStart": call_start(ALICE, BOB),
    "CallHold": [
        started(),
        v1("Event", 1, "CallHoldSuccessful", data="CALL_HOLD", details={"legs": ["caller"]}),
        v1("Ended", 2, "Ended"),
    ],
    "CallEnd": [started(), *failed(1, -32012, "UnknownCall", "no call has the Call-ID x")],
    "CallBlindTransfer": [started(), *failed(1, -32021, "CommandTimeout", "not done in time")],
    "CallList": [result({"calls": [], "next": None})],
    "CommandAttach": [
        result({"cmd_id": CMD_ID, "state": "ended", "seq": 2}),
        v2("CallerAnswered", 1, {}),
        v2("Ended", 2),
    ],
    "CommandStatus": [refusal(-32602, "Invalid params", param="cmd_id", problem="missing")],
    "CommandList": [refusal(-32002, "forbidden")],
    "Evil": [raw(EVIL)],
    "Pretty": [raw('{\n  "id": "1",\n  "result": 1\n}')],
    "Hang": [started()],
    "Many": [started(), *(v2("TransferPending", seq, {}) for seq in range(1, 900))],
    "Die": [started(), v2("CallerAnswered", 1, {}), die()],
}


@pytest.fixture(scope="module")
def daemon() -> Iterator[ScriptedDaemon]:
    with daemon_in_a_thread(SCRIPT) as running_daemon:
        yield running_daemon


def call(daemon: ScriptedDaemon, *args: str, stdin: str | None = None) -> Result:
    daemon.requests.clear()
    return CliRunner().invoke(
        call_api_client, ["-url", daemon.url, *args], input=stdin, prog_name=TOOL
    )


def lines(output: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in output.splitlines()]


def test_every_message_is_one_line_as_the_daemon_sent_it(daemon: ScriptedDaemon) -> None:
    ended = call(daemon, "-method", "CallStart", f"caller={ALICE}", f"callee={BOB}")

    told = lines(ended.stdout)
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert told[0]["result"] == {"cmd_id": CMD_ID, "status": "Started", "event": "Started"}
    assert [line["params"]["event"] for line in told[1:]] == [  # type: ignore[index]  # JSON
        "CallerAnswered",
        "Transferring",
        "TransferStart",
        "TransferPending",
        "CalleeAnswered",
        "Ended",
    ]
    assert daemon.requests[0]["params"] == {"caller": ALICE, "callee": BOB}


def test_dialect_v1_ends_with_the_command_too(daemon: ScriptedDaemon) -> None:
    ended = call(daemon, "-method", "CallHold", "callid=x", "-dialect", "v1")

    assert ended.exit_code == 0
    assert [line.get("method") for line in lines(ended.stdout)] == [None, "Event", "Ended"]
    assert daemon.paths[-1] == "/call-api/v1"


@pytest.mark.parametrize(
    ("method", "status", "messages"),
    [
        ("CallList", 0, 1),
        ("CommandAttach", 0, 3),
        ("CallEnd", 1, 3),
        ("CallBlindTransfer", 5, 3),
        ("CommandStatus", 2, 1),
        ("CommandList", 4, 1),
        ("Nonsense", 2, 1),
    ],
)
def test_the_exit_status_tells_how_it_ended(
    daemon: ScriptedDaemon, method: str, status: int, messages: int
) -> None:
    ended = call(daemon, "-method", method)

    assert (ended.exit_code, len(lines(ended.stdout)), ended.stderr) == (status, messages, "")


def test_parameters_come_from_json_a_file_stdin_and_words(
    daemon: ScriptedDaemon, tmp_path: Path
) -> None:
    file = tmp_path / "params.json"
    file.write_text('{"limit": 1}')

    for args in (["-params", '{"limit": 1}'], ["-params", f"@{file}"], ["limit:=1"]):
        assert call(daemon, "--method", "CallList", *args).exit_code == 0
        assert daemon.requests[0]["params"] == {"limit": 1}
    assert call(daemon, "-method", "CallList", "-params", "-", stdin='{"a":1}').exit_code == 0
    assert daemon.requests[0]["params"] == {"a": 1}


def test_the_id_is_the_one_that_was_asked_for(daemon: ScriptedDaemon) -> None:
    ended = call(daemon, "-method", "CallList", "-id", "831717ed97e5")

    assert lines(ended.stdout)[0]["id"] == "831717ed97e5"


def test_a_message_of_several_lines_becomes_one(daemon: ScriptedDaemon) -> None:
    assert call(daemon, "-method", "Pretty").stdout == '{"id":"1","result":1}\n'


@pytest.mark.parametrize(
    ("args", "problem"),
    [
        ([], "Missing option '--method'."),
        (["-method"], "Option '-method' requires an argument."),
        (["-metod", "Echo"], "No such option '-metod'. Did you mean '-method'?"),
        (["-method", "Echo", "alice"], "'alice': a parameter is key=value"),
        (["-method", "Echo", "-params", "[1]"], "the parameters are one JSON object"),
        (["-method", "Echo", "-params", "@/nowhere"], "@/nowhere: cannot be read"),
        (["-method", "Echo", "-params", '{"a":"\\ud800"}'], "JSON cannot say these parameters"),
        (["-method", "Echo", "-timeout", "soon"], "'soon' is no number of seconds"),
        (["-method", "Echo", "-timeout", "nan"], "'nan' is no number of seconds"),
        (["-method", "Echo", "-timeout", "-1"], "'-1' is no number of seconds"),
        (["-method", "Echo", "-wsport", "0"], "'0' is no port"),
        (["-method", "Echo", "-dialect", "v3"], "'v3' is not one of"),
        (["-method", "Echo", "-config", "/nowhere.yml"], "/nowhere.yml: expected a file"),
    ],
)
def test_a_wrong_command_line_is_explained(
    daemon: ScriptedDaemon, args: list[str], problem: str
) -> None:
    ended = call(daemon, *args)

    assert (ended.exit_code, ended.stdout) == (2, "")
    assert problem in ended.stderr


def test_the_configuration_says_where_the_daemon_is(daemon: ScriptedDaemon, home: Path) -> None:
    (home / ".call-api.yml").write_text(f"ws_server: {{host: 127.0.0.1, port: {daemon.port}}}\n")

    ended = CliRunner().invoke(call_api_client, ["-method", "CallList"])
    assert ended.exit_code == 0

    other = home / "other.yml"
    other.write_text("ws_server: {port: 0}\n")
    ended = CliRunner().invoke(call_api_client, ["-method", "CallList", "-config", str(other)])
    assert (ended.exit_code, "say with -wsport" in ended.stderr) == (2, True)


def test_a_faulty_configuration_is_one_line(home: Path) -> None:
    (home / ".call-api.yml").write_text("ws_server: {prot: 1}\n")

    ended = CliRunner().invoke(call_api_client, ["-method", "CallList"])

    assert ended.exit_code == 2
    assert ended.stderr.count("\n") == 1
    assert ".call-api.yml:1: ws_server.prot" in ended.stderr


def test_who_gives_a_url_needs_no_configuration_but_may_name_one(
    daemon: ScriptedDaemon, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / ".call-api.yml").write_text("ws_server: {prot: 1}\n")
    listing = ["-url", daemon.url, "-method", "CallList"]

    assert CliRunner().invoke(call_api_client, listing).exit_code == 0
    named = CliRunner().invoke(call_api_client, [*listing, "-config", str(home / ".call-api.yml")])
    assert (named.exit_code, "ws_server.prot" in named.stderr) == (2, True)
    monkeypatch.setenv("CALL_API_CLIENT_TOKEN", "a b")
    wrong = CliRunner().invoke(call_api_client, listing)
    assert (wrong.exit_code, "CALL_API_CLIENT_TOKEN" in wrong.stderr) == (2, True)
    assert "a b" not in wrong.stderr


# As it is installed.


def test_what_is_not_needed_at_once_is_not_imported_at_once() -> None:
    code = "import sys, call_api_client.cli; print(*sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], env={}, capture_output=True, check=True)

    late = {"asyncio", "websockets", "rich", "yaml", "msgspec", "importlib.metadata", "json"}
    assert late & set(ended.stdout.decode().split()) == set()


def test_the_version(home: Path) -> None:
    assert run(home, "call-api-client", "-version").out == f"call-api-client {VERSION}\n"


def test_a_pipe_gets_what_the_daemon_sent_byte_for_byte(daemon: ScriptedDaemon, home: Path) -> None:
    ended = run(home, "call-api-client", "-url", daemon.url, "-method", "Evil", LC_ALL="C")

    assert ended.out == EVIL + "\n"


def test_each_line_arrives_before_the_command_has_ended(daemon: ScriptedDaemon, home: Path) -> None:
    with running(home, "call-api-client", "-url", daemon.url, "-method", "Hang") as program:
        assert "Started" in program.line()
        program.interrupt()
        ended = program.end()

    assert ended.status == 130
    assert ended.err.splitlines() == [
        "call-api-client: interrupted; the command goes on",
        *(
            f"  call-api-client -url {daemon.url} -method {method} cmd_id={CMD_ID}  {what}"
            for method, what in [("CommandAttach", "follows it"), ("CommandCancel", "ends it")]
        ),
    ]


def test_a_daemon_that_dies_midway_is_status_3(daemon: ScriptedDaemon, home: Path) -> None:
    ended = run(home, "call-api-client", "-url", daemon.url, "-method", "Die")

    assert ended.status == 3
    assert ended.err.startswith("call-api-client: lost the daemon: ")


def test_the_time_can_be_limited(daemon: ScriptedDaemon, home: Path) -> None:
    ended = run(home, "call-api-client", "-url", daemon.url, "-method", "Hang", "-timeout", "0.2")

    assert ended.status == 5
    assert ended.err.startswith("call-api-client: not done within 0.2 s; the command goes on\n")


def test_a_reader_who_goes_away_ends_it_quietly(daemon: ScriptedDaemon, home: Path) -> None:
    reading, writing = os.pipe()
    process = subprocess.Popen(
        [BIN / "call-api-client", "-url", daemon.url, "-method", "Many"],
        stdout=writing,
        stderr=subprocess.PIPE,
        env=environment(home),
        cwd=home,
    )
    os.close(writing)
    os.read(reading, 1)
    os.close(reading)
    _, err = process.communicate(timeout=LIMIT)

    assert (process.returncode, err) == (141, b"")


def test_a_terminal_shows_colours_and_nothing_else_that_moves_it(
    daemon: ScriptedDaemon, home: Path
) -> None:
    args = ("-url", daemon.url, "-method", "Evil")
    with on_terminal(home, "call-api-client", *args, columns=40) as program:
        status, shown = program.end()
    with on_terminal(home, "call-api-client", *args, columns=40, NO_COLOR="1") as program:
        _, plain = program.end()

    assert status == 0
    assert "\x1b[" in shown
    assert plain == '{"jsonrpc":"2.0","id":"1","result":"\\u001b[31m\\u009b\\u202e"}\n'


def test_ctrl_c_on_a_terminal_is_130(daemon: ScriptedDaemon, home: Path) -> None:
    with on_terminal(home, "call-api-client", "-url", daemon.url, "-method", "Hang") as program:
        program.until("Started")
        program.type("\x03")
        status, shown = program.end()

    assert status == 130
    assert "Traceback" not in shown
