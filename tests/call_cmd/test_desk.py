import json
from pathlib import Path

import pytest

from tests.fakes.api_script import API, NEW_CALLID
from tests.fakes.call_cmd import call_cmd, said, told
from tests.fakes.scripted_daemon import (
    CALLID,
    CMD_ID,
    Line,
    ScriptedDaemon,
    daemon_in_a_thread,
    failed,
    refusal,
    result,
    started,
)


def with_calls(*callids: str) -> dict[str, list[Line]]:
    listed = result({"calls": [{"callid": callid} for callid in callids], "next": None})
    return {**{name: list(lines) for name, lines in API.items()}, "CallList": [listed]}


def test_the_configuration_names_people_and_their_domain(
    daemon: ScriptedDaemon, home: Path
) -> None:
    file = home / ".call-cmd.yml"
    file.write_text(
        file.read_text() + "sip: {domain: pbx.example}\ncontacts: {boss: 'sip:1001@hq.example'}\n"
    )

    lines = said("start", "boss", "carol")

    params = daemon.requests[-1]["params"]
    assert (params["caller"], params["callee"]) == ("sip:1001@hq.example", "sip:carol@pbx.example")
    assert lines[0] == "calling boss"


def test_dialect_v2_is_spoken_unless_another_is_asked_for(daemon: ScriptedDaemon) -> None:
    said("echo")
    said("echo", "-dialect", "v1")
    said("echo", "-url", daemon.url)

    assert daemon.paths == ["/call-api/v2", "/call-api/v1", "/call-api"]


def test_the_timeout_is_the_commands_own(daemon: ScriptedDaemon) -> None:
    said("-timeout", "7.5", "hold", CALLID)

    assert daemon.requests[-1]["params"]["timeout"] == 7.5


def test_a_command_that_times_out_is_status_5(home: Path) -> None:
    lines = [started(), *failed(1, -32021, "CommandTimeout", "not done within 1 s", timeout=1)]
    with daemon_in_a_thread({"CallStart": lines}) as daemon:
        ended = call_cmd("-url", daemon.url, "-timeout", "1", "start", "a", "b")

    assert ended.exit_code == 5
    assert ended.stderr == "call-cmd: not done within 1 s (CommandTimeout)\n"


def test_a_question_has_the_timeout_to_itself(home: Path) -> None:
    with daemon_in_a_thread({"CallList": []}) as daemon:
        ended = call_cmd("-url", daemon.url, "-timeout", "0.1", "list")

    assert (ended.exit_code, ended.stderr) == (5, "call-cmd: not done within 0.1 s\n")


def test_a_call_id_may_be_shortened(daemon: ScriptedDaemon) -> None:
    said("hold", "1fc8")
    said("hold", NEW_CALLID[:12])

    assert [request["params"].get("callid") for request in daemon.requests] == [
        None,
        CALLID,
        None,
        NEW_CALLID,
    ]


def test_a_call_id_that_is_whole_costs_no_question(daemon: ScriptedDaemon) -> None:
    said("hold", CALLID)

    assert [request["method"] for request in daemon.requests] == ["CallHold"]


def test_a_program_says_call_ids_in_full(daemon: ScriptedDaemon) -> None:
    told("hold", "1fc8")

    [request] = daemon.requests
    assert request["params"]["callid"] == "1fc8"


def test_a_call_id_that_could_be_two_is_refused_with_both(home: Path) -> None:
    other = CALLID[:-1] + "6"
    with daemon_in_a_thread(with_calls(CALLID, other)) as daemon:
        ended = call_cmd("-url", daemon.url, "end", "1fc8")
        methods = [request["method"] for request in daemon.requests]

    assert (ended.exit_code, ended.stdout) == (2, "")
    assert ended.stderr.splitlines() == [
        "call-cmd: 1fc8 is the beginning of 2 Call-IDs: type more of it",
        f"  {CALLID}",
        f"  {other}",
    ]
    assert methods == ["CallList"]


@pytest.mark.parametrize(
    ("code", "message", "data", "status", "complaint"),
    [
        (
            -32602,
            "Invalid params",
            {"param": "caller", "problem": "no SIP URI"},
            2,
            "caller: no SIP URI",
        ),
        (-32601, "Method not found", {}, 2, "Method not found (MethodNotFound)"),
        (-32001, "unauthorized", {}, 4, "unauthorized (Unauthorized)"),
        (-32003, "too many requests", {"retry_after": 1}, 4, "too many requests (TooManyRequests)"),
        (-32030, "cannot \x1b[31m", {}, 1, r"cannot \x1b[31m (NotSupported)"),
    ],
)
def test_a_refused_request_is_one_line(
    home: Path, code: int, message: str, data: dict[str, object], status: int, complaint: str
) -> None:
    with daemon_in_a_thread({"CallStart": [refusal(code, message, **data)]}) as daemon:
        people = call_cmd("-url", daemon.url, "start", "a", "b")
        programs = call_cmd("-url", daemon.url, "start", "a", "b", "--json")

    assert (people.exit_code, people.stdout) == (status, "")
    assert people.stderr == f"call-cmd: {complaint}\n"
    assert (programs.exit_code, programs.stderr) == (status, "")
    assert json.loads(programs.stdout)["error"]["code"] == code


def test_a_daemon_that_is_not_there_is_one_line_that_says_how_to_start_it(home: Path) -> None:
    with daemon_in_a_thread({}) as daemon:
        port = daemon.port
    ended = call_cmd("-wshost", "127.0.0.1", "-wsport", str(port), "start", "a", "b")

    assert (ended.exit_code, ended.stdout) == (3, "")
    assert ended.stderr == (
        f"call-cmd: no daemon at ws://127.0.0.1:{port}/call-api/v2 (connection refused): "
        "start one with `call-api`, or say with -url where it is\n"
    )


def test_what_json_cannot_say_is_a_usage_error(daemon: ScriptedDaemon) -> None:
    ended = call_cmd("echo", "\udcff")

    assert ended.exit_code == 2
    assert "JSON cannot say these parameters" in ended.stderr


def test_a_faulty_configuration_is_one_line(home: Path) -> None:
    (home / ".call-cmd.yml").write_text("sip: {domian: x}\n")

    ended = call_cmd("list")

    assert (ended.exit_code, ended.stdout) == (2, "")
    assert ".call-cmd.yml:1: sip.domian: no such key" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_the_name_of_the_command_is_in_each_line_of_json(daemon: ScriptedDaemon) -> None:
    lines = told("hold", CALLID)

    assert {line["cmd_id"] for line in lines} == {daemon.requests[-1]["params"]["cmd_id"]}
    assert CMD_ID not in str(lines)
