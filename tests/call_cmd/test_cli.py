import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from call_api.options import Manners
from call_api.version import VERSION
from call_cmd.subcommands import SUBCOMMANDS
from tests.fakes.api_script import ALICE, BOB
from tests.fakes.call_cmd import call_cmd
from tests.fakes.programs import on_terminal, run, running
from tests.fakes.scripted_daemon import (
    CALLID,
    CMD_ID,
    ScriptedDaemon,
    daemon_in_a_thread,
    die,
    started,
    v2,
)


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_every_subcommand_has_its_own_name_and_help_that_fits_a_terminal(name: str) -> None:
    module = importlib.import_module(f"call_cmd.subcommands.{SUBCOMMANDS[name]}")
    command = getattr(module, SUBCOMMANDS[name])
    shown = call_cmd(name, "--help").stdout

    assert isinstance(command, Manners)
    assert command.name == name
    assert shown.startswith(f"Usage: call-cmd {name} ")
    assert max(map(len, shown.splitlines())) <= 80
    assert "..." not in command.get_short_help_str(limit=60)


def test_help_lists_the_subcommands_in_the_order_of_a_calls_life() -> None:
    shown = call_cmd("--help").stdout
    listed = shown.partition("Commands:\n")[2].partition("\n\n")[0]

    assert [line.split()[0] for line in listed.splitlines()] == list(SUBCOMMANDS)
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("strt", "did you mean start?"),
        ("CallStrt", "did you mean CallStart?"),
        ("xyzzy", "call-cmd --help lists them."),
    ],
)
def test_a_mistyped_subcommand_is_told_the_nearest(typed: str, meant: str) -> None:
    ended = call_cmd(typed)

    assert ended.exit_code == 2
    assert f"There is no subcommand '{typed}': {meant}" in ended.stderr


def test_without_a_subcommand_there_is_help_and_status_2() -> None:
    ended = call_cmd()

    assert ended.exit_code == 2
    assert "Commands:" in ended.output


def test_a_mistyped_option_of_a_subcommand_is_told_the_nearest() -> None:
    ended = call_cmd("hold", "-lge", "caller", "x")

    assert ended.exit_code == 2
    assert "No such option '-lge'. Did you mean '-leg'?" in ended.stderr


# As it is installed.

SLOW = {
    "CallStart": [started(), v2("CallerAnswered", 1, {"caller": ALICE, "callee": BOB})],
    "Echo": [started(), v2("Reply", 1, {}), die()],
}


@pytest.fixture(scope="module")
def slow() -> Iterator[ScriptedDaemon]:
    """A daemon whose commands do not end by themselves."""
    with daemon_in_a_thread(SLOW) as daemon:
        yield daemon


def test_what_is_not_needed_at_once_is_not_imported_at_once() -> None:
    code = "import sys, call_cmd.cli; print(*sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], env={}, capture_output=True, check=True)

    late = {"asyncio", "websockets", "rich", "yaml", "msgspec", "importlib.metadata", "json"}
    assert late & set(ended.stdout.decode().split()) == set()


def test_the_version(home: Path) -> None:
    assert run(home, "call-cmd", "--version").out == f"call-cmd {VERSION}\n"


def test_a_pipe_gets_lines_without_colours(daemon: ScriptedDaemon, home: Path) -> None:
    ended = run(home, "call-cmd", "start", "alice", "bob")

    assert (ended.status, ended.err) == (0, "")
    assert ended.out.splitlines()[-1] == f"callid {CALLID}"
    assert "\x1b" not in ended.out


def test_ctrl_c_leaves_the_command_and_says_how_to_get_back(
    slow: ScriptedDaemon, home: Path
) -> None:
    with running(home, "call-cmd", "-url", slow.url, "start", "alice", "bob") as program:
        assert program.line() == "calling alice\n"
        assert program.line() == "alice answered\n"
        program.interrupt()
        ended = program.end()

    cmd_id = slow.requests[-1]["params"]["cmd_id"]
    assert (ended.status, ended.out) == (130, "")
    assert ended.err.splitlines() == [
        "call-cmd: interrupted; the command goes on",
        f"  call-cmd -url {slow.url} attach {cmd_id}  follows it",
        f"  call-cmd -url {slow.url} cancel {cmd_id}  ends it",
    ]


def test_a_daemon_that_dies_midway_is_status_3(slow: ScriptedDaemon, home: Path) -> None:
    ended = run(home, "call-cmd", "-url", slow.url, "echo", "hello")

    assert ended.status == 3
    assert ended.err.startswith("call-cmd: lost the daemon: ")
    assert f"  call-cmd -url {slow.url} attach " in ended.err


def test_a_terminal_shows_colours_the_call_id_and_what_to_do_with_it(
    daemon: ScriptedDaemon, home: Path
) -> None:
    with on_terminal(home, "call-cmd", "start", "alice", "bob", columns=40) as program:
        status, shown = program.end()

    assert status == 0
    assert f"callid \x1b[1m{CALLID}\x1b[0m\n" in shown
    assert "\x1b[32malice answered\x1b[0m\n" in shown
    assert f"hold, transfer or end it: call-cmd hold {CALLID[:8]}" in shown


def test_no_color_is_honoured(daemon: ScriptedDaemon, home: Path) -> None:
    with on_terminal(home, "call-cmd", "start", "alice", "bob", NO_COLOR="1") as program:
        _, shown = program.end()

    assert "\x1b" not in shown
    assert f"callid {CALLID}\n" in shown


def test_a_narrow_terminal_shows_calls_one_below_the_other(
    daemon: ScriptedDaemon, home: Path
) -> None:
    with on_terminal(home, "call-cmd", "list", columns=40, NO_COLOR="1") as program:
        _, shown = program.end()

    first, second, *_ = shown.splitlines()
    assert (first, second) == (CALLID, "  state   answered")
    assert r"  caller  evil\x1b[31m@h" in shown.splitlines()


def test_a_wide_terminal_shows_a_table(daemon: ScriptedDaemon, home: Path) -> None:
    with on_terminal(home, "call-cmd", "list", columns=120, NO_COLOR="1") as program:
        _, shown = program.end()

    assert shown.startswith("CALLID ")


def test_ctrl_c_on_a_terminal_is_130(slow: ScriptedDaemon, home: Path) -> None:
    with on_terminal(home, "call-cmd", "-url", slow.url, "start", "a", "b") as program:
        program.until("answered")
        program.type("\x03")
        status, shown = program.end()

    assert status == 130
    assert "Traceback" not in shown
    assert CMD_ID not in shown


def test_the_wire_is_logged_where_the_settings_say(daemon: ScriptedDaemon, home: Path) -> None:
    log = home / "wire.log"
    ended = run(
        home, "call-cmd", "echo", CALL_API_LOG_LEVEL="DEBUG", CALL_API_LOG_FILE_PATH=str(log)
    )

    assert (ended.status, ended.err) == (0, "")
    assert '< TEXT \'{"jsonrpc": "2.0", "id": "1", "result"' in log.read_text()


def test_a_log_that_cannot_be_written_is_one_line(daemon: ScriptedDaemon, home: Path) -> None:
    ended = run(home, "call-cmd", "echo", CALL_API_LOG_FILE_PATH=str(home))

    assert (ended.status, ended.err) == (2, f"call-cmd: log.file_path: {home}: Is a directory\n")
