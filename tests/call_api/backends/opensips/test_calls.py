import asyncio
import json
from typing import Any

import pytest

from call_api.backends.opensips.backend import OpenSipsBackend
from call_api.backends.opensips.calls import AT_A_TIME
from call_api.backends.opensips.events import STATE
from call_api.backends.opensips.mi import MiError
from call_api.errors import ProxyUnreachable
from call_api.model import CallId
from tests.fakes.mi_script import SILENCE, ScriptedProxy, entry, shared_with
from tests.fakes.virtual_time import in_virtual_time

ROOM = 61_000
"""Bytes of an answer that OpenSIPS can send."""


def listing(proxy: ScriptedProxy, entries: list[dict[str, Any]]) -> None:
    """Answer as OpenSIPS does: some of all, and an error when they are too long."""

    def answer(params: dict[str, int]) -> object:
        part = entries[params["index"] : params["index"] + params["counter"]]
        result = {"count": len(entries), "Dialogs": part}
        if len(json.dumps(result)) > ROOM:
            return MiError(500, "Internal Server Error")
        return result

    proxy.answers("dlg_list_ctx", answer)


def made_at(callid: str, started: float, state: int = 4, **more: Any) -> dict[str, Any]:
    return entry(callid, state) | {"timestart": started} | more


@in_virtual_time
async def test_calls_come_in_the_order_in_which_they_were_made_page_by_page() -> None:
    async with shared_with() as (shared, (proxy,)):
        entries = [made_at(f"call-{number}", 1000 - number) for number in range(50)]
        listing(proxy, entries)
        backend = OpenSipsBackend(shared)

        first = await backend.calls(30, None)
        second = await backend.calls(30, first.next)

        assert [call.callid for call in first.calls] == [f"call-{n}" for n in range(49, 19, -1)]
        assert first.next == "call-20"
        assert len(second.calls) == 20
        assert second.next is None
        assert proxy.methods().count("dlg_list_ctx") == 50 // AT_A_TIME + 1  # read once


@in_virtual_time
async def test_calls_of_one_second_come_in_the_order_in_which_they_came_up() -> None:
    async with shared_with() as (shared, (proxy,)):
        listing(proxy, [made_at(callid, 1000) for callid in ("a", "b", "older")])
        for callid in ("b", "a"):
            proxy.raises(STATE, callid=callid, new_state=2)
        backend = OpenSipsBackend(shared)

        page = await backend.calls(10, None)

        assert [call.callid for call in page.calls] == ["older", "b", "a"]


@in_virtual_time
async def test_a_list_is_read_anew_after_a_while_and_for_the_first_page() -> None:
    async with shared_with() as (shared, (proxy,)):
        listing(proxy, [made_at("a", 1), made_at("b", 2)])
        backend = OpenSipsBackend(shared)
        await backend.calls(1, None)
        listing(proxy, [made_at("a", 1), made_at("b", 2), made_at("c", 3)])

        assert len((await backend.calls(10, CallId("a"))).calls) == 1
        await asyncio.sleep(6.0)
        assert len((await backend.calls(10, CallId("a"))).calls) == 2
        assert len((await backend.calls(10, None)).calls) == 3
        assert (await backend.calls(10, CallId("gone"))).calls == []


@in_virtual_time
async def test_what_is_over_is_left_out_and_marks_of_transfers_are_not_shown() -> None:
    async with shared_with() as (shared, (proxy,)):
        held: dict[str, Any] = {
            "context": {"values": [{"call_hold_caller": 8}, {"call_hold_callee": 4}]}
        }
        entries = [
            made_at("over", 1, state=5),
            made_at("held", 2, to_uri="sip:bob@h;osid=1.2", **held),
        ]
        listing(proxy, entries)

        (call,) = (await OpenSipsBackend(shared).calls(10, None)).calls

        assert (call.callid, call.state, call.callee) == ("held", "answered", "sip:bob@h")
        assert call.held == ("caller",)


@in_virtual_time
async def test_a_ringing_call_keeps_the_time_at_which_it_was_first_seen() -> None:
    async with shared_with() as (shared, (proxy,)):
        listing(proxy, [made_at("rings", 0, state=2)])
        backend = OpenSipsBackend(shared)

        (first,) = (await backend.calls(10, None)).calls
        (second,) = (await backend.calls(10, None)).calls

        assert first.state == "ringing"
        assert first.started == second.started


@in_virtual_time
async def test_the_first_leg_of_a_call_that_is_being_made_is_shown_as_that_call() -> None:
    async with shared_with() as (shared, (proxy,)):
        shared.starting[CallId("first")] = ("sip:caller@h", "sip:callee@h")
        listing(proxy, [made_at("first", 0, state=2)])

        (call,) = (await OpenSipsBackend(shared).calls(10, None)).calls

        assert (call.caller, call.callee) == ("sip:caller@h", "sip:callee@h")


@pytest.mark.parametrize("size", [5_000, 40_000])
def test_a_list_that_is_too_long_is_read_in_smaller_parts(size: int) -> None:
    @in_virtual_time
    async def story() -> None:
        async with shared_with() as (shared, (proxy,)):
            listing(proxy, [made_at(str(number), 1, sdp="x" * size) for number in range(30)])

            assert len((await OpenSipsBackend(shared).calls(100, None)).calls) == 30

    story()


@in_virtual_time
async def test_a_call_that_is_too_long_by_itself_does_not_hide_the_others() -> None:
    async with shared_with() as (shared, (proxy,)):
        entries = [made_at(str(number), number + 1) for number in range(5)]
        entries[2]["sdp"] = "x" * 70_000
        listing(proxy, entries)

        calls = (await OpenSipsBackend(shared).calls(100, None)).calls

        assert [call.callid for call in calls] == ["0", "1", "3", "4"]


@in_virtual_time
async def test_the_calls_of_all_proxies_are_listed_even_if_one_does_not_answer() -> None:
    async with shared_with(3) as (shared, proxies):
        listing(proxies[0], [made_at("a", 2)])
        listing(proxies[1], [made_at("b", 1)])
        proxies[2].die()

        page = await OpenSipsBackend(shared).calls(10, None)

        assert [call.callid for call in page.calls] == ["b", "a"]


@in_virtual_time
async def test_without_any_answer_there_is_no_list() -> None:
    async with shared_with(2) as (shared, proxies):
        proxies[0].answers("dlg_list_ctx", SILENCE)
        proxies[1].die()

        with pytest.raises(ProxyUnreachable):
            await OpenSipsBackend(shared).calls(10, None)
