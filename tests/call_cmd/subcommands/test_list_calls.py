import re
from pathlib import Path

from click.testing import CliRunner

from call_cmd.cli import call_cmd as program
from tests.fakes.api_script import CALLS, NEW_CALLID
from tests.fakes.call_cmd import said, told
from tests.fakes.scripted_daemon import (
    CALLID,
    ScriptedDaemon,
    daemon_in_a_thread,
    refusal,
    result,
)


def test_calls_are_a_table(daemon: ScriptedDaemon) -> None:
    header, first, second = said("list")

    assert header.split() == ["CALLID", "STATE", "CALLER", "CALLEE", "AGE", "HELD"]
    assert re.fullmatch(rf"{CALLID}  answered  alice +bob +\d+d\d\dh  caller", first)
    assert re.fullmatch(rf"{NEW_CALLID} +ringing +evil\\x1b\[31m@h  bob +\d+d\d\dh  -", second)
    assert daemon.requests[-1]["params"] == {"limit": 1000}


def test_a_program_gets_an_object_for_each(daemon: ScriptedDaemon) -> None:
    assert told("list") == CALLS


def test_no_calls_is_no_data(home: Path) -> None:
    with daemon_in_a_thread({"CallList": [result({"calls": [], "next": None})]}) as daemon:
        people = CliRunner().invoke(program, ["-url", daemon.url, "list"])
        programs = CliRunner().invoke(program, ["-url", daemon.url, "list", "--json"])

    assert (people.exit_code, people.stdout, people.stderr) == (0, "", "no calls\n")
    assert (programs.exit_code, programs.stdout, programs.stderr) == (0, "", "")


def test_a_back_end_that_cannot_list_says_so(home: Path) -> None:
    with daemon_in_a_thread({"CallList": [refusal(-32030, "the back end cannot list")]}) as daemon:
        ended = CliRunner().invoke(program, ["-url", daemon.url, "list"])

    assert ended.exit_code == 1
    assert ended.stderr == "call-cmd: the back end cannot list (NotSupported)\n"


def test_calls_that_say_nothing_are_shown_as_that(home: Path) -> None:
    with daemon_in_a_thread({"CallList": [result({"calls": [{}], "next": None})]}) as daemon:
        ended = CliRunner().invoke(program, ["-url", daemon.url, "list"])

    assert ended.stdout.splitlines()[1].split() == ["None"] * 5 + ["-"]
