from typing import Any

import pytest

from call_api.commands import COMMANDS, QUERIES
from call_api.commands.base import Command, Query
from call_api.commands.call_attended_transfer import CallAttendedTransfer
from call_api.commands.call_hold import CallHold
from call_api.commands.call_list import CallList
from call_api.commands.call_start import CallStart
from call_api.commands.call_unhold import CallUnhold
from call_api.commands.command_attach import CommandAttach
from call_api.commands.echo import Echo
from call_api.commands.params import Order, read
from call_api.errors import InvalidParams, MethodNotFound
from call_api.model import CallId, CmdId, SipUri

ALICE, BOB = "sip:alice@10.0.0.10", "sip:bob@10.0.0.11"
START = {"caller": ALICE, "callee": BOB}
CALL_ID_WORDS = "expected a Call-ID: 1 to 256 printable ASCII characters without blanks"
CMD_ID_WORDS = "expected a command's id: 1 to 128 printable ASCII characters"
URI_WORDS = "expected a SIP or SIPS URI, as in sip:alice@example.com"


def command(method: str, params: dict[str, Any] | None) -> Command:
    order = read(method, params)
    assert isinstance(order, Order)
    return order.command


def refused(method: str, params: dict[str, Any] | list[Any] | None) -> dict[str, object]:
    with pytest.raises(InvalidParams) as caught:
        read(method, params)
    return caught.value.data


def test_a_command_is_read_from_its_parameters() -> None:
    order = read("CallStart", START)

    assert isinstance(order, Order)
    assert order.command == CallStart(caller=SipUri(ALICE), callee=SipUri(BOB))
    assert (order.method, order.cmd_id, order.timeout) == ("CallStart", None, None)


def test_an_id_and_a_timeout_may_come_with_every_command() -> None:
    order = read("CallEnd", {"callid": "c", "cmd_id": "my command", "timeout": 0.5})

    assert isinstance(order, Order)
    assert (order.cmd_id, order.timeout) == ("my command", 0.5)


def test_what_the_client_sent_is_not_changed() -> None:
    params = {"callidA": "a", "legA": "caller", "callidB": "b", "legB": "callee", "cmd_id": "x"}
    before = dict(params)

    read("CallAttendedTransfer", params)

    assert params == before


def test_queries_take_neither_an_id_of_their_own_nor_a_timeout() -> None:
    assert read("CallList", None) == CallList()
    assert read("CommandAttach", {"cmd_id": "x"}) == CommandAttach(cmd_id=CmdId("x"))
    assert refused("CallList", {"timeout": 1})["param"] == "timeout"
    assert refused("CallList", {"cmd_id": "x"})["param"] == "cmd_id"


@pytest.mark.parametrize("method", ["CallUnhold", "CallUnHold"])
def test_a_method_is_found_by_any_spelling_and_named_as_v2_spells_it(method: str) -> None:
    order = read(method, {"callid": "c"})

    assert isinstance(order, Order)
    assert (order.method, order.command) == ("CallUnhold", CallUnhold(callid=CallId("c")))


@pytest.mark.parametrize("method", ["", "Nope", "callstart", "__init__", "run", "rpc.Discover"])
def test_any_other_method_is_not_found(method: str) -> None:
    with pytest.raises(MethodNotFound):
        read(method, {})


def test_parameters_are_found_by_any_spelling() -> None:
    spelled = {"callidA": "a", "leg_a": "caller", "callid_b": "b", "legB": "callee"}

    assert command("CallAttendedTransfer", spelled) == CallAttendedTransfer(
        callid_a=CallId("a"), leg_a="caller", callid_b=CallId("b"), leg_b="callee"
    )


def test_a_parameter_in_two_spellings_is_refused() -> None:
    twice = {"callidA": "a", "callid_a": "a", "legA": "caller", "callidB": "b", "legB": "callee"}

    assert refused("CallAttendedTransfer", twice) == {
        "param": "callidA",
        "problem": "given twice: it is another spelling of callid_a",
    }


def test_an_optional_parameter_may_be_null() -> None:
    assert command("CallHold", {"callid": "c", "leg": None}) == CallHold(callid=CallId("c"))
    order = read("CallHold", {"callid": "c", "cmd_id": None, "timeout": None})
    assert isinstance(order, Order)
    assert order.command == CallHold(callid=CallId("c"))
    assert (order.cmd_id, order.timeout) == (None, None)


def test_echo_takes_anything_but_a_bad_id_or_timeout() -> None:
    assert command("Echo", None) == Echo(params={})
    assert command("Echo", {"params": 1, "x": [{}], "cmd_id": "a"}) == Echo(
        params={"params": 1, "x": [{}]}
    )
    assert refused("Echo", {"cmd_id": ""})["param"] == "cmd_id"


@pytest.mark.parametrize("method", [*COMMANDS, *QUERIES])
def test_parameters_by_position_are_refused(method: str) -> None:
    assert refused(method, [ALICE, BOB]) == {
        "param": None,
        "problem": "parameters are given by name, in an object",
    }


