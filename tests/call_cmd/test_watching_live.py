from pathlib import Path

from tests.fakes.api_script import API, CALLS
from tests.fakes.programs import on_terminal
from tests.fakes.scripted_daemon import (
    CALLID,
    Line,
    ScriptedDaemon,
    change,
    daemon_in_a_thread,
    die,
    result,
)


def test_the_story_of_one_call_is_left_when_the_screen_is_gone(
    daemon: ScriptedDaemon, home: Path
) -> None:
    with on_terminal(home, "call-cmd", "watch", CALLID, NO_COLOR="1") as program:
        status, shown = program.end()

    story = shown.rpartition("\x1b[?1049l")[2]
    assert status == 0
    assert [line.split()[2] for line in story.splitlines() if CALLID in line] == [
        "held",
        "branch_failed",
        "ended",
    ]


def test_a_list_has_the_whole_screen(daemon: ScriptedDaemon, home: Path) -> None:
    with on_terminal(home, "call-cmd", "list", "--watch", NO_COLOR="1") as program:
        program.until("evil\\x1b[31m@h")  # of the list
        program.type("q")
        status, shown = program.end()

    assert status == 0
    assert "branch_failed" not in shown
    assert "1 call  all calls" in shown or "2 calls  all calls" in shown


def test_a_daemon_that_is_lost_is_waited_for(home: Path) -> None:
    script: dict[str, list[Line]] = {name: list(lines) for name, lines in API.items()}
    script["CallWatch"] = [result({"callid": None}), change("held", CALLS[0]), die()]
    with daemon_in_a_thread(script) as daemon:
        args = ("call-cmd", "-url", daemon.url, "watch")
        with on_terminal(home, *args, columns=200) as program:
            program.until("lost the daemon, looking for it again")
            script["CallWatch"] = [result({"callid": None}), change("resumed", CALLS[0])]
            program.until("resumed")
            program.type("q")
            status, _ = program.end()

    assert status == 0


def test_a_call_that_ended_while_the_daemon_was_lost_is_over(home: Path) -> None:
    script: dict[str, list[Line]] = {name: list(lines) for name, lines in API.items()}
    script["CallWatch"] = [result({"callid": CALLID}), change("held", CALLS[0])]
    script["CallList"] = [die()]
    with daemon_in_a_thread(script) as daemon:
        args = ("call-cmd", "-url", daemon.url, "watch", CALLID)
        with on_terminal(home, *args, columns=200) as program:
            program.until("lost the daemon")
            script["CallList"] = [result({"calls": [], "next": None})]
            script["CallWatch"] = [result({"callid": CALLID})]
            status, shown = program.end()

    assert status == 0
    assert "held" in shown.rpartition("\x1b[?1049l")[2]
