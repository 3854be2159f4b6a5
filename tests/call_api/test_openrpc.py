import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from call_api.backends.base import CallPage
from call_api.commands import COMMANDS, QUERIES
from call_api.commands.call_watch import CallEvent
from call_api.dialects import V1_WORDS
from call_api.errors import BY_CODE
from call_api.openrpc import document
from tests.fakes.call_changes import change

SCHEMA = Path(__file__).parent.parent / "data" / "openrpc.schema.json"
DOCUMENT: dict[str, Any] = json.loads(msgspec.json.encode(document()))
METHODS: dict[str, Any] = {method["name"]: method for method in DOCUMENT["methods"]}
START = {"caller": "sip:alice@h", "callee": "sip:bob@h"}


def references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for member in value.values():
            yield from references(member)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def params(method: str) -> dict[str, Any]:
    return {param["name"]: param for param in METHODS[method]["params"]}


def fits(schema: dict[str, Any], value: object) -> bool:
    whole = {**schema, "components": DOCUMENT["components"]}
    return bool(jsonschema.Draft202012Validator(whole).is_valid(value))


def test_the_document_is_one_of_openrpc() -> None:
    jsonschema.validate(DOCUMENT, json.loads(SCHEMA.read_text("utf-8")), jsonschema.Draft7Validator)


def test_every_schema_in_it_is_one_of_json_schema() -> None:
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_every_reference_leads_somewhere() -> None:
    for reference in set(references(DOCUMENT)):
        place: Any = DOCUMENT
        for name in reference.removeprefix("#/").split("/"):
            place = place[name]


def test_every_method_is_there_with_its_spellings() -> None:
    assert list(METHODS) == [*COMMANDS, *QUERIES]
    assert METHODS["CallUnhold"]["x-aliases"] == ["CallUnHold"]
    assert "x-aliases" not in METHODS["CallHold"]
    assert METHODS["CallAttendedTransfer"]["x-param-aliases"]["callidA"] == "callid_a"


def test_every_method_says_in_a_sentence_what_it_does() -> None:
    for method in METHODS.values():
        assert method["summary"].endswith(".")
        assert "`" * 2 not in method["summary"]


def test_parameters_are_described() -> None:
    start = params("CallStart")
    attach = params("CommandAttach")

    assert list(start) == ["caller", "callee", "cmd_id", "timeout"]
    assert [param["required"] for param in start.values()] == [True, True, False, False]
    assert list(attach) == ["cmd_id", "after"]
    assert attach["after"]["description"].startswith("The last `seq` that the client has seen")
    assert attach["after"]["schema"]["default"] == 0
    assert params("CallList")["limit"]["schema"]["maximum"] == 1000


def test_what_the_document_allows_and_forbids_is_what_the_daemon_does() -> None:
    leg, callid = (params("CallHold")[name]["schema"] for name in ("leg", "callid"))

    assert [fits(leg, value) for value in ("caller", "callee", None, "both")] == [True] * 3 + [
        False
    ]
    assert [fits(callid, value) for value in ("a", "a b", "")] == [True, False, False]


def test_echo_takes_anything() -> None:
    assert METHODS["Echo"]["x-takes-anything"] is True
    assert list(params("Echo")) == ["cmd_id", "timeout"]


def test_a_command_tells_its_events_in_both_dialects_words() -> None:
    told = {
        name: [(event["name"], event["v1"]) for event in METHODS[name]["x-events"]]
        for name in COMMANDS
    }

    assert told["CallStart"] == [
        ("CallerAnswered", "CALL_ANSWER"),
        ("Transferring", "TRANSFER_ACCEPT"),
        ("TransferStart", "CALL_START"),
        ("TransferPending", None),
        ("CalleeAnswered", "CALL_ANSWER"),
        ("Ended", None),
    ]
    assert {word for events in told.values() for _, word in events} - {None} == set(
        V1_WORDS.values()
    )


def test_queries_tell_nothing_and_commands_are_answered_started() -> None:
    started = {"cmd_id": "x", "status": "Started", "event": "Started"}

    for name in QUERIES:
        assert "x-events" not in METHODS[name]
    for name in COMMANDS:
        assert fits(METHODS[name]["result"]["schema"], started)


def test_a_result_fits_its_schema() -> None:
    page = json.loads(msgspec.json.encode(CallPage(calls=())))

    assert fits(METHODS["CallList"]["result"]["schema"], page)
    assert not fits(METHODS["CallList"]["result"]["schema"], {"calls": 1})


def test_what_is_sent_after_an_answer_is_described() -> None:
    (sent,) = METHODS["CallWatch"]["x-notifications"]
    event = json.loads(msgspec.json.encode(CallEvent.of(change("a", status=486))))

    assert sent["method"] == "CallEvent"
    assert fits(sent["params"], event)
    assert not fits(sent["params"], {**event, "event": "sneezed"})
    assert "x-notifications" not in METHODS["CallUnwatch"]


@pytest.mark.parametrize("name", [*COMMANDS, *QUERIES])
def test_every_method_may_refuse_parameters(name: str) -> None:
    refusals = [error["$ref"].rpartition("/")[2] for error in METHODS[name]["errors"]]

    assert "InvalidParams" in refusals
    assert ("UnknownCommand" in refusals) == (
        name in ("CommandStatus", "CommandCancel", "CommandAttach")
    )


def test_every_error_has_its_code() -> None:
    errors = DOCUMENT["components"]["errors"]

    assert {error["code"]: name for name, error in errors.items()} == {
        code: kind.__name__ for code, kind in BY_CODE.items()
    }
