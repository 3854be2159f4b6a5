from pathlib import Path

from call_api.config import CmdConfig
from call_api.settings import leaves
from tests.fakes.call_cmd import call_cmd, said, told
from tests.fakes.programs import on_terminal


def test_every_setting_is_shown_with_its_origin(home: Path) -> None:
    (home / ".call-cmd.yml").write_text("sip: {domain: pbx.example}\n")

    header, *lines = said("config", "show")

    assert header.split() == ["KEY", "VALUE", "FROM"]
    assert [line.split()[0] for line in lines] == [*leaves(CmdConfig), "url"]
    assert f"sip.domain           pbx.example                      {home}/.call-cmd.yml:1" in lines


def test_a_program_gets_an_object_for_each(home: Path) -> None:
    values = {one["key"]: one for one in told("-wshost", "pbx", "config", "show")}

    assert values["ws_server.host"] == {"key": "ws_server.host", "value": "pbx", "from": "-wshost"}
    assert values["contacts"]["value"] == {}


def test_a_setting_that_is_wrong_is_status_2(home: Path) -> None:
    (home / ".call-cmd.yml").write_text("sip: {domian: x}\n")

    ended = call_cmd("config", "show")

    assert (ended.exit_code, ended.stdout) == (2, "")
    assert "sip.domian: no such key" in ended.stderr


def test_a_terminal_too_narrow_shows_blocks(home: Path) -> None:
    with on_terminal(home, "call-cmd", "config", "show", columns=40, NO_COLOR="1") as program:
        status, shown = program.end()

    assert status == 0
    assert "sip.domain\n  value  localhost\n  from   default\n" in shown
