import re
from pathlib import Path

from click.testing import CliRunner

from call_cmd.cli import call_cmd as program
from tests.fakes.api_script import RUNNING, STATUS
from tests.fakes.call_cmd import said, told
from tests.fakes.scripted_daemon import CMD_ID, ScriptedDaemon, daemon_in_a_thread, result


def test_every_command_is_listed(daemon: ScriptedDaemon) -> None:
    header, first, second = said("status")

    assert header.split() == ["CMD_ID", "METHOD", "STATE", "AGE"]
    assert re.fullmatch(rf"{CMD_ID}  CallStart  CallFailed  \d+d\d\dh", first)
    assert re.fullmatch(r"order-1 +CallStart  running +\d+d\d\dh", second)
    assert told("status") == [STATUS, RUNNING]


def test_one_command_is_shown_whole(daemon: ScriptedDaemon) -> None:
    lines = said("status", CMD_ID)

    assert lines[:2] == [f"cmd_id   {CMD_ID}", "method   CallStart"]
    assert "ended" not in [line.split()[0] for line in lines]
    assert 'error    {"code": -32020, "name": "CallFailed"' in lines[5]
    assert daemon.requests[-1]["params"] == {"cmd_id": CMD_ID}
    assert told("status", CMD_ID) == [STATUS]


def test_no_commands_is_no_data(home: Path) -> None:
    with daemon_in_a_thread({"CommandList": [result({"commands": []})]}) as daemon:
        people = CliRunner().invoke(program, ["-url", daemon.url, "status"])
        programs = CliRunner().invoke(program, ["-url", daemon.url, "status", "--json"])

    assert (people.exit_code, people.stdout, people.stderr) == (0, "", "no commands\n")
    assert (programs.exit_code, programs.stdout, programs.stderr) == (0, "", "")


def test_an_odd_answer_is_no_commands(home: Path) -> None:
    with daemon_in_a_thread({"CommandList": [result(7)], "CommandStatus": [result(7)]}) as daemon:
        every = CliRunner().invoke(program, ["-url", daemon.url, "status"])
        one = CliRunner().invoke(program, ["-url", daemon.url, "status", "x"])

    assert (every.exit_code, every.stdout) == (0, "")
    assert (one.exit_code, one.stdout) == (0, "")
