from pathlib import Path

import pytest

from call_cmd.cli import call_cmd as program
from call_cmd.shell import Shell
from tests.fakes.scripted_daemon import CALLID, ScriptedDaemon


def shell(*options: str) -> Shell:
    return Shell(program, "call-cmd", options)


def test_lines_are_run_until_one_says_to_leave(
    daemon: ScriptedDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    status = shell().every(
        iter(["echo one", "", "  # nothing", "call-cmd end x", "exit", "echo two"])
    )

    assert status == 0
    assert [one["method"] for one in daemon.requests if one["method"] != "CallList"] == [
        "Echo",
        "CallEnd",
    ]
    assert capsys.readouterr().out.splitlines()[-1] == "the call has ended"


def test_the_status_is_that_of_the_last_line(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shell("--url=ws://127.0.0.1:1/x").every(iter(["hodl x"])) == 2
    assert shell("--url=ws://127.0.0.1:1/x").every(iter(["hodl x", "list"])) == 3
    assert shell().every(iter(["hodl x", "config show"])) == 0
    assert "There is no subcommand 'hodl': did you mean hold?" in capsys.readouterr().err


def test_what_cannot_be_read_is_said_and_the_next_line_is_run(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shell().every(iter(['start "alice', "shell", "help"])) == 0

    told = capsys.readouterr()
    assert told.err.splitlines() == [
        "call-cmd: no closing quotation in 'start \"alice'",
        "call-cmd: this is a shell already",
    ]
    assert told.out.startswith("Usage: call-cmd ")


def test_options_hold_for_every_line_and_those_of_a_line_for_it_alone(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shell("--wsport=99").every(iter(["config show -wsport 98 --json", "config show"]))

    first, second = capsys.readouterr().out.split("KEY")
    assert '"value": 98, "from": "-wsport"' in first
    assert "ws://localhost:99/call-api/v2" in second


def test_words_are_completed(daemon: ScriptedDaemon) -> None:
    run = shell()

    assert run.completions("", "sta") == ["start", "status"]
    assert run.completions("", "ex") == ["exit"]
    assert run.completions("call-cmd hold ", "")[:1] == [CALLID]
    assert run.completions('hold "', "") == []
