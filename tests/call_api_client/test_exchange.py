import json
from typing import Any

import pytest

from call_api import attachments
from call_api_client.exchange import REMEMBERED, Exchange, Request
from call_api_client.messages import Answer, BadReply, Step

STARTED = {"cmd_id": "c", "status": "Started", "event": "Started"}


def response(request_id: str | None, **members: object) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": request_id, **members})


def told(event: str, seq: int, cmd_id: str = "c", **members: object) -> str:
    params = {"cmd_id": cmd_id, "seq": seq, "event": event, **members}
    return json.dumps({"jsonrpc": "2.0", "method": "CallStart", "params": params})


def asked(exchange: Exchange, method: str, **params: object) -> Request:
    return exchange.request(method, params)[0]


def started(exchange: Exchange, cmd_id: str = "c") -> Request:
    request = asked(exchange, "CallStart")
    exchange.receive(response(request.request_id, result={**STARTED, "cmd_id": cmd_id}))
    return request


def test_a_request_is_one_json_rpc_object() -> None:
    params: dict[str, Any] = {"text": "ü\u2028\x07", "big": 2**70, "deep": {"list": [1.5, None]}}

    _, text = Exchange().request("Echo", params, request_id="831717ed97e5")

    assert json.loads(text) == {
        "jsonrpc": "2.0",
        "id": "831717ed97e5",
        "method": "Echo",
        "params": params,
    }
    assert "\n" not in text


def test_ids_are_made_where_none_is_given_and_are_used_once() -> None:
    exchange = Exchange()

    assert asked(exchange, "Echo").request_id != asked(exchange, "Echo").request_id
    exchange.request("Echo", {}, request_id="x")
    with pytest.raises(ValueError, match="id x is in use"):
        exchange.request("Echo", {}, request_id="x")


@pytest.mark.parametrize("value", ["\ud800", float("nan"), float("inf")])
def test_what_json_cannot_say_is_refused_and_waits_for_nothing(value: object) -> None:
    exchange = Exchange()

    with pytest.raises(ValueError):  # noqa: PT011  (each has words of its own)
        exchange.request("Echo", {"x": value}, request_id="x")

    exchange.request("Echo", {}, request_id="x")


def test_answers_out_of_order_reach_their_own_request() -> None:
    exchange = Exchange()
    first, second = asked(exchange, "CallList"), asked(exchange, "CommandList")

    late = exchange.receive(response(second.request_id, result=2))
    early = exchange.receive(response(first.request_id, result=1))

    assert [(request, answer.result) for request, answer in late + early] == [  # type: ignore[union-attr]  # both are answers
        (second, 2),
        (first, 1),
    ]
    assert first.is_answered
    assert first.is_over


def test_an_answer_that_nobody_waits_for_falls_away() -> None:
    exchange = Exchange()
    request = asked(exchange, "CallList")
    text = response(request.request_id, result=1)

    assert exchange.receive(response("stranger", result=1)) == []
    assert exchange.receive(response(None, error={"code": -32700})) != []
    assert exchange.receive(text) == []
    assert exchange.receive('{"jsonrpc":"2.0","id":[1],"result":1}') == []


def test_an_error_with_a_null_id_is_nobodys_while_several_wait() -> None:
    exchange = Exchange()
    asked(exchange, "CallList")
    asked(exchange, "CallList")

    assert exchange.receive(response(None, error={"code": -32600})) == []


def test_a_command_goes_on_until_it_ended() -> None:
    exchange = Exchange()
    request = started(exchange)

    assert (request.cmd_id, request.is_answered, request.is_over) == ("c", True, False)
    [(whose, step)] = exchange.receive(told("CallerAnswered", 1))
    assert (whose, isinstance(step, Step), request.last_seq) == (request, True, 1)
    assert len(exchange.receive(told("Ended", 2))) == 1
    assert request.is_over
    assert exchange.receive(told("Ended", 2)) == []


