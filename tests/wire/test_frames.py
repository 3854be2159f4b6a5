"""Every command's frames, member by member, in both dialects, over a real WebSocket."""

from typing import Any

import pytest

from call_api.backends.base import HoldStep, StartStep, TransferStep
from call_api.errors import CallApiError, CallBusy, CallFailed, ProxyUnreachable, UnknownCall
from call_api.model import CallId, SipUri
from tests.fakes.scripted_backend import Item, ScriptedBackend
from tests.wire.api import ALICE, BOB, CAROL, JsonClient, running

OLD, NEW = CallId("1fc8043a-old"), CallId("1fc8043a-new")
TALK = {"caller": ALICE, "callee": BOB}
TO_CAROL = {"callid": OLD, "leg": "callee", "destination": CAROL}
ATTENDED = {"callid_a": OLD, "leg_a": "caller", "callid_b": NEW, "leg_b": "callee"}

STARTING = [
    StartStep(state="answered", callid=OLD),
    StartStep(state="transferring", callid=OLD),
    StartStep(state="start", callid=NEW),
    StartStep(state="pending", callid=NEW, status="100 Trying"),
    StartStep(state="pending", callid=NEW, status="180 Ringing"),
    StartStep(state="ok", callid=NEW),
]
MOVING = [
    TransferStep(state="start", callid=NEW, destination=SipUri(CAROL)),
    TransferStep(state="pending", callid=NEW, destination=SipUri(CAROL), status="180 Ringing"),
    TransferStep(state="ok", callid=NEW, destination=SipUri(CAROL)),
]
HOLDING = [
    HoldStep(leg="caller", state="start"),
    HoldStep(leg="callee", state="start"),
    HoldStep(leg="callee", state="ok"),
    HoldStep(leg="caller", state="ok"),
]
BUSY = {"code": -32020, "name": "CallFailed", "status": 486, "reason": "Busy Here"}
MOVED_V1 = [
    ("TRANSFER_ACCEPT", "Transferring", None),
    ("CALL_START", "TransferStart", {"callid": NEW, "destination": CAROL}),
]
MOVED_V2 = [
    ("TransferStart", {"callid": NEW, "destination": CAROL}),
    ("TransferPending", {"callid": NEW, "destination": CAROL, "extra": "180 Ringing"}),
    ("TransferSuccessful", {"callid": NEW, "destination": CAROL}),
]


def v1_event(cmd_id: str, seq: int, data: str, event: str, details: object) -> dict[str, Any]:
    more = {} if details is None else {"details": details}
    params = {"cmd_id": cmd_id, "seq": seq, "data": data, "event": event, **more}
    return {"jsonrpc": "2.0", "method": "Event", "params": params}


def v1_ended(cmd_id: str, seq: int, callid: str | None) -> dict[str, Any]:
    details = {} if callid is None else {"details": {"callid": callid}}
    params = {"cmd_id": cmd_id, "seq": seq, "event": "Ended", **details}
    return {"jsonrpc": "2.0", "method": "Ended", "params": params}


def v2_event(method: str, cmd_id: str, seq: int, event: str, data: object) -> dict[str, Any]:
    more = {} if data is None else {"data": data}
    params = {"cmd_id": cmd_id, "seq": seq, "event": event, **more}
    return {"jsonrpc": "2.0", "method": method, "params": params}


V1 = [
    pytest.param(
        "CallStart",
        TALK,
        STARTING,
        [
            ("CALL_ANSWER", "CallerAnswered", TALK),
            ("TRANSFER_ACCEPT", "Transferring", {"caller": ALICE, "destination": BOB}),
            ("CALL_START", "TransferStart", {"callid": NEW, **TALK}),
            ("CALL_ANSWER", "CalleeAnswered", {"callid": NEW, **TALK}),
        ],
        NEW,
        id="CallStart",
    ),
    pytest.param(
        "CallBlindTransfer",
        TO_CAROL,
        MOVING,
        [("TRANSFER_ACCEPT", "Transferring", {"destination": CAROL}), MOVED_V1[1]],
        NEW,
        id="CallBlindTransfer",
    ),
    pytest.param("CallAttendedTransfer", ATTENDED, MOVING, MOVED_V1, NEW, id="CallAttended"),
    pytest.param(
        "CallHold",
        {"callid": OLD},
        HOLDING,
        [("CALL_HOLD", "CallHoldSuccessful", {"legs": ["caller", "callee"]})],
        None,
        id="CallHold",
    ),
    pytest.param(
        "CallUnHold",
        {"callid": OLD, "leg": "callee"},
        HOLDING[1:3],
        [("CALL_UNHOLD", "CallUnholdSuccessful", {"legs": ["callee"]})],
        None,
        id="CallUnHold",
    ),
    pytest.param("CallEnd", {"callid": OLD}, [], [], None, id="CallEnd"),
    pytest.param(
        "Echo",
        {"a": [1, None, {"é": "\n"}], "timeout": 5},
        [],
        [("REPLY", "Reply", {"a": [1, None, {"é": "\n"}]})],
        None,
        id="Echo",
    ),
]


@pytest.mark.parametrize(("method", "params", "script", "events", "callid"), V1)
@pytest.mark.parametrize("path", ["/call-api", "/call-api/v1"])
async def test_v1_tells_exactly_the_documented_steps(
    path: str,
    method: str,
    params: object,
    script: list[Item],
    events: list[tuple[str, str, object]],
    callid: str | None,
) -> None:
    async with (
        running(ScriptedBackend(*script)) as daemon,
        await JsonClient.to(daemon, path) as client,
    ):
        cmd_id, told = await client.story(method, params)

    expected = [v1_event(cmd_id, seq, *event) for seq, event in enumerate(events, 1)]
    assert told == [*expected, v1_ended(cmd_id, len(events) + 1, callid)]


