import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from call_api.backends.opensips.mi import MiError, Reply
from call_api.backends.opensips.mi_exchange import MAX_ID, MiExchange


def answer(request_id: int, result: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "result": result, "id": request_id}).encode()


def ask(mi: MiExchange, now: float = 0.0, within: float = 5.0) -> int:
    return mi.request("uptime", {}, now, within)[0]


def test_a_request_is_one_json_object_never_an_array() -> None:
    request_id, data = MiExchange().request("dlg_end_dlg", {"dialog_id": "a"}, 0.0, 5.0)

    assert json.loads(data) == {
        "jsonrpc": "2.0",
        "id": request_id,
        "method": "dlg_end_dlg",
        "params": {"dialog_id": "a"},
    }


def test_replies_out_of_order_reach_their_own_request() -> None:
    mi = MiExchange()
    first, second = ask(mi), ask(mi)

    assert mi.receive(answer(second, "u")) == (second, Reply(result="u"))
    assert mi.receive(answer(first, "p")) == (first, Reply(result="p"))
    assert mi.waiting == 0


def test_a_doubled_reply_counts_once() -> None:
    mi = MiExchange()
    request_id = ask(mi)

    assert mi.receive(answer(request_id, "OK")) is not None
    assert mi.receive(answer(request_id, "OK")) is None


def test_silence_is_given_up_and_a_late_reply_is_ignored() -> None:
    mi = MiExchange()
    request_id = ask(mi, now=100.0)

    assert mi.next_timer() == 105.0
    assert mi.handle_timer(now=104.9) == []
    assert mi.handle_timer(now=105.0) == [request_id]
    assert mi.receive(answer(request_id, "too late")) is None
    assert mi.next_timer() is None


def test_a_request_that_may_ring_does_not_keep_a_short_one_waiting() -> None:
    mi = MiExchange()
    ringing = ask(mi, now=0.0, within=60.0)
    short = ask(mi, now=1.0, within=2.0)

    assert mi.next_timer() == 3.0
    assert mi.handle_timer(now=3.0) == [short]
    assert mi.next_timer() == 60.0
    assert mi.handle_timer(now=60.0) == [ringing]


def test_the_ids_are_those_that_opensips_echoes_and_none_is_used_twice_at_a_time() -> None:
    mi = MiExchange()
    oldest = ask(mi, within=100.0)
    mi._last_id = MAX_ID

    assert ask(mi) == oldest + 1


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"code": 404, "message": "Dialog not found"}, MiError(404, "Dialog not found")),
        (
            {"code": -32602, "message": "Invalid params", "data": "Too few"},
            MiError(-32602, "Invalid params: Too few"),
        ),
        ({"code": -32000, "message": "Server error", "data": {}}, MiError(-32000, "Server error")),
    ],
)
def test_an_error_is_passed_on_with_what_it_says(error: object, expected: MiError) -> None:
    mi = MiExchange()
    request_id = ask(mi)
    data = json.dumps({"jsonrpc": "2.0", "error": error, "id": request_id}).encode()

    assert mi.receive(data) == (request_id, Reply(error=expected))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"400 Parse_error",  # while two wait: nobody knows whose it is
        b"[1]",
        b'{"jsonrpc":"2.0","method":"E_CALL_HOLD","params":{}}',
        b'{"jsonrpc":"2.0","result":"OK","id":"lab-1"}',
        b'{"jsonrpc":"2.0","result":"OK","id":77}',
        b'{"jsonrpc":"2.0","result":"OK","id":null}',
        b"\xff\xfe",
    ],
)
def test_what_answers_nothing_is_ignored(data: bytes) -> None:
    mi = MiExchange()
    ask(mi), ask(mi)

    assert mi.receive(data) is None
    assert mi.waiting == 2


def test_plain_words_are_meant_for_the_only_request_that_waits() -> None:
    mi = MiExchange()
    request_id = ask(mi)

    assert mi.receive(b"500 Internal Server Error\n") == (
        request_id,
        Reply(error=MiError(500, "Internal Server Error")),
    )


def test_bytes_of_a_phone_that_are_no_utf8_do_not_cost_the_answer() -> None:
    mi = MiExchange()
    request_id = ask(mi)
    data = b'{"jsonrpc":"2.0","result":"caf\xe9","id":%d}' % request_id

    assert mi.receive(data) == (request_id, Reply(result="caf\N{REPLACEMENT CHARACTER}"))


@given(st.binary(max_size=200))
def test_no_bytes_do_any_harm(data: bytes) -> None:
    mi = MiExchange()
    ask(mi)

    mi.receive(data)

    assert mi.waiting <= 1
