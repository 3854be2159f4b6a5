from tests.fakes.call_cmd import call_cmd
from tests.fakes.scripted_daemon import CMD_ID, ScriptedDaemon


def test_a_command_is_followed_and_its_end_is_ours(daemon: ScriptedDaemon) -> None:
    ended = call_cmd("attach", CMD_ID)

    assert (ended.exit_code, ended.stdout) == (1, "alice answered\n")
    assert ended.stderr == "call-cmd: cancelled (CommandCancelled)\n"
    assert daemon.requests[-1]["params"] == {"cmd_id": CMD_ID, "after": 0}


def test_what_was_told_is_left_out(daemon: ScriptedDaemon) -> None:
    ended = call_cmd("attach", CMD_ID, "-after", "1")

    assert (ended.exit_code, ended.stdout) == (1, "")
    assert daemon.requests[-1]["params"]["after"] == 1
