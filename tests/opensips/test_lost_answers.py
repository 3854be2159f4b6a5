"""A transfer whose answers or events are lost on their way."""

import asyncio
from functools import partial
from typing import Any

import pytest

from call_api.backends.opensips.backend import OpenSipsBackend
from call_api.backends.opensips.events import REFUSED, STATE
from call_api.backends.opensips.mi import MiError
from call_api.errors import (
    CallFailed,
    ProxyUnreachable,
)
from tests.fakes.mi_script import SILENCE, Later, entry, listed, shared_with
from tests.fakes.mi_transfers import CINDY, A, at, established, tells, transferred
from tests.fakes.virtual_time import in_virtual_time

BUSY = MiError(491, "Request Pending")
OVER: dict[str, Any] = {"call_transfer_leg": "", "call_transfer_callid": "old"}


@in_virtual_time
async def test_a_lost_reply_does_not_matter_if_events_tell_of_the_transfer() -> None:
    async with shared_with() as (shared, (proxy,)):
        established(proxy)
        proxy.answers("call_transfer", SILENCE)
        at(0.1, lambda: tells(proxy, "start"))
        at(3.0, lambda: tells(proxy, "ok", "200 OK"))

        assert await transferred(OpenSipsBackend(shared)) == (["start", "ok"], None)


@in_virtual_time
async def test_a_lost_reply_does_not_matter_if_the_dialog_tells_of_the_transfer() -> None:
    async with shared_with() as (shared, (proxy,)):
        established(proxy)
        proxy.answers("call_transfer", SILENCE)
        proxy.answers("dlg_list_ctx", listed("a"), listed("a", call_transfer_leg="caller"))
        at(3.0, lambda: tells(proxy, "ok", "200 OK"))

        assert await transferred(OpenSipsBackend(shared)) == (["start", "ok"], None)


@in_virtual_time
async def test_a_refer_that_was_refused_while_the_reply_was_lost_is_found() -> None:
    async with shared_with() as (shared, (proxy,)):
        established(proxy)
        proxy.answers("call_transfer", SILENCE)
        proxy.answers("dlg_list_ctx", listed("a"), listed("a", call_transfer_leg=""))

        failed = (await transferred(OpenSipsBackend(shared)))[1]

        assert isinstance(failed, CallFailed)
        assert failed.status == 603


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (listed("a"), "the call is answered, not transferred"),
        (listed("a", state=5), "the call has ended"),
        (MiError(404, "No such dialog"), "the call has ended"),
        (SILENCE, "how the call is, is not known"),
    ],
)
def test_a_lost_reply_is_an_error_that_says_what_is_known(left: object, words: str) -> None:
    @in_virtual_time
    async def story() -> None:
        async with shared_with() as (shared, (proxy,)):
            established(proxy)
            proxy.answers("call_transfer", SILENCE)
            proxy.answers("dlg_list_ctx", listed("a"), left)

            failed = (await transferred(OpenSipsBackend(shared)))[1]

            assert isinstance(failed, ProxyUnreachable)
            assert words in str(failed)
            assert proxy.methods().count("call_transfer") == 1

    story()


@in_virtual_time
async def test_a_refused_refer_is_found_soon_without_any_event() -> None:
    async with shared_with() as (shared, (proxy,)):
        established(proxy)
        proxy.answers("dlg_list_ctx", listed("a"), listed("a", call_transfer_leg=""))

        failed = (await transferred(OpenSipsBackend(shared)))[1]

        assert isinstance(failed, CallFailed)
        assert failed.status == 603
        assert asyncio.get_running_loop().time() == pytest.approx(0.05)


@in_virtual_time
async def test_the_scripts_own_event_tells_why_a_refer_was_refused() -> None:
    async with shared_with() as (shared, (proxy,)):
        established(proxy)
        at(0.01, lambda: proxy.raises(REFUSED, callid="a", code="603", reason="Decline"))

        failed = (await transferred(OpenSipsBackend(shared)))[1]

        assert isinstance(failed, CallFailed)
        assert (failed.status, failed.reason) == (603, "Decline")


@in_virtual_time
async def test_a_lost_start_and_a_lost_end_are_found_in_the_dialogs() -> None:
    async with shared_with() as (shared, (proxy,)):
        established(proxy)
        found = listed("a", call_transfer_leg="caller", call_transfer_callid="new")
        proxy.answers("dlg_list_ctx", listed("a"), found)
        proxy.answers("dlg_list", listed("new", 2), listed("new", 4))

        assert await transferred(OpenSipsBackend(shared)) == (["start", "ok"], None)


