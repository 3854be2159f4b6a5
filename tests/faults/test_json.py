"""JSON at its limits, in requests to a daemon process: answered, and nobody else harmed."""

import json
from collections.abc import Iterator

import pytest

from tests.faults.outside import Outside, daemon
from tests.wire.api import JsonClient
from tests.wire.raw_client import TEXT

DEEP = 100_000
MOST = 2_000_000
"""Bytes that a message may have here, so that the deep ones come through."""


@pytest.fixture(scope="module")
def outside() -> Iterator[Outside]:
    with daemon(CALL_API_WS_SERVER_MAX_MESSAGE=str(MOST)) as outside:
        yield outside


def echo(params: str, id_: str = "1") -> str:
    return f'{{"jsonrpc":"2.0","id":{id_},"method":"Echo","params":{params}}}'


NO_JSON = {
    "arrays 100,000 deep": "[" * DEEP + "]" * DEEP,
    "half of arrays 100,000 deep": "[" * DEEP,
    "objects 100,000 deep": '{"a":' * DEEP + "1" + "}" * DEEP,
    "parameters 100,000 deep": echo('{"a":' + "[" * DEEP + "]" * DEEP + "}"),
    "parameters 257 deep": echo('{"a":' + "[" * 257 + "]" * 257 + "}"),
    "an id 100,000 deep": echo("{}", "[" * DEEP + "]" * DEEP),
    "an unknown member 100,000 deep": '{"jsonrpc":"2.0","x":' + "[" * DEEP + "]" * DEEP + "}",
    "a batch whose members are 100,000 deep": "[" + echo("[" * DEEP + "]" * DEEP) + "]",
    "a lone surrogate": echo('{"a":"\\ud800"}'),
    "a lone surrogate in a name": echo('{"\\udfff":1}'),
    "surrogates the wrong way round": echo('{"a":"\\udc00\\ud800"}'),
    "a NUL": echo('{"a":"\0"}'),
    "a tab in a string": echo('{"a":"\t"}'),
    "a byte order mark": "\ufeff" + echo("{}"),
    "1e400": echo('{"a":1e400}'),
    "5,000 digits": echo(f'{{"a":{"9" * 5000}}}'),
    "NaN": echo('{"a":NaN}'),
    "Infinity": echo('{"a":-Infinity}'),
    "a number that ends in a point": echo('{"a":1.}'),
    "a leading zero": echo('{"a":01}'),
    "a plus": echo('{"a":+1}'),
    "a comment": echo("{}/* */"),
    "a comma too many": echo('{"a":1,}'),
    "single quotes": echo("{'a':1}"),
    "two texts": echo("{}") * 2,
    "nothing": "",
    "a blank": " ",
}


@pytest.mark.parametrize("name", NO_JSON)
async def test_what_cannot_be_read_is_a_parse_error_for_its_sender_alone(
    outside: Outside, name: str
) -> None:
    async with (
        await JsonClient.open(outside.address) as client,
        await JsonClient.open(outside.address) as bystander,
    ):
        client.send(TEXT, NO_JSON[name].encode())
        refused = await client.json()
        assert (refused["id"], refused["error"]["code"]) == (None, -32700)
        for one in (client, bystander):
            assert (await one.answer("Nonsense"))["error"]["code"] == -32601


TAKEN = {
    "200 deep": "[" * 200 + "]" * 200,
    "a key given twice": '1,"a":2',
    "2^64": str(2**64),
    "4,000 digits": "9" * 4000,
    "1e308": "1e308",
    "-1e-400": "-1e-400",
    "minus zero": "-0",
    "a NUL, escaped": '"\\u0000"',
    "a pair of surrogates": '"\\ud834\\udd1e"',
    "no character": '"\\uffff"',
    "a megabyte": '"' + "x" * 1_000_000 + '"',
    "100,000 members": '{"' + '":0,"'.join(map(str, range(100_000))) + '":0}',
}


@pytest.mark.parametrize("name", TAKEN)
async def test_what_can_be_read_comes_back(outside: Outside, name: str) -> None:
    params = f'{{"a":{TAKEN[name]}}}'
    async with await JsonClient.open(outside.address) as client:
        client.send(TEXT, echo(params).encode())
        assert (await client.json())["id"] == 1
        reply, ended = await client.json(), await client.json()
        assert reply["params"]["details"] == json.loads(params)
        assert ended["method"] == "Ended"


IDS = ["0", "-1", "1.50", "1e2", "1e400", "null", '""', '"\\u0000"', "9" * 5000, f'"{"x" * 10**6}"']


@pytest.mark.parametrize("id_", IDS, ids=lambda id_: id_[:10])
async def test_an_id_comes_back_as_it_was_written(outside: Outside, id_: str) -> None:
    async with await JsonClient.open(outside.address) as client:
        client.send(TEXT, echo("{}", id_).encode())
        assert (await client.text()).startswith(f'{{"jsonrpc":"2.0","id":{id_},"result":')


@pytest.mark.parametrize("id_", ["true", "{}", "[1]", '{"a":1}'])
async def test_an_id_that_is_none_is_an_invalid_request(outside: Outside, id_: str) -> None:
    async with await JsonClient.open(outside.address) as client:
        client.send(TEXT, echo("{}", id_).encode())
        refused = await client.json()
        assert (refused["id"], refused["error"]["code"]) == (None, -32600)


@pytest.mark.parametrize(
    ("params", "wrong"),
    [
        ('{"cmd_id":"a\\u0000b"}', "cmd_id"),
        ('{"cmd_id":""}', "cmd_id"),
        ('{"cmd_id":"%s"}' % ("x" * 129), "cmd_id"),
        ('{"cmd_id":1}', "cmd_id"),
        ('{"timeout":-1e308}', "timeout"),
        ('{"timeout":"1"}', "timeout"),
        ('{"timeout":true}', "timeout"),
    ],
)
async def test_a_wrong_parameter_is_named(outside: Outside, params: str, wrong: str) -> None:
    async with await JsonClient.open(outside.address) as client:
        client.send(TEXT, echo(params).encode())
        refused = await client.json()
        assert refused["error"]["code"] == -32602
        assert refused["error"]["data"]["param"] == wrong


async def test_a_batch_of_too_many_is_refused_as_a_whole(outside: Outside) -> None:
    async with await JsonClient.open(outside.address) as client:
        client.send(TEXT, b"[" + b",".join([b"1"] * 200_000) + b"]")
        assert (await client.json())["error"]["code"] == -32600


async def test_a_batch_of_nonsense_is_answered_member_by_member(outside: Outside) -> None:
    members: list[object] = [1, "x", None, [], {}, {"jsonrpc": "2.0"}, {"id": 1}, [[1]]]
    async with await JsonClient.open(outside.address) as client:
        client.send(TEXT, json.dumps(members).encode())
        answers = await client.json()
        assert [answer["error"]["code"] for answer in answers] == [-32600] * len(members)
