import asyncio
from typing import Any

from call_api.backends.base import CallChange
from call_api.backends.opensips.backend import OpenSipsBackend
from call_api.backends.opensips.events import HOLD, STATE, TRANSFER
from call_api.backends.opensips.mi import MiError
from call_api.model import CallId
from tests.fakes.mi_script import SILENCE, ScriptedProxy, entry, shared_with
from tests.fakes.virtual_time import in_virtual_time

GONE = MiError(404, "No such dialog")


class Calls:
    """What a proxy lists, and what it tells of that.

    Attributes:
        entries: The dialogs that there are, by Call-ID.
        unlisted: Those that are only told of when they are asked for.
        told: What the watcher was told, in short.
    """

    def __init__(self, proxy: ScriptedProxy) -> None:
        self.entries: dict[str, dict[str, Any]] = {}
        self.unlisted: dict[str, dict[str, Any]] = {}
        self.told: list[str] = []
        self.changes: list[CallChange] = []
        self._proxy = proxy
        proxy.answers("dlg_list_ctx", self._answer)
        proxy.answers("dlg_list", self._answer)

    def tell(self, change: CallChange) -> None:
        self.changes.append(change)
        self.told.append(f"{change.call.callid} {change.event}")

    async def becomes(self, callid: str, state: int, *, told: bool = True, **noted: Any) -> None:
        """A dialog gets a state; an event may tell so."""
        before = self.entries.get(callid, {"state": 1})["state"]
        self.entries[callid] = entry(callid, state, **noted)
        if told:
            self._proxy.raises(STATE, callid=callid, old_state=before, new_state=state)
        await asyncio.sleep(0.1)

    async def raises(self, name: str, **params: object) -> None:
        self._proxy.raises(name, **params)
        await asyncio.sleep(0.1)

    def _answer(self, params: dict[str, Any]) -> object:
        if "callid" in params:
            found = (self.unlisted | self.entries).get(params["callid"])
            return GONE if found is None else {"Dialog": found}
        part = list(self.entries.values())[params["index"] :]
        return {"Dialogs": part, "count": len(self.entries)}


@in_virtual_time
async def test_a_call_is_watched_from_its_first_ring_to_its_end() -> None:
    async with shared_with() as (shared, (proxy,)):
        calls = Calls(proxy)
        watching = OpenSipsBackend(shared).watch(calls.tell)
        for state in (2, 2, 3, 4, 4):
            await calls.becomes("a", state)
        await end(calls, "a")
        await end(calls, "a")
        watching.close()

        assert calls.told == ["a created", "a ringing", "a answered", "a ended"]
        assert [change.call.state for change in calls.changes] == [
            "created",
            "ringing",
            "answered",
            "ended",
        ]
        assert calls.changes[0].call.caller == "sip:alice@127.0.0.1"
        assert proxy.methods().count("dlg_list_ctx") == 2  # all calls first, then this one once


async def end(calls: Calls, callid: str) -> None:
    calls.entries.pop(callid, None)
    await calls.raises(STATE, callid=callid, old_state=4, new_state=5)


@in_virtual_time
async def test_calls_that_were_there_before_are_known() -> None:
    async with shared_with() as (shared, (proxy,)):
        calls = Calls(proxy)
        await calls.becomes("old", 4, told=False)
        watching = OpenSipsBackend(shared).watch(calls.tell)
        await asyncio.sleep(0.1)
        await end(calls, "old")
        watching.close()

        assert calls.told == ["old ended"]


@in_virtual_time
async def test_a_call_that_is_just_being_made_when_the_watch_begins_is_told() -> None:
    async with shared_with() as (shared, (proxy,)):
        calls = Calls(proxy)
        await calls.becomes("a", 1, told=False)
        watching = OpenSipsBackend(shared).watch(calls.tell)
        await asyncio.sleep(0.1)
        await calls.becomes("a", 2)
        watching.close()

        assert calls.told == ["a created", "a ringing"]


@in_virtual_time
async def test_a_call_whose_first_word_is_the_answer_was_made_as_well() -> None:
    async with shared_with() as (shared, (proxy,)):
        calls = Calls(proxy)
        watching = OpenSipsBackend(shared).watch(calls.tell)
        await calls.becomes("a", 3)
        await calls.becomes("a", 1)
        watching.close()

        assert calls.told == ["a created", "a answered"]