@pytest.mark.parametrize(
    ("method", "params", "param", "problem"),
    [
        ("CallStart", {"caller": ALICE}, "callee", f"missing: {URI_WORDS}"),
        ("CallStart", None, "caller", f"missing: {URI_WORDS}"),
        ("CallHold", {"leg": "caller"}, "callid", f"missing: {CALL_ID_WORDS}"),
        (
            "CallHold",
            {"callid": "c", "Leg": "caller"},
            "Leg",
            "unknown: CallHold takes callid, leg, cmd_id, timeout",
        ),
        ("CommandList", {"x": 1}, "x", "unknown: CommandList takes limit, after"),
        ("rpc.discover", {"x": 1}, "x", "unknown: rpc.discover takes no parameters"),
        ("CommandCancel", {"x": 1}, "x", "unknown: CommandCancel takes cmd_id"),
        ("CallStart", START | {"callee": 5}, "callee", URI_WORDS),
        ("CallStart", START | {"callee": None}, "callee", URI_WORDS),
        ("CallEnd", {"callid": "a b"}, "callid", CALL_ID_WORDS),
        ("CallEnd", {"callid": ""}, "callid", CALL_ID_WORDS),
        ("CallEnd", {"callid": "x" * 257}, "callid", CALL_ID_WORDS),
        ("CallHold", {"callid": "c", "leg": "both"}, "leg", "expected caller or callee"),
        ("CallHold", {"callid": "c", "leg": ["caller"]}, "leg", "expected caller or callee"),
        (
            "CallBlindTransfer",
            {"callid": "c", "leg": None, "destination": BOB},
            "leg",
            "expected caller or callee",
        ),
        (
            "CallAttendedTransfer",
            {"callidA": "a", "legA": "x", "callidB": "b", "legB": "callee"},
            "legA",
            "expected caller or callee",
        ),
        (
            "CallAttendedTransfer",
            {
                "callidA": "a",
                "legA": "caller",
                "callidB": "b",
                "legB": "callee",
                "destination": 1,
            },
            "destination",
            URI_WORDS,
        ),
        ("CallList", {"limit": 1001}, "limit", "expected a whole number from 1 to 1000"),
        ("CallList", {"after": "\n"}, "after", CALL_ID_WORDS),
        ("CommandAttach", {"cmd_id": "a", "after": -1}, "after", "not less than 0"),
        ("CommandStatus", {"cmd_id": "é"}, "cmd_id", CMD_ID_WORDS),
        ("CallEnd", {"callid": "c", "cmd_id": ""}, "cmd_id", CMD_ID_WORDS),
        ("CallEnd", {"callid": "c", "cmd_id": "x" * 129}, "cmd_id", CMD_ID_WORDS),
        ("CallEnd", {"callid": "c", "cmd_id": "a\r\nb"}, "cmd_id", CMD_ID_WORDS),
        ("CallEnd", {"callid": "c", "cmd_id": 7}, "cmd_id", CMD_ID_WORDS),
    ],
)
def test_what_is_wrong_is_said_in_words(
    method: str, params: dict[str, Any] | None, param: str, problem: str
) -> None:
    data = refused(method, params)

    assert data["param"] == param
    assert str(data["problem"]).endswith(problem)


@pytest.mark.parametrize("timeout", [1, 0.001, 1e300, 10**400])
def test_a_timeout_is_any_number_above_zero(timeout: float) -> None:
    order = read("CallEnd", {"callid": "c", "timeout": timeout})

    assert isinstance(order, Order)
    assert order.timeout == timeout


@pytest.mark.parametrize("timeout", [0, -1, 0.0, -0.5, True, False, "5", [], {}])
def test_no_other_timeout_will_do(timeout: object) -> None:
    assert refused("CallEnd", {"callid": "c", "timeout": timeout}) == {
        "param": "timeout",
        "problem": "expected a number of seconds, more than 0",
    }


@pytest.mark.parametrize(
    "uri",
    [
        "sip:bob@h\r\nRoute: <sip:evil@h>",
        "sip:bob@h?Route=x",
        "<sip:bob@h>",
        "sip:bob @h",
        "tel:+123",
        "bob",
        "",
        "sip:bob@h\x00",
        "sip:é@h",
    ],
)
@pytest.mark.parametrize("param", ["caller", "callee"])
def test_a_uri_that_could_smuggle_something_is_refused(param: str, uri: str) -> None:
    data = refused("CallStart", START | {param: uri})

    assert data["param"] == param
    assert data["problem"]


def test_an_optional_uri_is_checked_too() -> None:
    join = {"callid_a": "a", "leg_a": "caller", "callid_b": "b", "leg_b": "callee"}

    data = refused("CallAttendedTransfer", join | {"destination": "sip:bob@h?a=b"})

    assert data["param"] == "destination"


@pytest.mark.parametrize("name", [*COMMANDS, *QUERIES])
def test_every_parameter_of_every_method_is_described_in_words(name: str) -> None:
    method: type[Command] | type[Query] = COMMANDS.get(name) or QUERIES[name]
    if method.takes_anything:
        return
    for field in method.__struct_fields__:
        problem = refused(name, {field: {}})["problem"]
        assert str(problem).startswith("expected ")
