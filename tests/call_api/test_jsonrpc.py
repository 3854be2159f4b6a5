import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from call_api import jsonrpc
from call_api.jsonrpc import Batch, Invalid, NotJson, ProtocolError, Request
from call_api.jsonrpc_texts import ErrorObject, Notification, Response

IDS = [
    '"831717ed97e5"',
    "7",
    "-7",
    "1.50",
    "1e3",
    "12345678901234567890123",
    "null",
    '"\\u00e9\\n"',
]


def request(id_: str | None = "1", **members: object) -> str:
    id_member = "" if id_ is None else f'"id":{id_},'
    rest = json.dumps({"jsonrpc": "2.0", "method": "Echo"} | members)
    return "{" + id_member + rest[1:]


@pytest.mark.parametrize("id_", IDS)
def test_an_id_is_kept_as_its_text(id_: str) -> None:
    parsed = jsonrpc.parse_requests(request(f" {id_} "))

    assert parsed == Request(id_.encode(), "Echo", None)
    assert jsonrpc.encode_result(id_.encode(), b"{}") == (
        b'{"jsonrpc":"2.0","id":%s,"result":{}}' % id_.encode()
    )


def test_a_request_without_an_id_is_a_notification() -> None:
    assert jsonrpc.parse_requests(request(None)) == Request(None, "Echo", None)


def test_bytes_are_read_like_text() -> None:
    parsed = jsonrpc.parse_requests(request('"é"', params={"a": "ü"}).encode())

    assert parsed == Request('"é"'.encode(), "Echo", {"a": "ü"})


def test_of_a_repeated_member_the_last_counts() -> None:
    text = '{"jsonrpc":"2.0","id":1,"id":2,"method":"A","method":"B","params":{"a":1,"a":2}}'

    assert jsonrpc.parse_requests(text) == Request(b"2", "B", {"a": 2})


def test_unknown_members_of_a_request_are_ignored() -> None:
    assert jsonrpc.parse_requests(request(more=[1])) == Request(b"1", "Echo", None)


@pytest.mark.parametrize("params", [{}, {"a": [None, True]}, [], [1, 2]])
def test_params_are_an_object_or_an_array(params: dict[str, Any] | list[Any]) -> None:
    assert jsonrpc.parse_requests(request(params=params)) == Request(b"1", "Echo", params)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (request(id_="{}"), "id must be"),
        (request(id_="[1]"), "id must be"),
        (request(id_="true"), "id must be"),
        (request(id_="false"), "id must be"),
        (request(method=1), "method must be"),
        (request(method=None), "method must be"),
        ('{"jsonrpc":"2.0","id":1}', "method must be"),
        (request(params="bar"), "params must be"),
        (request(params=None), "params must be"),
        (request(params=5), "params must be"),
        (request(jsonrpc="1.0"), "jsonrpc must be"),
        (request(jsonrpc=2.0), "jsonrpc must be"),
        (request(jsonrpc=None), "jsonrpc must be"),
        ('{"id":1,"method":"Echo"}', "jsonrpc must be"),
        ("5", "a request is an object"),
        ('"text"', "a request is an object"),
        ("null", "a request is an object"),
        ("[]", "at least one"),
    ],
)
def test_json_that_is_no_request_is_invalid_for_a_reason(text: str, problem: str) -> None:
    parsed = jsonrpc.parse_requests(text)

    assert isinstance(parsed, Invalid)
    assert problem in parsed.problem


def test_the_version_may_be_missing_where_it_is_not_needed_but_not_wrong() -> None:
    missing = '{"id":1,"method":"Echo"}'

    assert jsonrpc.parse_requests(missing, version_needed=False) == Request(b"1", "Echo", None)
    assert jsonrpc.parse_requests(f"[{missing}]", version_needed=False) == Batch(
        (Request(b"1", "Echo", None),)
    )
    assert isinstance(jsonrpc.parse_requests(request(jsonrpc="1.0"), version_needed=False), Invalid)


def test_a_batch_is_read_member_by_member() -> None:
    members = [request("1"), request(None), "1", "[]", '{"foo":"boo"}', request('"x"', params=[3])]

    parsed = jsonrpc.parse_requests(f" [{','.join(members)}]")

    assert isinstance(parsed, Batch)
    assert parsed.members[0] == Request(b"1", "Echo", None)
    assert parsed.members[1] == Request(None, "Echo", None)
    assert all(isinstance(member, Invalid) for member in parsed.members[2:5])
    assert parsed.members[5] == Request(b'"x"', "Echo", [3])


