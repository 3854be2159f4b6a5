"""A script with which the scripted daemon answers every method as a daemon would."""

from tests.fakes.scripted_daemon import (
    CALLID,
    CMD_ID,
    Script,
    call_start,
    change,
    failed,
    result,
    started,
    v2,
)

ALICE, BOB, CAROL = "sip:alice@localhost", "sip:bob@localhost", "sip:carol@localhost"
NEW_CALLID = "77d1e0b2a9c34f5e8d6b0a1c2e3f4a5b"
MOVED = {"callid": NEW_CALLID, "destination": CAROL}

CALLS = [
    {
        "callid": CALLID,
        "state": "answered",
        "caller": ALICE,
        "callee": BOB,
        "started": "2026-01-01T10:00:00Z",
        "held": ["caller"],
    },
    {
        "callid": NEW_CALLID,
        "state": "ringing",
        "caller": "sip:evil\x1b[31m@h",
        "callee": BOB,
        "started": "2026-01-01T10:00:00Z",
        "held": [],
    },
]

STATUS = {
    "cmd_id": CMD_ID,
    "method": "CallStart",
    "params": {"caller": ALICE, "callee": BOB},
    "state": "ended",
    "outcome": "error",
    "error": {"code": -32020, "name": "CallFailed", "status": 486, "reason": "Busy Here"},
    "started": "2026-01-01T10:00:00Z",
    "ended": None,
    "seq": 6,
}

RUNNING = {**STATUS, "cmd_id": "order-1", "state": "running", "outcome": None, "error": None}

API: Script = {
    "CallStart": call_start(ALICE, BOB),
    "CallBlindTransfer": [
        started(),
        v2("Transferring", 1, {"destination": CAROL}),
        v2("TransferStart", 2, MOVED),
        v2("TransferSuccessful", 3, MOVED),
        v2("Ended", 4),
    ],
    "CallAttendedTransfer": [
        started(),
        v2("Transferring", 1),
        v2("TransferStart", 2, MOVED),
        v2("TransferSuccessful", 3, MOVED),
        v2("Ended", 4),
    ],
    "CallHold": [
        started(),
        v2("CallHolding", 1),
        v2("CallHoldStart", 2, {"leg": "caller"}),
        v2("CallHoldSuccessful", 3, {"leg": "caller"}),
        v2("Ended", 4),
    ],
    "CallUnhold": [
        started(),
        v2("CallUnholding", 1),
        v2("CallUnholdStart", 2, {"leg": "caller"}),
        *failed(3, -32020, "CallFailed", "488 Not Acceptable Here", status=488, leg="caller"),
    ],
    "CallEnd": [started(), v2("Ended", 1)],
    "Echo": [started(), v2("Reply", 1, {"text": "hello"}), v2("Ended", 2)],
    "CallList": [result({"calls": CALLS, "next": None})],
    "CallWatch": [
        result({"callid": CALLID}),
        change("held", CALLS[0]),
        change("branch_failed", CALLS[0], target=CAROL, status=486),
        change("ended", {**CALLS[0], "state": "ended", "held": []}),
    ],
    "CallUnwatch": [result({"callid": None})],
    "CommandStatus": [result(STATUS)],
    "CommandList": [result({"commands": [STATUS, RUNNING]})],
    "CommandCancel": [result({"cmd_id": CMD_ID, "state": "cancelling"})],
    "CommandAttach": [
        result({"cmd_id": CMD_ID, "state": "running", "seq": 1}),
        v2("CallerAnswered", 1, {"caller": ALICE, "callee": BOB}),
        *failed(2, -32022, "CommandCancelled", "cancelled"),
    ],
    "rpc.discover": [result({"openrpc": "1.3.2", "info": {"title": "Call API"}})],
}
