from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from call_api.backends.base import Remains
from call_api.backends.opensips.backend import OpenSipsBackend
from call_api.backends.opensips.mi import MiError
from call_api.errors import ProxyUnreachable
from call_api.model import CallId
from tests.fakes.mi_script import SILENCE, ScriptedProxy, entry, shared_with
from tests.fakes.virtual_time import in_virtual_time

RINGING, ANSWERED, CONFIRMED, ENDED = 2, 3, 4, 5
FIRST, NEW, OLD, OTHER = (CallId(name) for name in ("first-leg", "new", "old", "other"))
CAROL = "sip:carol@127.0.0.1"
NOBODY = MiError(404, "No such dialog")


class Dialogs(dict[str, dict[str, Any]]):
    """The dialogs of a proxy, which ends what it is asked to end."""

    def __init__(self, proxy: ScriptedProxy) -> None:
        super().__init__()
        self.ended: list[str] = []
        self.wins_the_race: set[str] = set()  # comes up just as it is cancelled
        proxy.answers("dlg_list", self._list)
        proxy.answers("dlg_list_ctx", self._list)
        proxy.answers("dlg_end_dlg", self._end)
        proxy.answers("t_uac_cancel", self._cancel)

    def add(self, callid: str, state: int, *, of: str = "", **values: Any) -> None:
        """Add one; ``of`` is the call whose transfer has made it."""
        self[callid] = entry(callid, state, **values)
        if of:
            self[callid]["to_uri"] = f"{CAROL};osid=id-{of}"

    def _list(self, params: dict[str, Any]) -> object:
        if "callid" not in params:
            first = params["index"]
            return {"Dialogs": list(self.values())[first : first + params["counter"]]}
        found = self.get(params["callid"])
        return NOBODY if found is None else {"Dialog": found}

    def _end(self, params: dict[str, Any]) -> object:
        callid = params["dialog_id"]
        if callid not in self:
            return NOBODY
        self.ended.append(callid)
        self[callid]["state"] = ENDED
        return "OK"

    def _cancel(self, params: dict[str, Any]) -> object:
        if params["callid"] in self.wins_the_race:
            self[params["callid"]]["state"] = CONFIRMED
            return "OK"
        return self._end({"dialog_id": params["callid"]})


@asynccontextmanager
async def scene() -> AsyncIterator[tuple[OpenSipsBackend, Dialogs, ScriptedProxy]]:
    async with shared_with() as (shared, (proxy,)):
        yield OpenSipsBackend(shared), Dialogs(proxy), proxy


# A call.


@in_virtual_time
async def test_a_call_is_gone_rings_or_is_up_and_held_and_nothing_is_changed() -> None:
    async with scene() as (backend, dialogs, _):
        assert (await backend.remains(OLD)).call == "gone"
        for state, call in ((RINGING, "ringing"), (CONFIRMED, "up"), (ENDED, "gone")):
            dialogs.add(OLD, state, call_hold_callee=8)
            assert (await backend.remains(OLD)).call == call
        dialogs.add(OLD, CONFIRMED, call_hold_callee=8)
        assert (await backend.remains(OLD)).held == ("callee",)
        assert dialogs.ended == []


@in_virtual_time
async def test_a_proxy_that_is_silent_does_not_tell() -> None:
    async with scene() as (backend, _, proxy):
        proxy.answers("dlg_list_ctx", SILENCE)
        for asking in (
            backend.remains(OLD),
            backend.remains_of_start(None),
            backend.remains_of_transfer((OLD,), None),
        ):
            with pytest.raises(ProxyUnreachable):
                await asking


# A call that was being made.


@in_virtual_time
async def test_of_a_call_that_was_never_made_nothing_is_left() -> None:
    async with scene() as (backend, dialogs, _):
        assert await backend.remains_of_start(None) == Remains(callid=FIRST, call="gone")
        assert await backend.remains_of_start(NEW) == Remains(callid=NEW, call="gone")
        assert dialogs.ended == []


@in_virtual_time
async def test_a_caller_that_rings_is_not_called_any_more() -> None:
    async with scene() as (backend, dialogs, _):
        dialogs.add(FIRST, RINGING)
        assert await backend.remains_of_start(None) == Remains(callid=FIRST, call="ringing")
        assert dialogs.ended == [FIRST]


@in_virtual_time
async def test_a_caller_that_waits_alone_is_hung_up() -> None:
    async with scene() as (backend, dialogs, _):
        dialogs.add(FIRST, CONFIRMED)
        assert await backend.remains_of_start(None) == Remains(callid=FIRST, call="caller")
        assert dialogs.ended == [FIRST]


@in_virtual_time
async def test_what_a_referred_phone_still_does_when_its_leg_is_gone_is_cancelled() -> None:
    async with scene() as (backend, dialogs, proxy):
        dialogs.add(FIRST, CONFIRMED, call_transfer_leg="callee")
        looks = 0

        def calls_at_last(params: dict[str, Any]) -> object:
            nonlocal looks
            looks += 1
            if looks == 4:
                dialogs.add(NEW, RINGING, of=FIRST)
            return dialogs._list(params)

        proxy.answers("dlg_list_ctx", calls_at_last)
        assert (await backend.remains_of_start(None)).call == "caller"
        assert dialogs.ended == [FIRST, NEW]


