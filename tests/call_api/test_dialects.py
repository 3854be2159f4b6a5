import json

import pytest

from call_api import dialects
from call_api.commands import COMMANDS
from call_api.errors import CallFailed, CommandCancelled
from call_api.events import (
    CalleeAnswered,
    CallerAnswered,
    CallHolding,
    CallHoldStart,
    CallHoldSuccessful,
    CallUnholding,
    CallUnholdStart,
    CallUnholdSuccessful,
    Ended,
    Error,
    Event,
    Reply,
    TransferPending,
    Transferring,
    TransferStart,
    TransferSuccessful,
)
from call_api.model import CallId, CmdId, DialectName, SipUri

ALICE, BOB, CAROL = SipUri("sip:alice@h"), SipUri("sip:bob@h"), SipUri("sip:carol@h")
PARTIES = f'"caller":"{ALICE}","callee":"{BOB}"'
CALL = CallId("c1")

# event, members after seq in v2, members after seq in v1 (None: v1 does not tell it)
TOLD: list[tuple[Event, str, str | None]] = [
    (
        CallerAnswered(caller=ALICE, callee=BOB),
        f'"event":"CallerAnswered","data":{{{PARTIES}}}',
        f'"data":"CALL_ANSWER","event":"CallerAnswered","details":{{{PARTIES}}}',
    ),
    (
        Transferring(caller=ALICE, destination=BOB),
        f'"event":"Transferring","data":{{"caller":"{ALICE}","destination":"{BOB}"}}',
        (
            f'"data":"TRANSFER_ACCEPT","event":"Transferring",'
            f'"details":{{"caller":"{ALICE}","destination":"{BOB}"}}'
        ),
    ),
    (
        Transferring(),
        '"event":"Transferring"',
        '"data":"TRANSFER_ACCEPT","event":"Transferring"',
    ),
    (
        TransferStart(callid=CALL, caller=ALICE, callee=BOB),
        f'"event":"TransferStart","data":{{"callid":"c1",{PARTIES}}}',
        f'"data":"CALL_START","event":"TransferStart","details":{{"callid":"c1",{PARTIES}}}',
    ),
    (
        TransferStart(callid=CALL, destination=CAROL),
        f'"event":"TransferStart","data":{{"callid":"c1","destination":"{CAROL}"}}',
        (
            f'"data":"CALL_START","event":"TransferStart",'
            f'"details":{{"callid":"c1","destination":"{CAROL}"}}'
        ),
    ),
    (
        TransferPending(callid=CALL, caller=ALICE, callee=BOB, extra="180 Ringing"),
        f'"event":"TransferPending","data":{{"callid":"c1",{PARTIES},"extra":"180 Ringing"}}',
        None,
    ),
    (
        CalleeAnswered(callid=CALL, caller=ALICE, callee=BOB),
        f'"event":"CalleeAnswered","data":{{"callid":"c1",{PARTIES}}}',
        f'"data":"CALL_ANSWER","event":"CalleeAnswered","details":{{"callid":"c1",{PARTIES}}}',
    ),
    (
        TransferSuccessful(callid=CALL, destination=CAROL),
        f'"event":"TransferSuccessful","data":{{"callid":"c1","destination":"{CAROL}"}}',
        None,
    ),
    (CallHolding(), '"event":"CallHolding"', None),
    (CallHoldStart(leg="callee"), '"event":"CallHoldStart","data":{"leg":"callee"}', None),
    (
        CallHoldSuccessful(leg="callee"),
        '"event":"CallHoldSuccessful","data":{"leg":"callee"}',
        None,
    ),
    (
        CallHoldSuccessful(leg="callee", legs=("caller", "callee")),
        '"event":"CallHoldSuccessful","data":{"leg":"callee"}',
        '"data":"CALL_HOLD","event":"CallHoldSuccessful","details":{"legs":["caller","callee"]}',
    ),
    (CallUnholding(), '"event":"CallUnholding"', None),
    (CallUnholdStart(leg="caller"), '"event":"CallUnholdStart","data":{"leg":"caller"}', None),
    (
        CallUnholdSuccessful(leg="caller"),
        '"event":"CallUnholdSuccessful","data":{"leg":"caller"}',
        None,
    ),
    (
        CallUnholdSuccessful(leg="caller", legs=("caller",)),
        '"event":"CallUnholdSuccessful","data":{"leg":"caller"}',
        '"data":"CALL_UNHOLD","event":"CallUnholdSuccessful","details":{"legs":["caller"]}',
    ),
    (
        Reply(params={"a": [1], "data": "]}", "legs": []}),
        '"event":"Reply","data":{"a":[1],"data":"]}","legs":[]}',
        '"data":"REPLY","event":"Reply","details":{"a":[1],"data":"]}","legs":[]}',
    ),
    (
        Reply(params={}),
        '"event":"Reply","data":{}',
        '"data":"REPLY","event":"Reply","details":{}',
    ),
    (
        Error.of(CallFailed(486, "Busy Here")),
        (
            '"event":"Error","data":"486 Busy Here",'
            '"error":{"code":-32020,"name":"CallFailed","status":486,"reason":"Busy Here"}'
        ),
        (
            '"data":"486 Busy Here","event":"Error",'
            '"details":{"code":-32020,"name":"CallFailed","status":486,"reason":"Busy Here"}'
        ),
    ),
    (
        Error.of(CommandCancelled('","error":{')),
        (
            '"event":"Error","data":"cancelled: \\",\\"error\\":{",'
            '"error":{"code":-32022,"name":"CommandCancelled","reason":"\\",\\"error\\":{"}'
        ),
        (
            '"data":"cancelled: \\",\\"error\\":{","event":"Error",'
            '"details":{"code":-32022,"name":"CommandCancelled","reason":"\\",\\"error\\":{"}'
        ),
    ),
    (
        Ended(callid=CALL),
        '"event":"Ended","data":{"callid":"c1"}',
        '"event":"Ended","details":{"callid":"c1"}',
    ),
    (Ended(), '"event":"Ended"', '"event":"Ended"'),
]
V1_METHODS = {"Error": "Error", "Ended": "Ended"}


