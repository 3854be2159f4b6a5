import json

from call_api.commands import COMMANDS, QUERIES
from tests.fakes.call_cmd import call_cmd, said


def test_every_method_is_listed_with_its_parameters() -> None:
    lines = said("commands")

    assert [line.split()[0] for line in lines] == [*COMMANDS, *QUERIES]
    assert "CallHold callid [leg]" in lines
    assert "Echo [KEY=VALUE]..." in lines


def test_a_program_gets_one_object() -> None:
    for args in (["commands", "--json"], ["--json", "commands"]):
        offered = json.loads(call_cmd(*args).stdout)

        assert offered["CallBlindTransfer"] == ["callid", "leg", "destination"]
        assert offered["Echo"] == []