@in_virtual_time
async def test_a_callee_that_rings_is_not_called_any_more_and_the_caller_hung_up() -> None:
    for told in (None, NEW):
        async with scene() as (backend, dialogs, _):
            dialogs.add(FIRST, CONFIRMED, call_transfer_leg="callee")
            dialogs.add(NEW, RINGING, of=FIRST)
            assert await backend.remains_of_start(told) == Remains(callid=NEW, call="ringing")
            assert dialogs.ended == [NEW, FIRST]


@in_virtual_time
async def test_a_call_that_came_up_loses_its_first_leg_alone() -> None:
    async with scene() as (backend, dialogs, _):
        dialogs.add(FIRST, CONFIRMED, call_transfer_callid=NEW)
        dialogs.add(NEW, ANSWERED)
        found = await backend.remains_of_start(None)
        assert (found.callid, found.call) == (NEW, "up")
        assert dialogs.ended == [FIRST]


@in_virtual_time
async def test_a_call_whose_first_leg_is_gone_is_known_by_what_was_told() -> None:
    async with scene() as (backend, dialogs, _):
        for state, call in ((CONFIRMED, "up"), (RINGING, "ringing")):
            dialogs.add(NEW, state)
            found = await backend.remains_of_start(NEW)
            assert (found.callid, found.call) == (NEW, call)
        assert dialogs.ended == [NEW]


# A transfer.


@in_virtual_time
async def test_a_transfer_that_never_began_leaves_the_call_as_it_was() -> None:
    for values in ({}, {"call_transfer_leg": ""}, {"call_transfer_callid": "failed-before"}):
        async with scene() as (backend, dialogs, _):
            dialogs.add(OLD, CONFIRMED, **values)
            found = await backend.remains_of_transfer((OLD,), None)
            assert (found.callid, found.call, dialogs.ended) == (OLD, "untransferred", [])


@in_virtual_time
async def test_a_destination_that_rings_is_not_called_any_more() -> None:
    async with scene() as (backend, dialogs, _):
        dialogs.add(OLD, CONFIRMED, call_transfer_leg="callee", call_transfer_callid=NEW)
        dialogs.add(NEW, RINGING, of=OLD)
        found = await backend.remains_of_transfer((OLD,), NEW)
        assert (found.callid, found.call, dialogs.ended) == (OLD, "untransferred", [NEW])


@in_virtual_time
async def test_a_phone_that_was_referred_just_before_is_waited_for() -> None:
    async with scene() as (backend, dialogs, proxy):
        dialogs.add(OLD, CONFIRMED, call_transfer_leg="callee")
        looks = 0

        def calls_at_last(params: dict[str, Any]) -> object:
            nonlocal looks
            looks += 1
            if looks == 6:
                dialogs.add(NEW, CONFIRMED, of=OLD)
            return dialogs._list(params)

        proxy.answers("dlg_list_ctx", calls_at_last)
        found = await backend.remains_of_transfer((OLD,), None)
        assert found == Remains(callid=NEW, call="up", destination=CAROL)
        assert dialogs.ended == [OLD]


@in_virtual_time
async def test_a_phone_that_was_referred_and_never_calls_is_not_waited_for_ever() -> None:
    async with scene() as (backend, dialogs, _):
        dialogs.add(OLD, CONFIRMED, call_transfer_leg="callee")
        found = await backend.remains_of_transfer((OLD,), None)
        assert (found.call, dialogs.ended) == ("untransferred", [])


@in_virtual_time
async def test_a_complete_transfer_releases_whom_it_left() -> None:
    async with scene() as (backend, dialogs, _):
        dialogs.add(OLD, CONFIRMED)
        dialogs.add(OTHER, CONFIRMED)
        dialogs.add(NEW, CONFIRMED, of=OLD)
        found = await backend.remains_of_transfer((OLD, OTHER), None)
        assert found == Remains(callid=NEW, call="up", destination=CAROL)
        assert dialogs.ended == [OLD, OTHER]


@in_virtual_time
async def test_a_destination_that_answers_as_it_is_cancelled_has_the_call() -> None:
    async with scene() as (backend, dialogs, _):
        dialogs.add(OLD, CONFIRMED)
        dialogs.add(NEW, RINGING, of=OLD)
        dialogs.wins_the_race.add(NEW)
        found = await backend.remains_of_transfer((OLD,), NEW)
        assert (found.callid, found.call, dialogs.ended) == (NEW, "up", [OLD])


@in_virtual_time
async def test_a_transferred_call_whose_old_one_is_gone_is_known_by_what_was_told() -> None:
    async with scene() as (backend, dialogs, _):
        assert await backend.remains_of_transfer((OLD,), None) == Remains(callid=OLD, call="gone")
        assert await backend.remains_of_transfer((OLD,), NEW) == Remains(callid=NEW, call="gone")
        dialogs.add(NEW, CONFIRMED, of=OLD)
        found = await backend.remains_of_transfer((OLD,), NEW)
        assert found == Remains(callid=NEW, call="up", destination=CAROL)
        assert dialogs.ended == []