def test_a_refused_command_is_over_at_once() -> None:
    exchange = Exchange()
    request = asked(exchange, "CallStart")

    [(_, answer)] = exchange.receive(
        response(request.request_id, error={"code": -32602, "message": "Invalid params"})
    )

    assert isinstance(answer, Answer)
    assert answer.failure is not None
    assert request.is_over


def test_a_method_that_answers_at_once_starts_nothing_though_it_names_a_command() -> None:
    exchange = Exchange()
    request = asked(exchange, "CommandCancel", cmd_id="c")

    exchange.receive(response(request.request_id, result={"cmd_id": "c", "state": "cancelling"}))

    assert request.is_over
    assert request.cmd_id is None


def test_commands_that_run_at_once_are_kept_apart() -> None:
    exchange = Exchange()
    first, second = started(exchange, "c1"), started(exchange, "c2")

    assert [whose for whose, _ in exchange.receive(told("Ended", 1, "c2"))] == [second]
    assert not first.is_over
    assert exchange.receive(told("Ended", 1, "stranger")) == []


def test_two_requests_on_one_command_hear_each_step_once() -> None:
    exchange = Exchange()
    first = started(exchange)
    exchange.receive(told("CallerAnswered", 1))
    again = asked(exchange, "CommandAttach", cmd_id="c", after=1)
    exchange.receive(
        response(again.request_id, result={"cmd_id": "c", "state": "running", "seq": 1})
    )

    assert exchange.receive(told("CallerAnswered", 1)) == []
    assert [whose for whose, _ in exchange.receive(told("Transferring", 2))] == [first, again]
    exchange.receive(told("Ended", 3))
    assert first.is_over
    assert again.is_over


@pytest.mark.parametrize(
    ("result", "is_over"),
    [
        ({"cmd_id": "c", "state": "running", "seq": 4}, False),
        ({"cmd_id": "c", "state": "ended", "seq": 5}, False),
        ({"cmd_id": "c", "state": "ended", "seq": 4}, True),
        ({"cmd_id": "c", "state": "ended"}, False),
    ],
)
def test_an_attached_request_waits_only_if_something_is_to_come(
    result: dict[str, object], is_over: bool
) -> None:
    exchange = Exchange()
    request = asked(exchange, "CommandAttach", cmd_id="c", after=4)

    exchange.receive(response(request.request_id, result=result))

    assert request.is_over is is_over


def attached(exchange: Exchange, after: int, state: str = "ended", seq: int = 3) -> Request:
    request = asked(exchange, "CommandAttach", cmd_id="c", after=after)
    result = {"cmd_id": "c", "state": state, "seq": seq}
    exchange.receive(response(request.request_id, result=result))
    return request


def test_of_a_command_that_this_connection_has_heard_whole_nothing_comes_any_more() -> None:
    exchange = Exchange()
    started(exchange)
    for seq, event in enumerate(("CallerAnswered", "Transferring", "Ended"), 1):
        exchange.receive(told(event, seq))

    assert attached(exchange, after=0).is_over
    assert attached(exchange, after=2).is_over
    again = started(exchange)
    exchange.receive(told("CallerAnswered", 1))
    assert not again.is_over


def test_of_a_command_whose_end_this_connection_has_heard_the_steps_before_may_come() -> None:
    exchange = Exchange()
    attached(exchange, after=2)
    exchange.receive(told("Ended", 3))

    further_back = attached(exchange, after=1)
    from_the_first = attached(exchange, after=0)
    heard = exchange.receive(told("CallerAnswered", 1)) + exchange.receive(told("Transferring", 2))

    assert [(whose, told.seq) for whose, told in heard if isinstance(told, Step)] == [
        (from_the_first, 1),
        (further_back, 2),
    ]
    assert further_back.is_over
    assert from_the_first.is_over


def test_only_so_many_ends_are_remembered_as_the_daemon_remembers() -> None:
    assert REMEMBERED == attachments.REMEMBERED
    exchange = Exchange()
    for cmd_id in ("c", *map(str, range(REMEMBERED))):
        started(exchange, cmd_id)
        exchange.receive(told("Ended", 1, cmd_id))

    assert not attached(exchange, after=0, seq=1).is_over


