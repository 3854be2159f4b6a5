import shutil
import subprocess
from pathlib import Path

import pytest

from tests.fakes.api_script import NEW_CALLID
from tests.fakes.call_cmd import call_cmd, said
from tests.fakes.programs import BIN, environment, run
from tests.fakes.scripted_daemon import CALLID, ScriptedDaemon


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(shell: str, home: Path) -> None:
    script = "\n".join(said("completion", shell))

    assert f"_CALL_CMD_COMPLETE={shell}_complete" in script


def test_another_shell_is_refused() -> None:
    ended = call_cmd("completion", "ksh")

    assert ended.exit_code == 2
    assert "'ksh' is not one of 'bash', 'zsh', 'fish'" in ended.stderr


def completed(home: Path, *words: str) -> list[str]:
    """What a bash offers, with the script loaded, after Tab behind these words."""
    bash = shutil.which("bash")
    assert bash is not None
    script = (
        'eval "$(call-cmd completion bash)"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
        '_call_cmd_completion call-cmd; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    env = environment(home)
    ended = subprocess.run(
        [bash, "-c", script, "bash", "call-cmd", *words],
        env={**env, "PATH": f"{BIN}:{env['PATH']}"},
        cwd=home,
        capture_output=True,
        timeout=30,
        check=True,
    )
    assert ended.stderr == b""
    return ended.stdout.decode().splitlines()


def test_bash_offers_subcommands_options_and_live_calls(daemon: ScriptedDaemon, home: Path) -> None:
    assert completed(home, "unh") == ["unhold"]
    assert completed(home, "hold", "--le") == ["--leg"]
    assert completed(home, "hold", "--leg", "") == ["caller", "callee"]
    assert completed(home, "hold", "") == [CALLID, NEW_CALLID]
    assert completed(home, "transfer", CALLID, "al") == ["alice"]


def test_after_a_slip_of_the_pen_no_error_is_shown(daemon: ScriptedDaemon, home: Path) -> None:
    assert "hold" in completed(home, "hodl", "")


@pytest.mark.parametrize(
    ("shell", "offered"),
    [
        ("zsh", f"plain\n{CALLID}\nalice -> bob, answered\n"),
        ("fish", f"plain,{CALLID}\talice -> bob, answered\n"),
    ],
)
def test_zsh_and_fish_are_told_who_talks(
    shell: str, offered: str, daemon: ScriptedDaemon, home: Path
) -> None:
    asks = {
        "_CALL_CMD_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": "call-cmd hold 1f",
        "COMP_CWORD": "1f" if shell == "fish" else "2",
    }

    ended = run(home, "call-cmd", **asks)

    assert (ended.status, ended.err) == (0, "")
    assert offered in ended.out