def rendered(event: Event, dialect: DialectName, cmd_id: str = "b8179f1e") -> str:
    kept, id_ = dialects.canonical(event), CmdId(cmd_id)
    if dialect == "v2":
        return (dialects.start_in_v2("CallStart", id_) + dialects.in_v2(12, kept)).decode()
    start, rest = dialects.in_v1(12, kept)
    return (start + dialects.text(id_) + rest).decode()


@pytest.mark.parametrize(("event", "v2", "v1"), TOLD)
def test_v2_tells_every_event(event: Event, v2: str, v1: str | None) -> None:
    assert rendered(event, "v2") == (
        '{"jsonrpc":"2.0","method":"CallStart","params":{"cmd_id":"b8179f1e","seq":12,' + v2 + "}}"
    )


@pytest.mark.parametrize(("event", "v2", "v1"), TOLD)
def test_v1_tells_what_it_documents(event: Event, v2: str, v1: str | None) -> None:
    assert dialects.is_told_by_v1(event) == (v1 is not None)
    if v1 is not None:
        method = V1_METHODS.get(type(event).__name__, "Event")
        assert rendered(event, "v1") == (
            f'{{"jsonrpc":"2.0","method":"{method}","params":{{"cmd_id":"b8179f1e","seq":12,{v1}}}}}'
        )


@pytest.mark.parametrize(("event", "v2", "v1"), TOLD)
def test_the_last_event_and_an_error_are_told_apart(event: Event, v2: str, v1: str | None) -> None:
    kept = dialects.canonical(event)

    assert dialects.is_last(kept) == isinstance(event, Ended)
    assert dialects.is_error(kept) == isinstance(event, Error)


@pytest.mark.parametrize("dialect", ["v1", "v2"])
def test_a_command_id_of_any_characters_stays_one_string(dialect: DialectName) -> None:
    cmd_id = '"},{%s\\'

    told = json.loads(rendered(Ended(), dialect, cmd_id))

    assert told["params"]["cmd_id"] == cmd_id


def test_every_event_of_every_command_is_told_here() -> None:
    told = {type(event) for event, _, _ in TOLD}

    assert {event for command in COMMANDS.values() for event in command.events} <= told
