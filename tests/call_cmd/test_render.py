import json
from collections.abc import Mapping

import pytest

from call_api.commands import COMMANDS
from call_api_client.messages import Answer, Failure, Step
from call_cmd.names import PhoneBook
from call_cmd.render import SENTENCES, Narrator

BOOK = PhoneBook("localhost", {})
ALICE, BOB, CAROL = "sip:alice@localhost", "sip:bob@localhost", "sip:carol@elsewhere"
PARTIES = {"callid": "x", "caller": ALICE, "callee": BOB}
BUSY = Failure(code=-32020, name="CallFailed", message="486 Busy Here", data={"status": 486})


def narrator(method: str = "CallStart", **params: object) -> Narrator:
    return Narrator(method, params, BOOK)


def answer(result: object = None, failure: Failure | None = None) -> Answer:
    return Answer(id="1", result=result, failure=failure, text="")


def step(
    event: str, data: Mapping[str, object] | None = None, failure: Failure | None = None
) -> Step:
    return Step(event=event, cmd_id="c", seq=1, data=data or {}, failure=failure, text="")


def told(by: Narrator, *messages: Answer | Step) -> list[str]:
    return ["".join(text for text, _ in line) for message in messages for line in by.lines(message)]


def test_a_call_is_made() -> None:
    assert told(
        narrator(caller=ALICE, callee=BOB),
        answer({"cmd_id": "c", "status": "Started"}),
        step("CallerAnswered", {"caller": ALICE, "callee": BOB}),
        step("Transferring", {"caller": ALICE, "destination": BOB}),
        step("TransferStart", PARTIES),
        step("TransferPending", {**PARTIES, "extra": "180 Ringing"}),
        step("CalleeAnswered", PARTIES),
        step("Ended"),
    ) == [
        "calling alice",
        "alice answered",
        "connecting alice to bob",
        "calling bob",
        "bob: 180 Ringing",
        "bob answered",
        "callid x",
    ]


def test_a_call_is_transferred() -> None:
    to = {"callid": "y", "destination": CAROL}
    assert told(
        narrator("CallBlindTransfer"),
        answer({}),
        step("Transferring", {"destination": CAROL}),
        step("TransferStart", to),
        step("TransferPending", {**to, "extra": "180 Ringing"}),
        step("TransferSuccessful", to),
        step("Ended"),
    ) == [
        "transferring to carol@elsewhere",
        "calling carol@elsewhere",
        "carol@elsewhere: 180 Ringing",
        "transferred to carol@elsewhere",
        "callid y",
    ]


def test_calls_are_joined() -> None:
    assert told(narrator("CallAttendedTransfer"), step("Transferring")) == ["joining the two calls"]


def test_a_call_is_held_leg_by_leg() -> None:
    assert told(
        narrator("CallHold"),
        step("CallHolding"),
        step("CallHoldStart", {"leg": "caller"}),
        step("CallHoldSuccessful", {"leg": "caller"}),
        step("Ended"),
    ) == ["holding the call", "asking the caller to hold", "the caller is on hold"]


def test_dialect_v1_tells_of_both_legs_at_once() -> None:
    both = {"legs": ["caller", "callee"]}

    assert told(narrator("CallUnhold"), step("CallUnholdSuccessful", both)) == [
        "the caller is back",
        "the callee is back",
    ]


def test_a_call_is_ended() -> None:
    assert told(narrator("CallEnd"), answer({}), step("Ended")) == ["the call has ended"]


def test_a_reply_is_json() -> None:
    by = narrator("Echo")

    assert told(by, step("Reply", {"text": "ü", "callid": "x"}), step("Ended")) == [
        '{"text": "ü", "callid": "x"}'
    ]


def test_a_failure_is_told_elsewhere_and_its_end_says_nothing() -> None:
    by = narrator(caller=ALICE)

    assert told(by, step("TransferStart", PARTIES)) == ["calling bob"]
    assert told(by, step("Error", failure=BUSY), step("Ended")) == []
    assert told(by, answer(failure=BUSY)) == []


def test_a_command_that_was_attached_to_says_at_least_that_it_has_ended() -> None:
    attached = answer({"cmd_id": "c", "state": "running", "seq": 3})

    assert told(narrator("CommandAttach"), attached, step("Ended")) == ["the command has ended"]
    assert told(narrator("CommandAttach"), step("CalleeAnswered", PARTIES), step("Ended")) == [
        "bob answered",
        "callid x",
    ]


def test_events_of_another_time_are_told_by_name() -> None:
    data = {"callid": "x", "to": ["a", "b"]}

    assert told(narrator(), step("CallParked", data)) == ['CallParked callid=x to=["a", "b"]']
    assert told(narrator(), step("CALL_ANSWER")) == ["CALL_ANSWER"]


def test_members_that_are_missing_leave_a_sentence() -> None:
    assert told(
        narrator("CallBlindTransfer"),
        step("TransferStart", {"callid": 7}),
        step("TransferPending"),
        step("CallHoldStart"),
        step("CallHoldSuccessful", {"legs": []}),
        step("CallerAnswered"),
    ) == [
        "calling the other party",
        "the other party: no answer yet",
        "asking the party to hold",
        "the party is on hold",
        "the caller answered",
    ]


def test_every_event_of_every_command_has_a_sentence() -> None:
    events = {event.__name__ for command in COMMANDS.values() for event in command.events}

    assert events - {"Reply"} == set(SENTENCES)


def test_each_line_of_json_has_the_documented_shape() -> None:
    by = narrator(cmd_id="c")

    lines = [
        json.loads(by.json(message))
        for message in (
            answer({"cmd_id": "c", "status": "Started"}),
            step("TransferStart", PARTIES),
            step("Ended"),
        )
    ]

    assert lines == [
        {"event": "Started", "cmd_id": "c"},
        {"event": "TransferStart", "cmd_id": "c", "seq": 1, "data": PARTIES},
        {"event": "Ended", "cmd_id": "c", "seq": 1, "outcome": "ok", "callid": "x"},
    ]


def test_a_failure_in_json_says_all_that_is_known() -> None:
    by = narrator("CallHold", cmd_id="c")
    error = {
        "code": -32020,
        "name": "CallFailed",
        "message": "486 Busy Here",
        "data": {"status": 486},
    }

    lines = [json.loads(by.json(step("Error", failure=BUSY))), json.loads(by.json(step("Ended")))]

    assert lines == [
        {"event": "Error", "cmd_id": "c", "seq": 1, "error": error},
        {"event": "Ended", "cmd_id": "c", "seq": 1, "outcome": "error", "callid": None},
    ]


@pytest.mark.parametrize("cmd_id", ["c", None])
def test_a_refusal_in_json_is_an_error_without_a_number(cmd_id: str | None) -> None:
    line = json.loads(narrator(cmd_id=cmd_id).json(answer(failure=BUSY)))

    assert (line["event"], line["cmd_id"], "seq" in line) == ("Error", cmd_id, False)


def test_attaching_is_not_starting() -> None:
    line = narrator("CommandAttach", cmd_id="c").json(answer({"cmd_id": "c", "state": "ended"}))

    assert json.loads(line) == {"event": "Attached", "cmd_id": "c"}
