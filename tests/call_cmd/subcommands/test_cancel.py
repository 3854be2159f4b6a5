from pathlib import Path

from click.testing import CliRunner

from call_cmd.cli import call_cmd as program
from tests.fakes.call_cmd import said, told
from tests.fakes.scripted_daemon import CMD_ID, ScriptedDaemon, daemon_in_a_thread, refusal, result


def test_a_command_is_cancelled(daemon: ScriptedDaemon) -> None:
    assert said("cancel", CMD_ID) == [f"cancelling {CMD_ID}"]
    assert daemon.requests[-1]["params"] == {"cmd_id": CMD_ID}
    assert told("cancel", CMD_ID) == [{"cmd_id": CMD_ID, "state": "cancelling"}]


def test_one_that_has_ended_is_left_alone(home: Path) -> None:
    with daemon_in_a_thread({"CommandCancel": [result({"cmd_id": "x", "state": "ended"})]}) as d:
        ended = CliRunner().invoke(program, ["-url", d.url, "cancel", "x"])

    assert (ended.exit_code, ended.stdout) == (0, "x has ended already\n")


def test_an_unknown_one_is_a_failure(home: Path) -> None:
    unknown = refusal(-32005, "no command has the cmd_id x", cmd_id="x")
    with daemon_in_a_thread({"CommandCancel": [unknown]}) as daemon:
        ended = CliRunner().invoke(program, ["-url", daemon.url, "cancel", "x"])

    assert ended.exit_code == 1
    assert ended.stderr == "call-cmd: no command has the cmd_id x (UnknownCommand)\n"
