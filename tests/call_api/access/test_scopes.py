import pytest

from call_api.access.scopes import METHODS, name_of, parse_scopes
from call_api.commands.call_list import CallList
from call_api.commands.rpc_discover import RpcDiscover


def test_reading_changes_nothing() -> None:
    assert parse_scopes(["read"]).methods == {
        "CallList",
        "CallWatch",
        "CallUnwatch",
        "CommandStatus",
        "CommandList",
        "CommandAttach",
        "rpc.discover",
    }


def test_all_is_every_method_on_everybodys() -> None:
    scopes = parse_scopes(["all"])

    assert scopes.methods == scopes.of_all == METHODS
    assert parse_scopes(["control:all"]) == scopes


def test_a_method_is_meant_in_every_spelling_and_about_what_is_its_own() -> None:
    scopes = parse_scopes(["CallStart", "CallUnHold", "CallEnd:all"])

    assert scopes.methods == {"CallStart", "CallUnhold", "CallEnd"}
    assert scopes.of_all == {"CallEnd"}


def test_scopes_add_up() -> None:
    scopes = parse_scopes(["control", "read:all"])

    assert scopes.methods == METHODS
    assert scopes.of_all == parse_scopes(["read"]).methods


def test_no_scope_is_nothing() -> None:
    assert parse_scopes([]).methods == frozenset()


@pytest.mark.parametrize(
    "word", ["", "callstart", "read:al", "read:all:all", "all:all", ":all", "none", "read "]
)
def test_what_is_no_scope_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match="expected a method, read, control or all"):
        parse_scopes([word])


def test_a_query_knows_its_method() -> None:
    assert name_of(CallList()) == "CallList"
    assert name_of(RpcDiscover()) == "rpc.discover"
