"""Clients watch calls: the answer first, each change once, in both dialects alike."""

import json
from typing import Any

import pytest

from call_api.conversation import Limits
from call_api.model import DialectName
from tests.fakes.call_changes import change
from tests.fakes.fake_client import FakeClient, serving
from tests.fakes.scripted_backend import ScriptedBackend

BOTH = pytest.mark.parametrize("dialect", ["v1", "v2"])


def request(id_: int | None, method: str, **params: object) -> dict[str, Any]:
    asked = {"jsonrpc": "2.0", "id": id_, "method": method, "params": params}
    return {name: value for name, value in asked.items() if name != "id" or value is not None}


async def settled(client: FakeClient) -> None:
    """Wait until all that was asked before is done."""
    await client.answer(client.ask("CommandList"))


@BOTH
async def test_both_dialects_are_told_alike_and_after_the_answer(dialect: DialectName) -> None:
    backend = ScriptedBackend()
    async with serving(backend) as api:
        client = FakeClient(api, dialect)
        id_ = client.ask("CallWatch", callid="a")
        backend.tell(change("a"))
        assert client.texts == []
        assert await client.result(id_) == {"callid": "a"}
        backend.tell(change("a", "held"))
        backend.tell(change("b", "held"))

    assert client.raw[1:] == [
        (
            b'{"jsonrpc":"2.0","method":"CallEvent","params":{"callid":"a","event":"held","call":'
            b'{"callid":"a","state":"answered","caller":"sip:alice@h","callee":"sip:bob@h",'
            b'"started":"2026-01-31T12:00:00Z","held":[]}}}'
        )
    ]


async def test_changes_come_after_a_batch_whose_member_asks_for_them() -> None:
    backend = ScriptedBackend()
    async with serving(backend) as api:
        client = FakeClient(api)
        client.send(json.dumps([request(1, "CallWatch"), request(2, "CommandList")]))
        batch = await client.until(lambda text: isinstance(text, list))
        backend.tell(change("a"))

    assert batch[0]["result"] == {"callid": None}
    assert len(client.texts) == 2


@pytest.mark.parametrize(
    ("methods", "is_told"),
    [(("CallWatch", "CallUnwatch"), False), (("CallUnwatch", "CallWatch"), True)],
)
async def test_of_a_batch_the_last_member_counts(methods: tuple[str, str], is_told: bool) -> None:
    backend = ScriptedBackend()
    async with serving(backend) as api:
        client = FakeClient(api)
        client.send(json.dumps([request(number, name) for number, name in enumerate(methods)]))
        await client.until(lambda text: isinstance(text, list))

        assert len(backend.watchings) == is_told


async def test_a_request_that_wants_no_answer_is_carried_out() -> None:
    backend = ScriptedBackend()
    async with serving(backend) as api:
        client = FakeClient(api)
        client.send(json.dumps(request(None, "CallWatch")))
        await settled(client)
        backend.tell(change("a"))

        assert [one["callid"] for one in client.changes()] == ["a"]


async def test_each_connection_is_told_once_and_the_back_end_is_watched_once_for_all() -> None:
    backend = ScriptedBackend()
    async with serving(backend) as api:
        clients = [FakeClient(api, dialect) for dialect in ("v1", "v2", "v2")]
        for client in clients:
            for params in ({}, {}, {"callid": "a"}):
                await client.result(client.ask("CallWatch", **params))
        backend.tell(change("a"))

        assert len(backend.watchings) == 1
        assert [len(client.changes()) for client in clients] == [1, 1, 1]


async def test_the_watch_is_gone_with_the_connection() -> None:
    backend = ScriptedBackend()
    async with serving(backend) as api:
        stays, goes = FakeClient(api), FakeClient(api)
        for client in (stays, goes):
            await client.result(client.ask("CallWatch", callid="a"))
        goes.leave()
        backend.tell(change("a"))
        assert (len(stays.changes()), len(goes.changes())) == (1, 0)
        stays.leave()

        assert backend.watchings == []


async def test_a_client_that_left_before_its_answer_watches_nothing() -> None:
    backend = ScriptedBackend()
    async with serving(backend) as api:
        client, other = FakeClient(api), FakeClient(api)
        client.ask("CallWatch")
        client.leave()
        await settled(other)

        assert backend.watchings == []


async def test_what_is_not_watched_may_be_let_go() -> None:
    async with serving(ScriptedBackend()) as api:
        client = FakeClient(api)

        assert await client.result(client.ask("CallUnwatch")) == {"callid": None}
        assert await client.result(client.ask("CallUnwatch", callid="a")) == {"callid": "a"}


async def test_too_many_calls_are_refused_and_all_calls_are_not() -> None:
    async with serving(ScriptedBackend(), limits=Limits(watched=2)) as api:
        client = FakeClient(api)
        for callid in "ab":
            await client.result(client.ask("CallWatch", callid=callid))

        error = await client.error(client.ask("CallWatch", callid="c"))
        assert (error["code"], error["data"]) == (-32003, {"retry_after": 1.0})
        assert await client.result(client.ask("CallWatch", callid="a")) == {"callid": "a"}
        assert await client.result(client.ask("CallWatch")) == {"callid": None}


@pytest.mark.parametrize("callid", ["", "a b", 7])
async def test_what_is_no_call_id_is_refused(callid: object) -> None:
    async with serving(ScriptedBackend()) as api:
        client = FakeClient(api)

        error = await client.error(client.ask("CallWatch", callid=callid))
        assert (error["code"], error["data"]["param"]) == (-32602, "callid")
