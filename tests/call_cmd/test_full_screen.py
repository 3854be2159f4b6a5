import signal
from pathlib import Path

from tests.fakes.programs import on_terminal
from tests.fakes.scripted_daemon import ScriptedDaemon

ALTERNATE, NORMAL = "\x1b[?1049h", "\x1b[?1049l"


def test_the_screen_is_given_back_after_q(daemon: ScriptedDaemon, home: Path) -> None:
    with on_terminal(home, "call-cmd", "watch") as program:
        program.until("q ends it")
        program.type("q")
        status, shown = program.end()

    assert status == 0
    assert shown.index(ALTERNATE) < shown.index("q ends it") < shown.index(NORMAL)


def test_the_screen_is_given_back_after_ctrl_c(daemon: ScriptedDaemon, home: Path) -> None:
    with on_terminal(home, "call-cmd", "watch") as program:
        program.until("q ends it")
        program.type("\x03")
        status, shown = program.end()

    assert status == 130
    assert NORMAL in shown


def test_the_screen_is_given_back_before_a_signal_kills(daemon: ScriptedDaemon, home: Path) -> None:
    with on_terminal(home, "call-cmd", "watch") as program:
        program.until("q ends it")
        program.process.send_signal(signal.SIGTERM)
        status, shown = program.end()

    assert status == -signal.SIGTERM
    assert NORMAL in shown


def test_a_terminal_that_cannot_draw_gets_lines(daemon: ScriptedDaemon, home: Path) -> None:
    with on_terminal(home, "call-cmd", "watch", TERM="dumb") as program:
        program.until("branch_failed  alice -> bob  carol  486")
        program.type("\x03")
        _, shown = program.end()

    assert "\x1b" not in shown
