from pathlib import Path

from tests.fakes.programs import on_terminal, run
from tests.fakes.scripted_daemon import ScriptedDaemon


def test_a_pipe_is_run_line_by_line(daemon: ScriptedDaemon, home: Path) -> None:
    ended = run(home, "call-cmd", "shell", stdin="echo a=b\nend 1fc8\nhodl\n")

    assert ended.status == 2
    assert ended.out.splitlines() == ['{"text": "hello"}', "the call has ended"]
    assert "did you mean hold?" in ended.err


def test_options_hold_for_every_line(home: Path) -> None:
    args = ("-wsport", "97", "--json", "-timeout", "3", "shell")
    ended = run(home, "call-cmd", *args, stdin="config show\nlist\n")

    assert '{"key": "ws_server.port", "value": 97, "from": "-wsport"}' in ended.out
    assert (ended.status, ended.err.count("no daemon at ws://localhost:97/")) == (3, 1)


def test_on_a_terminal_there_are_a_prompt_completion_and_history(
    daemon: ScriptedDaemon, home: Path
) -> None:
    with on_terminal(home, "call-cmd", "shell") as program:
        program.until("call-cmd> ")
        program.type("unh\t1fc8\t\n")
        program.until("488 Not Acceptable Here (CallFailed)\r\ncall-cmd> ")
        program.type("wrong")
        program.until("wrong")
        program.interrupt_until("wrong\r\ncall-cmd> ")
        program.type("echo x\n")
        program.until('hello"}\r\ncall-cmd> ')
        program.type("\x04")
        status, _ = program.end()

    history = home / ".call-cmd_history"
    assert status == 0
    assert history.read_text().splitlines() == [
        "unhold 1fc8043a-62f1-4a0c-8f0e-9a1f3b1c7d55 ",
        "echo x",
    ]
    assert history.stat().st_mode & 0o777 == 0o600


def test_ctrl_c_ends_what_runs_and_not_the_shell(daemon: ScriptedDaemon, home: Path) -> None:
    with on_terminal(home, "call-cmd", "shell") as program:
        program.until("call-cmd> ")
        program.type("watch --lines\n")
        program.until("ended")
        program.type("\x03")
        program.until("interrupted\r\ncall-cmd> ")
        program.type("exit\n")
        status, _ = program.end()

    assert status == 0
