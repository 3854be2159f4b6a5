"""Two tokens at one daemon: what the one does is nothing to the other."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from call_api.access.identity import Identity
from call_api.access.meters import Meter
from call_api.access.owners import Owners
from call_api.access.scopes import parse_scopes
from call_api.access.standing import Standing
from call_api.backends.base import CallChange, CallInfo, StartStep
from call_api.config_access import Quota
from call_api.errors import UnknownCommand
from call_api.events import CallHolding, Ended
from call_api.journal import Owned, Snapshot
from call_api.memory_journal import Bounds, MemoryJournal
from call_api.model import CallId, CmdId
from tests.fakes.fake_client import FakeClient, serving
from tests.fakes.manual_clock import ManualClock
from tests.fakes.records import STARTED, record
from tests.fakes.running import turns
from tests.fakes.scripted_backend import ScriptedBackend


def standing(name: str, *scopes: str, meters: tuple[Meter, ...] = ()) -> Standing:
    return Standing(Identity(name=name, scopes=parse_scopes(scopes)), meters=meters)


async def test_what_the_scopes_lack_is_forbidden() -> None:
    async with serving(ScriptedBackend()) as api:
        client = FakeClient(api, standing=standing("desk", "Echo"))
        list_, end = client.ask("CallList"), client.ask("CallEnd", callid="c1")

        for id_ in (list_, end):
            error = await client.error(id_)
            assert (error["code"], error["message"]) == (-32002, "forbidden")


async def test_a_foreign_command_looks_like_none() -> None:
    async with serving(ScriptedBackend()) as api:
        owner = FakeClient(api, standing=standing("desk", "control"))
        stranger = FakeClient(api, standing=standing("shop", "control"))
        chief = FakeClient(api, standing=standing("chief", "all"))
        owner.ask("Echo", cmd_id="x", a=1)
        await owner.story("x")

        for method in ("CommandStatus", "CommandAttach", "CommandCancel"):
            foreign = await stranger.error(stranger.ask(method, cmd_id="x"))
            nothing = await stranger.error(stranger.ask(method, cmd_id="y"))
            assert foreign["code"] == nothing["code"] == -32005
            assert foreign["message"] == nothing["message"].replace("cmd_id y", "cmd_id x")
            assert "result" in await chief.answer(chief.ask(method, cmd_id="x"))
        lists = [await one.result(one.ask("CommandList")) for one in (owner, stranger, chief)]

    assert [len(one["commands"]) for one in lists] == [1, 0, 1]
    assert stranger.told("x") == []
    assert [one["event"] for one in chief.told("x")] == ["Reply", "Ended"]


async def test_a_retry_with_a_foreign_cmd_id_is_a_command_of_its_own() -> None:
    async with serving(ScriptedBackend()) as api:
        owner = FakeClient(api, standing=standing("desk", "control"))
        stranger = FakeClient(api, standing=standing("shop", "control"))
        owner.ask("Echo", cmd_id="x", secret=1)
        await owner.story("x")
        same, other = stranger.ask("Echo", cmd_id="x", a=2), stranger.ask("Echo", cmd_id="x", a=3)
        story = await stranger.story("x")

        assert (await stranger.result(same))["status"] == "Started"
        assert (await stranger.error(other))["code"] == -32004
    assert story[0]["data"] == {"a": 2}
    assert [one["data"] for one in owner.told("x") if "data" in one] == [{"secret": 1}]


async def test_running_commands_are_counted_until_they_end() -> None:
    meter, go_on = Meter("token", Quota(running=1), 0.0), asyncio.Event()
    async with serving(ScriptedBackend(go_on)) as api:
        client = FakeClient(api, standing=standing("desk", "control", meters=(meter,)))
        first = client.ask("CallEnd", cmd_id="a", callid="x")
        second = client.ask("Echo", cmd_id="b")
        await client.result(first)
        refused = await client.error(second)
        go_on.set()
        await client.story("a")
        await turns(3)
        again = client.ask("CallEnd", cmd_id="a", callid="x")
        wrong = client.ask("CallEnd", cmd_id="a", callid="y")
        await client.result(again)
        await client.answer(wrong)
        await turns(3)

    assert refused["code"] == -32003
    assert refused["data"] == {"retry_after": 1.0, "limit": "token.running"}
    assert meter.started == 0


@pytest.mark.parametrize("limit", ["running", "calls_per_minute"])
async def test_a_retry_by_who_may_start_nothing_more_is_followed_and_counts_nothing(
    limit: str,
) -> None:
    meter, go_on = Meter("token", Quota(**{limit: 1}), 0.0), asyncio.Event()
    start = {"caller": "sip:a@h", "callee": "sip:b@h"}
    async with serving(ScriptedBackend(go_on)) as api:
        client = FakeClient(api, standing=standing("desk", "control", meters=(meter,)))
        await client.result(client.ask("CallStart", cmd_id="a", **start))
        client.leave()
        again = FakeClient(api, standing=standing("desk", "control", meters=(meter,)))
        await again.result(again.ask("CallStart", cmd_id="a", **start))
        wrong = await again.error(
            again.ask("CallStart", cmd_id="a", caller="sip:x@h", callee="sip:b@h")
        )
        refused = await again.error(again.ask("CallStart", cmd_id="b", **start))
        assert meter.started == 1
        go_on.set()
        await again.story("a")
        await turns(3)

    assert wrong["code"] == -32004
    assert refused["data"]["limit"] == f"token.{limit}"
    assert meter.started == 0
    assert (meter.calls is None) or meter.calls.wait(0.0) > 0


async def test_requests_that_come_too_fast_are_refused() -> None:
    meter = Meter("token", Quota(per_second=1), 0.0)
    async with serving(ScriptedBackend()) as api:
        client = FakeClient(api, standing=standing("desk", "control", meters=(meter,)))
        for _ in range(2):
            client.ask("CommandList")
        error = await client.error(client.ask("CommandList"))

    assert error["data"] == {"retry_after": 1.0, "limit": "token.per_second"}


async def test_a_foreign_call_looks_like_none_to_everything() -> None:
    backend = ScriptedBackend(
        *(StartStep(state=state, callid=CallId("c1")) for state in START_STATES)
    )
    async with serving(backend) as api:
        owning = replace(api, owners=Owners(backend, lambda call: call()))
        owner = FakeClient(owning, standing=standing("desk", "control"))
        stranger = FakeClient(owning, standing=standing("shop", "control"))
        for client in (owner, stranger):
            await client.result(client.ask("CallWatch"))
        owner.ask("CallStart", cmd_id="x", caller="sip:a@h", callee="sip:b@h")
        await owner.story("x")
        for number, (method, more) in enumerate(FOREIGN):
            stranger.ask(method, cmd_id=str(number), callid="c1", **more)
            story = await stranger.story(str(number))
            assert [one["event"] for one in story] == ["Error", "Ended"]
            assert story[0]["error"]["name"] == "UnknownCall"
        backend.tell(changed("c1"))
        page = await stranger.result(stranger.ask("CallList"))

    assert [name for name, *_ in backend.asked] == ["start"]
    assert [one["callid"] for one in owner.changes()] == ["c1"]
    assert (stranger.changes(), page["calls"]) == ([], [])


async def test_what_is_no_request_counts_as_one() -> None:
    for text in ("nonsense", "5", '[1,{"jsonrpc":"2.0"}]', json.dumps([1] * 101)):
        meter = Meter("token", Quota(per_second=1), 0.0)
        async with serving(ScriptedBackend()) as api:
            client = FakeClient(api, standing=standing("desk", "control", meters=(meter,)))
            for _ in range(3):
                client.send(text)
        last = client.texts[-1]
        last = last[-1] if isinstance(last, list) else last
        assert (last["id"], last["error"]["code"]) == (None, -32003)


START_STATES: tuple[Any, ...] = ("answered", "transferring", "start", "ok")
FOREIGN: list[tuple[str, dict[str, str]]] = [
    ("CallEnd", {}),
    ("CallHold", {}),
    ("CallUnhold", {"leg": "caller"}),
    ("CallBlindTransfer", {"leg": "caller", "destination": "sip:c@h"}),
]


def changed(callid: str) -> CallChange:
    call = CallInfo(
        callid=CallId(callid),
        state="answered",
        caller="a",
        callee="b",
        started=datetime.fromtimestamp(STARTED, UTC),
    )
    return CallChange(event="held", call=call)


# The journal's half of it.


def journal_(clock: ManualClock, run_most: int = 10) -> MemoryJournal:
    return MemoryJournal(
        clock=clock.time, call_soon=lambda callback: None, bounds=Bounds(run_most=run_most)
    )


async def begin(journal: MemoryJournal, token: str) -> Owned:
    claimed = await journal.claim(record("a", token=token))
    assert not isinstance(claimed, Snapshot)
    return claimed


async def test_two_tokens_may_choose_the_same_id() -> None:
    journal = journal_(ManualClock())
    mine = await begin(journal, "desk")
    theirs = await begin(journal, "shop")
    mine.append(CallHolding())

    snapshot, entries = await journal.read(CmdId("a"), token="desk")
    other, _ = await journal.read(CmdId("a"), token="shop")
    newest, _ = await journal.read(CmdId("a"))

    assert (snapshot.record.token, len(entries)) == ("desk", 1)
    assert other.record == newest.record == theirs.record
    with pytest.raises(UnknownCommand):
        await journal.read(CmdId("a"), token="")
    assert await journal.cancel(CmdId("a"), token="shop") == "cancelling"
    assert (mine.is_cancelling, theirs.is_cancelling) == (False, True)


@pytest.mark.parametrize("order", ["123", "132", "213", "231", "312", "321"])
async def test_commands_of_one_id_are_forgotten_one_by_one_in_every_order(order: str) -> None:
    clock = ManualClock()
    journal = journal_(clock, run_most=3)
    owned = {token: await begin(journal, token) for token in "123"}
    assert journal.is_ready() == "too many commands run"

    left = set("123")
    for token in order:
        owned[token].append(Ended(), last=True)
        clock.advance(300)
        left.remove(token)
        for one in "123":
            assert await known(journal, one) == (one in left)
        assert {it.record.token for it in await journal.commands(None)} == left
    assert journal.is_ready() is None


async def known(journal: MemoryJournal, token: str) -> bool:
    try:
        await journal.read(CmdId("a"), token=token)
    except UnknownCommand:
        return False
    return True