def test_steps_without_numbers_all_count() -> None:
    exchange = Exchange()
    request = started(exchange)
    text = '{"jsonrpc":"2.0","method":"Event","params":{"cmd_id":"c","data":"CALL_ANSWER"}}'

    assert len(exchange.receive(text) + exchange.receive(text)) == 2
    assert request.last_seq == 0


def test_the_call_is_what_the_last_event_calls_it() -> None:
    exchange = Exchange()
    request = started(exchange)

    exchange.receive(told("TransferStart", 1, data={"callid": "x"}))
    exchange.receive(told("TransferSuccessful", 2, data={"callid": "y"}))
    exchange.receive(told("Reply", 3, data={"callid": "z"}))
    exchange.receive(told("Ended", 4))

    assert request.callid == "y"


def test_a_forgotten_request_hears_no_more() -> None:
    exchange = Exchange()
    waiting, running, other = asked(exchange, "CallList"), started(exchange), started(exchange)
    ended = started(exchange, "c2")
    exchange.receive(told("Ended", 1, "c2"))

    for request in (waiting, running, ended):
        exchange.forget(request)

    assert exchange.receive(response(waiting.request_id, result=1)) == []
    assert [whose for whose, _ in exchange.receive(told("Ended", 1))] == [other]


def test_what_is_no_message_is_refused_and_what_is_of_nobody_falls_away() -> None:
    with pytest.raises(BadReply):
        Exchange().receive("hello")
    assert Exchange().receive('{"jsonrpc":"2.0","method":"News","params":{}}') == []


def change(callid: str, event: str = "answered") -> str:
    params = {"callid": callid, "event": event, "call": {"callid": callid}}
    return json.dumps({"jsonrpc": "2.0", "method": "CallEvent", "params": params})


def watching(exchange: Exchange, **params: object) -> Request:
    request = asked(exchange, "CallWatch", **params)
    exchange.receive(response(request.request_id, result={"callid": params.get("callid")}))
    return request


def test_changes_of_calls_reach_whoever_watches() -> None:
    exchange = Exchange()
    assert exchange.receive(change("a")) == []
    all_, one = watching(exchange), watching(exchange, callid="a")
    command = started(exchange)

    told_ = exchange.receive(change("a"))

    assert [request for request, _ in told_] == [all_, one]
    step = told_[0][1]
    assert isinstance(step, Step)
    assert (step.event, step.cmd_id, step.data["callid"]) == ("answered", "", "a")
    assert not all_.is_over
    assert not command.is_over


def test_a_watch_ends_with_the_answer_that_takes_it_back() -> None:
    exchange = Exchange()
    all_, one = watching(exchange), watching(exchange, callid="a")
    unwatch = asked(exchange, "CallUnwatch", callid="a")

    told_ = exchange.receive(response(unwatch.request_id, result={"callid": "a"}))

    assert [request for request, _ in told_] == [unwatch, one]
    assert one.is_over
    assert unwatch.is_over
    assert [request for request, _ in exchange.receive(change("a"))] == [all_]


def test_a_watch_that_is_refused_is_over_and_takes_no_other_along() -> None:
    exchange = Exchange()
    kept = watching(exchange)
    for method in ("CallWatch", "CallUnwatch"):
        refused = asked(exchange, method)
        error = {"code": -32003, "message": "too many requests"}
        exchange.receive(response(refused.request_id, error=error))
        assert refused.is_over

    assert [request for request, _ in exchange.receive(change("a"))] == [kept]


def test_a_watch_that_nobody_reads_is_forgotten() -> None:
    exchange = Exchange()
    exchange.forget(watching(exchange))

    assert exchange.receive(change("a")) == []


def test_what_a_connection_was_told_of_is_known_also_after_its_end() -> None:
    exchange = Exchange()
    assert not exchange.has_told("c")

    started(exchange)
    assert exchange.has_told("c")

    exchange.receive(told("Ended", 1))
    assert exchange.has_told("c")
    assert not exchange.has_told("d")