@in_virtual_time
async def test_a_call_that_is_over_before_it_is_looked_at_is_not_told_of() -> None:
    async with shared_with() as (shared, (proxy,)):
        calls = Calls(proxy)
        watching = OpenSipsBackend(shared).watch(calls.tell)
        await calls.raises(STATE, callid="short", old_state=1, new_state=2)
        await end(calls, "short")
        await calls.raises(HOLD, callid="short", leg="caller", action="hold", state="ok")
        watching.close()

        assert calls.told == []


@in_virtual_time
async def test_a_hold_and_its_end_are_told_once() -> None:
    async with shared_with() as (shared, (proxy,)):
        calls = Calls(proxy)
        await calls.becomes("a", 4, told=False)
        watching = OpenSipsBackend(shared).watch(calls.tell)
        await asyncio.sleep(0.1)
        held = {"callid": "a", "action": "hold", "state": "ok"}
        await calls.becomes("a", 4, call_hold_caller=8, call_hold_callee=4)
        for leg in ("caller", "callee"):
            await calls.raises(HOLD, leg=leg, **held)
        await calls.becomes("a", 4)
        await calls.raises(HOLD, leg="caller", **(held | {"action": "unhold"}))
        await calls.raises(HOLD, leg="caller", **(held | {"state": "start"}))
        await calls.raises(HOLD, leg="caller", **(held | {"callid": "unknown"}))
        watching.close()

        assert calls.told == ["a held", "a resumed"]
        assert [change.call.held for change in calls.changes] == [("caller",), ()]


@in_virtual_time
async def test_a_transferred_call_goes_on_under_its_new_name() -> None:
    async with shared_with() as (shared, (proxy,)):
        calls = Calls(proxy)
        await calls.becomes("a", 4, told=False)
        watching = OpenSipsBackend(shared).watch(calls.tell)
        await asyncio.sleep(0.1)
        await calls.becomes("b", 2)
        await calls.becomes("b", 3)
        transfer = {"callid": "a", "transfer_callid": "b", "state": "ok", "status": "200 OK"}
        await calls.raises(TRANSFER, **transfer)
        await calls.raises(TRANSFER, **transfer)
        await calls.raises(TRANSFER, **(transfer | {"transfer_callid": "gone"}))
        await calls.raises(STATE, callid="a", old_state=3, new_state=4)
        await end(calls, "a")
        await end(calls, "b")
        watching.close()

        assert calls.told == [
            "b created",
            "b ringing",
            "b answered",
            "b transferred",
            "a ended",
            "b ended",
        ]
        assert calls.changes[3].names == ["a"]


@in_virtual_time
async def test_two_calls_that_become_one_are_told_once() -> None:
    async with shared_with() as (shared, (proxy,)):
        calls = Calls(proxy)
        for callid in "abn":
            await calls.becomes(callid, 4, told=False)
        watching = OpenSipsBackend(shared).watch(calls.tell)
        await asyncio.sleep(0.1)
        for callid, state in (("b", "start"), ("a", "start"), ("a", "ok"), ("b", "notify")):
            await calls.raises(TRANSFER, callid=callid, transfer_callid="n", state=state)
        await calls.raises(TRANSFER, callid="b", transfer_callid="n", state="ok")
        watching.close()

        assert calls.told == ["n transferred"]
        assert calls.changes[0].names == ["a", "b"]


@in_virtual_time
async def test_a_call_that_a_list_lacks_by_chance_has_not_ended() -> None:
    async with shared_with(2) as (shared, proxies):
        calls = Calls(proxies[0])
        proxies[1].answers("dlg_list", GONE)
        proxies[1].answers("dlg_list_ctx", {"Dialogs": []})
        for callid in "ab":
            await calls.becomes(callid, 4, told=False)
        watching = OpenSipsBackend(shared).watch(calls.tell)
        await asyncio.sleep(0.1)
        # Of this transfer nothing is ever heard again.
        await calls.raises(TRANSFER, callid="a", transfer_callid="x", state="start")
        calls.unlisted["a"] = calls.entries.pop("a")
        del calls.entries["b"]
        await asyncio.sleep(31.0)
        watching.close()

        assert calls.told == ["b ended"]


