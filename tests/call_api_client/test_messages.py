import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from call_api_client.messages import Answer, BadReply, Failure, Step, members, parse


def notification(method: str, **params: object) -> str:
    return json.dumps({"jsonrpc": "2.0", "method": method, "params": params})


def response(request_id: object, **members: object) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": request_id, **members})


def step(text: str) -> Step:
    parsed = parse(text)
    assert isinstance(parsed, Step)
    return parsed


def answer(text: str) -> Answer:
    parsed = parse(text)
    assert isinstance(parsed, Answer)
    return parsed


def test_a_step_is_the_same_in_both_dialects() -> None:
    parties = {"caller": "sip:a@h", "callee": "sip:b@h"}
    v1 = notification(
        "Event", cmd_id="c", seq=1, data="CALL_ANSWER", event="CallerAnswered", details=parties
    )
    v2 = notification("CallStart", cmd_id="c", seq=1, event="CallerAnswered", data=parties)

    assert step(v1) == Step(
        event="CallerAnswered", cmd_id="c", seq=1, data=parties, failure=None, text=v1
    )
    assert step(v2) == Step(
        event="CallerAnswered", cmd_id="c", seq=1, data=parties, failure=None, text=v2
    )


def test_an_error_is_the_same_in_both_dialects() -> None:
    details = {"code": -32020, "name": "CallFailed", "status": 486, "reason": "Busy Here"}
    v1 = notification(
        "Error", cmd_id="c", seq=2, data="486 Busy Here", event="Error", details=details
    )
    v2 = notification(
        "CallStart", cmd_id="c", seq=2, event="Error", data="486 Busy Here", error=details
    )
    failure = Failure(
        code=-32020,
        name="CallFailed",
        message="486 Busy Here",
        data={"status": 486, "reason": "Busy Here"},
    )

    assert step(v1) == Step(event="Error", cmd_id="c", seq=2, data={}, failure=failure, text=v1)
    assert step(v2) == Step(event="Error", cmd_id="c", seq=2, data={}, failure=failure, text=v2)


def test_the_end_is_the_same_in_both_dialects_but_v1_tells_the_call() -> None:
    v1 = step(notification("Ended", cmd_id="c", seq=5, event="Ended", details={"callid": "x"}))
    v2 = step(notification("CallStart", cmd_id="c", seq=5, event="Ended"))

    assert (v1.event, v1.data) == ("Ended", {"callid": "x"})
    assert (v2.event, v2.data) == ("Ended", {})


def test_v1_as_documented_without_the_additions_is_understood() -> None:
    event = step(notification("Event", cmd_id="c", data="CALL_ANSWER"))
    error = step(notification("Error", cmd_id="c", data="486 Busy Here"))
    end = step(notification("Ended", cmd_id="c"))

    assert (event.event, event.seq, event.data) == ("CALL_ANSWER", 0, {})
    assert error.failure == Failure(code=0, name="", message="486 Busy Here", data={})
    assert (end.event, end.data) == ("Ended", {})


def test_members_of_the_wrong_kind_count_as_missing() -> None:
    odd = step(notification("Event", cmd_id="c", data=["x"], details="y"))
    error = step(notification("X", cmd_id="c", event="Error", data=7, error={"code": "z"}))

    assert (odd.event, odd.data) == ("", {})
    assert error.failure == Failure(code=0, name="", message="", data={})
    assert members([1]) == {}


def test_a_response_has_its_result() -> None:
    text = response("1", result={"calls": []})

    assert answer(text) == Answer(id="1", result={"calls": []}, failure=None, text=text)
    assert answer(response(7, result=None, error=None)).result is None


def test_a_refusal_has_the_name_of_its_code() -> None:
    data = {"param": "caller", "problem": "no SIP URI"}
    text = response("1", error={"code": -32602, "message": "Invalid params", "data": data})

    assert answer(text) == Answer(
        id="1",
        result=None,
        failure=Failure(code=-32602, name="InvalidParams", message="Invalid params", data=data),
        text=text,
    )
    strange = answer(response("1", error={"code": 7, "message": "?"})).failure
    assert strange == Failure(code=7, name="", message="?", data={})


@pytest.mark.parametrize(
    "text", [notification("Hello", callid=None, event="created"), '{"method": "Hello"}']
)
def test_what_is_of_no_command_says_nothing(text: str) -> None:
    assert parse(text) is None


def test_a_change_of_a_call_is_a_step_of_no_command() -> None:
    step = parse(notification("CallEvent", callid="x", event="answered"))

    assert isinstance(step, Step)
    assert (step.cmd_id, step.event, step.seq) == ("", "answered", 0)
    assert step.data == {"callid": "x", "event": "answered"}


@pytest.mark.parametrize(
    "text",
    [
        *[
            "",
            "hello",
            "[]",
            "7",
            "{}",
            '{"result": 1}',
            '{"id": "1", "error": 7}',
            '{"method": 1}',
        ],
        '{"method": "CallEvent", "params": {"call": 1e400}}',
    ],
)
def test_what_is_no_message_is_refused(text: str) -> None:
    with pytest.raises(BadReply):
        parse(text)


def test_a_bottomless_message_is_refused() -> None:
    with pytest.raises(BadReply):
        parse('{"id": ' + "[" * 100_000 + "]" * 100_000 + "}")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.text()
    | st.fixed_dictionaries(
        {},
        optional={
            "id": JSON,
            "method": JSON | st.sampled_from(["Event", "Error", "Ended", "CallStart"]),
            "params": JSON
            | st.fixed_dictionaries(
                {"cmd_id": st.just("c")},
                optional={"event": JSON, "data": JSON, "details": JSON, "error": JSON, "seq": JSON},
            ),
            "result": JSON,
            "error": JSON,
        },
    ).map(json.dumps)
)
def test_whatever_arrives_is_a_message_or_refused(text: str) -> None:
    try:
        parsed = parse(text)
    except BadReply:
        return
    assert parsed is None or parsed.text == text