@in_virtual_time
async def test_the_new_calls_own_events_are_listened_to() -> None:
    async with shared_with() as (shared, (proxy,)):
        established(proxy)
        at(0.01, lambda: tells(proxy, "start"))
        at(0.5, lambda: proxy.raises(STATE, callid="new", new_state=4))

        assert await transferred(OpenSipsBackend(shared)) == (["start", "ok"], None)
        assert asyncio.get_running_loop().time() == pytest.approx(0.5)
        assert len(shared.table) == 0


@in_virtual_time
async def test_a_call_of_a_phone_that_hung_up_at_once_is_found_by_its_mark() -> None:
    async with shared_with() as (shared, (proxy,)):
        established(proxy)
        others = {
            "new": {"Dialog": entry("new", 2) | {"to_uri": "sip:cindy@127.0.0.1;osid=id-a"}},
            "other": listed("other"),
            "gone": MiError(404, "No such dialog"),
        }
        proxy.answers("dlg_list", lambda params: others[params["callid"]])
        at(0.01, lambda: proxy.raises(STATE, callid="a", new_state=5))
        for callid in ("gone", "new", "other"):
            at(0.02, partial(proxy.raises, STATE, callid=callid, new_state=2))
        at(1.0, lambda: proxy.raises(STATE, callid="new", new_state=4))

        assert await transferred(OpenSipsBackend(shared)) == (["start", "ok"], None)


@in_virtual_time
async def test_a_proxy_that_does_not_tell_leaves_it_to_events() -> None:
    async with shared_with() as (shared, (proxy,)):
        established(proxy)
        proxy.answers("dlg_list_ctx", listed("a"), MiError(500, "oops"))
        at(9.0, lambda: tells(proxy, "ok", "200 OK"))

        assert await transferred(OpenSipsBackend(shared)) == (["start", "ok"], None)


@in_virtual_time
async def test_a_proxy_that_falls_silent_ends_the_command() -> None:
    async with shared_with() as (shared, (proxy,)):
        established(proxy)
        proxy.answers("dlg_list_ctx", listed("a"), SILENCE)

        failed = (await transferred(OpenSipsBackend(shared)))[1]

        assert isinstance(failed, ProxyUnreachable)


@in_virtual_time
async def test_a_proxy_that_dies_ends_the_command_at_once() -> None:
    async with shared_with() as (shared, (proxy,)):
        established(proxy)
        at(0.01, lambda: tells(proxy, "start"))
        at(0.02, proxy.die)

        failed = (await transferred(OpenSipsBackend(shared)))[1]

        assert isinstance(failed, ProxyUnreachable)
        assert "Connection refused" in str(failed)


@in_virtual_time
async def test_a_command_that_was_left_asks_a_silent_proxy_no_further() -> None:
    async with shared_with() as (shared, (proxy,)):
        established(proxy)
        backend = OpenSipsBackend(shared)
        async with backend.transfer(A, "caller", CINDY):
            proxy.answers("dlg_list_ctx", SILENCE)
        await asyncio.sleep(5.0)

        assert shared.keeper.finishing == 0


@in_virtual_time
async def test_a_transfer_whose_phone_is_challenged_listens_to_its_next_call() -> None:
    async with shared_with() as (shared, (proxy,)):
        established(proxy)

        def second(state: str) -> None:
            proxy.raises("E_CALL_TRANSFER", callid="a", transfer_callid="second", state=state)

        at(0.01, lambda: tells(proxy, "start"))
        at(0.02, lambda: tells(proxy, "fail", "407 Proxy Authentication Required"))
        at(0.03, lambda: second("start"))
        at(0.50, lambda: proxy.raises(STATE, callid="second", new_state=4))

        assert await transferred(OpenSipsBackend(shared)) == (["start", "ok"], None)
        assert len(shared.table) == 0


@in_virtual_time
async def test_the_answer_may_come_after_the_end() -> None:
    async with shared_with() as (shared, (proxy,)):
        established(proxy)
        answer = Later()
        proxy.answers("call_transfer", answer)
        at(0.1, lambda: tells(proxy, "start"))
        at(0.2, lambda: tells(proxy, "ok", "200 OK"))
        at(0.3, lambda: answer.answer("Accepted"))

        assert await transferred(OpenSipsBackend(shared)) == (["start", "ok"], None)