V2 = [
    pytest.param(
        "CallStart",
        "CallStart",
        TALK,
        STARTING,
        [
            ("CallerAnswered", TALK),
            ("Transferring", {"caller": ALICE, "destination": BOB}),
            ("TransferStart", {"callid": NEW, **TALK}),
            ("TransferPending", {"callid": NEW, **TALK, "extra": "100 Trying"}),
            ("TransferPending", {"callid": NEW, **TALK, "extra": "180 Ringing"}),
            ("CalleeAnswered", {"callid": NEW, **TALK}),
        ],
        id="CallStart",
    ),
    pytest.param(
        "CallBlindTransfer",
        "CallBlindTransfer",
        TO_CAROL,
        MOVING,
        [("Transferring", {"destination": CAROL}), *MOVED_V2],
        id="CallBlindTransfer",
    ),
    pytest.param(
        "CallAttendedTransfer",
        "CallAttendedTransfer",
        {"callidA": OLD, "legA": "caller", "callidB": NEW, "legB": "callee"},
        MOVING,
        [("Transferring", None), *MOVED_V2],
        id="CallAttendedTransfer",
    ),
    pytest.param(
        "CallHold",
        "CallHold",
        {"callid": OLD},
        HOLDING,
        [
            ("CallHolding", None),
            ("CallHoldStart", {"leg": "caller"}),
            ("CallHoldStart", {"leg": "callee"}),
            ("CallHoldSuccessful", {"leg": "callee"}),
            ("CallHoldSuccessful", {"leg": "caller"}),
        ],
        id="CallHold",
    ),
    pytest.param(
        "CallUnHold",
        "CallUnhold",
        {"callid": OLD, "leg": "callee"},
        HOLDING[1:3],
        [
            ("CallUnholding", None),
            ("CallUnholdStart", {"leg": "callee"}),
            ("CallUnholdSuccessful", {"leg": "callee"}),
        ],
        id="CallUnHold",
    ),
    pytest.param("CallEnd", "CallEnd", {"callid": OLD}, [], [], id="CallEnd"),
    pytest.param("Echo", "Echo", {"a": 1}, [], [("Reply", {"a": 1})], id="Echo"),
]


@pytest.mark.parametrize(("asked", "method", "params", "script", "events"), V2)
@pytest.mark.parametrize("path", ["/call-api", "/call-api/v2"])
async def test_v2_tells_every_step_with_the_method_as_it_is_spelled_there(
    path: str,
    asked: str,
    method: str,
    params: object,
    script: list[Item],
    events: list[tuple[str, object]],
) -> None:
    async with (
        running(ScriptedBackend(*script), ws_server={"dialect": "v2"}) as daemon,
        await JsonClient.to(daemon, path) as client,
    ):
        cmd_id, told = await client.story(asked, params)

    callid = None if script in ([], HOLDING, HOLDING[1:3]) else {"callid": NEW}
    events = [*events, ("Ended", callid)]
    assert told == [v2_event(method, cmd_id, seq, *event) for seq, event in enumerate(events, 1)]


async def test_a_failure_is_one_error_just_before_the_end() -> None:
    backend = ScriptedBackend(*STARTING[:4], CallFailed(486, "Busy Here"))
    async with running(backend) as daemon:
        async with await JsonClient.to(daemon, "/call-api/v1") as client:
            v1_id, v1 = await client.story("CallStart", TALK)
        async with await JsonClient.to(daemon, "/call-api/v2") as client:
            v2_id, v2 = await client.story("CallStart", TALK)

    assert [frame["method"] for frame in v1] == ["Event"] * 3 + ["Error", "Ended"]
    assert v1[-2] == {
        "jsonrpc": "2.0",
        "method": "Error",
        "params": {
            "cmd_id": v1_id,
            "seq": 4,
            "data": "486 Busy Here",
            "event": "Error",
            "details": BUSY,
        },
    }
    assert v1[-1] == v1_ended(v1_id, 5, None)
    assert v2[-2] == {
        "jsonrpc": "2.0",
        "method": "CallStart",
        "params": {
            "cmd_id": v2_id,
            "seq": 5,
            "event": "Error",
            "data": "486 Busy Here",
            "error": BUSY,
        },
    }
    assert v2[-1] == v2_event("CallStart", v2_id, 6, "Ended", None)
    assert backend.open_streams == 0


@pytest.mark.parametrize(
    ("error", "details"),
    [
        (UnknownCall(OLD), {"code": -32012, "name": "UnknownCall", "callid": OLD}),
        (CallBusy(OLD), {"code": -32013, "name": "CallBusy", "callid": OLD}),
        (ProxyUnreachable(), {"code": -32010, "name": "ProxyUnreachable"}),
        (
            CallFailed(488, "Not Acceptable Here", leg="callee"),
            {
                "code": -32020,
                "name": "CallFailed",
                "status": 488,
                "reason": "Not Acceptable Here",
                "leg": "callee",
            },
        ),
    ],
)
async def test_what_only_the_proxy_can_tell_comes_after_started(
    error: CallApiError, details: object
) -> None:
    async with (
        running(ScriptedBackend(refuses=error)) as daemon,
        await JsonClient.to(daemon) as client,
    ):
        cmd_id, told = await client.story("CallHold", {"callid": OLD})

    assert [frame["method"] for frame in told] == ["Error", "Ended"]
    assert told[0]["params"]["details"] == details
    assert told[0]["params"]["data"] == str(error)
    assert told[1] == v1_ended(cmd_id, 2, None)