def test_what_is_in_too_large_a_batch_is_not_looked_at() -> None:
    deep = '{"a":' * 300 + "1" + "}" * 300
    text = f"[{request(params={})[:-3]}{deep}}},1]"
    with pytest.raises(NotJson):
        jsonrpc.parse_requests(text, most=2)

    assert jsonrpc.parse_requests(text, most=1) == Invalid("a batch holds at most 1 requests")


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "{",
        '{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]',
        '[{"jsonrpc":"2.0","method":"Echo","id":1},{"jsonrpc":"2.0","method"',
        '"unfinished',
        "[1,",
        request() + "x",
        request(id_="tru"),
        request(id_="01"),
        request(id_='"\\ud800"'),
        '{"x":"\\udc00"}',
        '{"jsonrpc":"2.0","method":"Echo","params":{"a":"\\ud800"}}',
        '{"jsonrpc":"2.0","method":"Echo","params":{"a":1e999}}',
        '[{"jsonrpc":"2.0","method":"Echo","params":{"a":1e999}}]',
        '{"jsonrpc":"2.0","method":"Echo","params":{"a":NaN}}',
        '"\ud800"',
        b'{"id":"\xff"}',
        b"\xff",
        "[" * 60_000,
        "[" * 60_000 + "]" * 60_000,
        '{"jsonrpc":"2.0","method":"Echo","params":' + "[" * 30_000 + "]" * 30_000 + "}",
        '{"jsonrpc":"2.0","method":"Echo","params":' + '{"a":' * 9_000 + "1" + "}" * 9_001,
        '{"x":' + "[" * 30_000 + "]" * 30_000 + "}",
        "[" + '{"jsonrpc":"2.0","method":"Echo","params":' + "[" * 300 + "]" * 300 + "}]",
    ],
)
def test_what_cannot_be_read_is_no_json(text: str | bytes) -> None:
    with pytest.raises(NotJson):
        jsonrpc.parse_requests(text)


def test_what_is_nested_as_deep_as_allowed_can_be_read_and_written() -> None:
    deep = "[" * jsonrpc.MAX_DEPTH + "]" * jsonrpc.MAX_DEPTH
    parsed = jsonrpc.parse_requests(f'{{"jsonrpc":"2.0","method":"Echo","params":{deep}}}')

    assert isinstance(parsed, Request)
    assert jsonrpc.encode_notification("Echo", parsed.params).endswith(deep.encode() + b"}")
    with pytest.raises(NotJson, match="too deep"):
        jsonrpc.parse_requests(f'{{"jsonrpc":"2.0","method":"Echo","params":[{deep}]}}')


@given(st.binary() | st.text())
def test_any_input_is_read_or_refused(text: str | bytes) -> None:
    try:
        parsed = jsonrpc.parse_requests(text)
    except NotJson:
        return
    assert isinstance(parsed, Request | Invalid | Batch)


def test_damaged_requests_are_read_or_refused() -> None:
    rng = random.Random(5)
    whole = f"[{request(params={'a': [1, {}]})},{request(None)}]".encode()
    for _ in range(3000):
        damaged = bytearray(whole)
        for _ in range(rng.randint(1, 4)):
            damaged[rng.randrange(len(damaged))] = rng.choice(b'[]{}",:01ae\\u\xff ')
        try:
            jsonrpc.parse_requests(bytes(damaged))
        except NotJson:
            continue


def test_a_refusal_carries_code_message_and_data() -> None:
    assert jsonrpc.encode_error(b"null", -32700, "Parse error") == (
        b'{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}'
    )
    assert jsonrpc.encode_error(b'"a"', -32602, "Invalid params", {"param": None}) == (
        b'{"jsonrpc":"2.0","id":"a","error":{"code":-32602,"message":"Invalid params",'
        b'"data":{"param":null}}}'
    )


def test_answers_to_a_batch_are_one_array() -> None:
    assert jsonrpc.encode_batch([b"{}", b"[]"]) == b"[{},[]]"


def test_a_request_is_written_with_and_without_params() -> None:
    assert jsonrpc.encode_request(1, "ping") == b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
    assert jsonrpc.encode_request("a", "ping", {"b": 2}) == (
        b'{"jsonrpc":"2.0","id":"a","method":"ping","params":{"b":2}}'
    )


def test_a_client_reads_results_errors_and_notifications() -> None:
    assert jsonrpc.parse_message('{"jsonrpc":"2.0","id":1,"result":null}') == Response(id=1)
    assert jsonrpc.parse_message('{"id":"a","result":[1]}') == Response(id="a", result=[1])
    assert jsonrpc.parse_message('{"method":"Ended","params":{"seq":1}}') == Notification(
        method="Ended", params={"seq": 1}
    )
    assert jsonrpc.parse_message(
        '{"id":null,"error":{"code":-1,"message":"m","data":{}}}'
    ) == Response(id=None, error=ErrorObject(code=-1, message="m", data={}))


@pytest.mark.parametrize("text", ["", "{", "Parse_error", b"\xff", '{"id":1,"result":"'])
def test_a_client_is_told_what_is_no_json(text: str | bytes) -> None:
    with pytest.raises(NotJson):
        jsonrpc.parse_message(text)


@pytest.mark.parametrize(
    "text",
    [
        "5",
        "400 Parse_error",
        "[]",
        "{}",
        '{"id":1}',
        '{"result":1}',
        '{"id":[],"result":1}',
        '{"method":3}',
    ],
)
def test_a_client_is_told_what_is_neither_answer_nor_notification(text: str) -> None:
    with pytest.raises(ProtocolError):
        jsonrpc.parse_message(text)