@in_virtual_time
async def test_who_refuses_a_transfer_is_told() -> None:
    async with shared_with() as (shared, (proxy,)):
        calls = Calls(proxy)
        await calls.becomes("a", 4, told=False)
        watching = OpenSipsBackend(shared).watch(calls.tell)
        await asyncio.sleep(0.1)
        failed = {"callid": "a", "transfer_callid": "b", "state": "fail"}
        await calls.raises(
            TRANSFER, **failed, destination="sip:bob@h;osid=1.2", status="486 Busy Here"
        )
        await calls.raises(TRANSFER, **failed)
        await calls.raises(TRANSFER, **(failed | {"callid": "unknown"}))
        await calls.raises(TRANSFER, **(failed | {"state": "start"}))
        watching.close()

        assert calls.told == ["a branch_failed"] * 2
        assert [(change.target, change.status) for change in calls.changes] == [
            ("sip:bob@h", 486),
            (None, None),
        ]


@in_virtual_time
async def test_what_no_event_told_is_found_and_told_late() -> None:
    async with shared_with() as (shared, (proxy,)):
        calls = Calls(proxy)
        await calls.becomes("ends", 4, told=False)
        await calls.becomes("rings", 2, told=False)
        watching = OpenSipsBackend(shared).watch(calls.tell)
        await asyncio.sleep(0.1)
        calls.entries.clear()
        await calls.becomes("rings", 4, told=False, call_hold_caller=12, call_hold_callee=12)
        await calls.becomes("new", 2, told=False)
        assert calls.told == []
        await asyncio.sleep(31.0)
        watching.close()

        assert calls.told == [
            "rings answered",
            "rings held",
            "new created",
            "new ringing",
            "ends ended",
        ]


@in_virtual_time
async def test_the_calls_of_a_proxy_that_does_not_answer_are_not_told_to_have_ended() -> None:
    async with shared_with() as (shared, (proxy,)):
        calls = Calls(proxy)
        await calls.becomes("a", 4, told=False)
        watching = OpenSipsBackend(shared).watch(calls.tell)
        await asyncio.sleep(0.1)
        proxy.answers("dlg_list_ctx", SILENCE)
        await asyncio.sleep(40.0)
        watching.close()

        assert calls.told == []


@in_virtual_time
async def test_a_transferred_call_that_still_is_there_is_not_found_again() -> None:
    async with shared_with() as (shared, (proxy,)):
        calls = Calls(proxy)
        await calls.becomes("a", 4, told=False)
        await calls.becomes("b", 4, told=False)
        watching = OpenSipsBackend(shared).watch(calls.tell)
        await asyncio.sleep(0.1)
        await calls.raises(TRANSFER, callid="a", transfer_callid="b", state="ok")
        await asyncio.sleep(31.0)
        watching.close()

        assert calls.told == ["b transferred"]


@in_virtual_time
async def test_several_may_watch_and_the_last_one_turns_off_the_light() -> None:
    async with shared_with() as (shared, (proxy,)):
        backend, calls, others = OpenSipsBackend(shared), Calls(proxy), Calls(proxy)
        first, second = backend.watch(calls.tell), backend.watch(others.tell)
        await others.becomes("a", 2)
        first.close()
        first.close()
        await others.becomes("b", 2)
        second.close()
        await others.becomes("c", 2)

        assert calls.told == ["a created", "a ringing"]
        assert others.told == ["a created", "a ringing", "b created", "b ringing"]


@in_virtual_time
async def test_more_events_than_can_wait_are_found_later() -> None:
    async with shared_with() as (shared, (proxy,)):
        calls = Calls(proxy)
        watching = OpenSipsBackend(shared).watch(calls.tell)
        await asyncio.sleep(0.1)
        await calls.becomes("a", 4, told=False)
        for number in range(10_050):
            proxy.raises(STATE, callid=str(number), old_state=4, new_state=5)
        proxy.raises(STATE, callid="a", old_state=1, new_state=2)
        await asyncio.sleep(31.0)
        watching.close()

        assert CallId("a") in [change.call.callid for change in calls.changes]
