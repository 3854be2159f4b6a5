import json

import pytest

from call_api.commands import COMMANDS, QUERIES
from call_cmd.methods import method_command, parameters_of
from tests.fakes.api_script import NEW_CALLID
from tests.fakes.call_cmd import call_cmd, said, told
from tests.fakes.scripted_daemon import CALLID, CMD_ID, ScriptedDaemon


def test_every_method_is_a_subcommand_in_every_spelling() -> None:
    spellings = [
        name for method, kind in (COMMANDS | QUERIES).items() for name in (method, *kind.aliases)
    ]

    assert all(method_command(name) is not None for name in spellings)
    assert method_command("CallUnHold") is not None
    assert method_command("callstart") is None


def test_a_command_takes_words(daemon: ScriptedDaemon) -> None:
    lines = said("CallStart", "caller=sip:a@h", "callee=bob", "timeout:=7", "cmd_id=order 1")

    assert lines[-1] == f"callid {CALLID}"
    assert daemon.requests[-1]["params"] == {
        "caller": "sip:a@h",
        "callee": "sip:bob@localhost",
        "timeout": 7,
        "cmd_id": "order 1",
    }


def test_names_and_call_ids_mean_what_they_mean_elsewhere(daemon: ScriptedDaemon) -> None:
    said(
        "CallAttendedTransfer",
        "callidA=1fc8",
        "legA=caller",
        "callid_b=77d1",
        "leg_b=callee",
        "destination=carol",
    )

    params = daemon.requests[-1]["params"]
    assert (params["callidA"], params["callid_b"]) == (CALLID, NEW_CALLID)
    assert params["destination"] == "sip:carol@localhost"


def test_what_a_method_does_not_know_is_for_the_daemon_to_refuse(daemon: ScriptedDaemon) -> None:
    said("CallHold", f"callid={CALLID}", "leg:=7", "wait=yes")

    params = daemon.requests[-1]["params"]
    assert (params["leg"], params["wait"]) == (7, "yes")


def test_a_question_is_answered_in_json(daemon: ScriptedDaemon) -> None:
    shown = said("CallList", "limit=10")

    assert json.loads("\n".join(shown))["next"] is None
    assert daemon.requests[-1]["params"] == {"limit": 10}
    assert told("CallList")[0]["next"] is None
    assert told("rpc.discover")[0]["openrpc"] == "1.3.2"


def test_attaching_follows_the_command(daemon: ScriptedDaemon) -> None:
    ended = call_cmd("CommandAttach", f"cmd_id={CMD_ID}", "after=1", "--json")

    assert ended.exit_code == 1
    assert [json.loads(line)["event"] for line in ended.stdout.splitlines()] == [
        "Attached",
        "Error",
        "Ended",
    ]
    assert daemon.requests[-1]["params"] == {"cmd_id": CMD_ID, "after": 1}


def test_a_word_without_a_value_is_a_usage_error(daemon: ScriptedDaemon) -> None:
    ended = call_cmd("CallStart", "alice", "bob")

    assert ended.exit_code == 2
    assert "'alice': a parameter is key=value" in ended.stderr


@pytest.mark.parametrize(
    ("method", "parameters", "example"),
    [
        ("CallHold", "callid [leg]", "call-cmd CallHold callid=..."),
        ("Echo", "anything", "call-cmd Echo"),
        ("CommandList", "[limit] [after]", "call-cmd CommandList"),
        ("rpc.discover", "none", "call-cmd rpc.discover"),
    ],
)
def test_help_tells_the_parameters(method: str, parameters: str, example: str) -> None:
    shown = call_cmd(method, "-h").stdout

    assert f"Parameters: {parameters}\n  Example:    {example}\n" in shown


def test_parameters_that_may_be_left_out_stand_in_brackets() -> None:
    assert parameters_of(COMMANDS["CallHold"]) == {"callid": "callid", "leg": "[leg]"}
