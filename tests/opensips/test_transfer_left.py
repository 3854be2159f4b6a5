"""A transfer that is left before it is over: undone, or completed if that is too late."""

import asyncio

from call_api.backends.opensips.backend import OpenSipsBackend
from call_api.backends.opensips.shared import Shared
from call_api.errors import CallFailed, ProxyUnreachable
from call_api.model import CallId, SipUri
from tests.fakes.mi_script import SILENCE, Acting, ScriptedProxy, listed, shared_with, steps_of
from tests.fakes.mi_transfers import at, established, tells
from tests.fakes.virtual_time import in_virtual_time

A = CallId("a")
CINDY = SipUri("sip:cindy@127.0.0.1")


async def cancelled_at(shared: Shared, seconds: float) -> list[str]:
    """Run a transfer and cancel it; return its steps, and ``cancelled`` if it was."""
    told: list[str] = []

    async def story() -> None:
        async with OpenSipsBackend(shared).transfer(A, "caller", CINDY) as steps:
            async for step in steps:
                told.append(step.state)

    task = asyncio.get_running_loop().create_task(story())
    at(seconds, task.cancel)
    await asyncio.wait((task,))
    if task.cancelled():
        told.append("cancelled")
    else:
        task.result()
    return told


def ended(proxy: ScriptedProxy) -> list[str]:
    """Return the calls that were hung up or, with ``cancelled``, only cancelled."""
    told = []
    for method, params in proxy.asked:
        if method == "dlg_end_dlg":
            told.append(params["dialog_id"])
        elif method == "t_uac_cancel":
            told.append(f"{params['callid']} cancelled")
    return told


@in_virtual_time
async def test_cancelled_while_it_rings_nothing_is_left_of_it_but_the_old_call() -> None:
    async with shared_with() as (shared, (proxy,)):
        established(proxy)
        at(0.01, lambda: tells(proxy, "start"))

        assert await cancelled_at(shared, 0.3) == ["start", "cancelled"]
        assert ended(proxy) == ["new cancelled"]
        assert shared.changing == set()


@in_virtual_time
async def test_cancelled_just_as_the_old_call_is_being_released_it_is_complete() -> None:
    async with shared_with() as (shared, (proxy,)):
        established(proxy)
        proxy.answers("dlg_end_dlg", SILENCE, "OK")
        at(0.01, lambda: tells(proxy, "start"))
        at(0.03, lambda: tells(proxy, "ok", "200 OK"))

        assert await cancelled_at(shared, 0.5) == ["start", "ok"]
        assert set(ended(proxy)) == {"a"}
        assert shared.changing == set()


@in_virtual_time
async def test_an_answer_that_crosses_the_cancellation_completes_it_and_that_is_told() -> None:
    async with shared_with() as (shared, (proxy,)):
        established(proxy)
        at(0.01, lambda: tells(proxy, "start"))
        proxy.answers("dlg_list", listed("new", 2), listed("new", 3))
        proxy.answers("t_uac_cancel", "OK")  # the phone has answered already

        assert await cancelled_at(shared, 0.3) == ["start", "ok"]
        assert ended(proxy) == ["new cancelled", "a"]


@in_virtual_time
async def test_cancelled_before_the_proxy_has_answered_it_may_come_up_all_the_same() -> None:
    async with shared_with() as (shared, (proxy,)):
        established(proxy)
        proxy.answers("call_transfer", SILENCE)
        proxy.answers("dlg_list", listed("new", 4))
        at(0.2, lambda: tells(proxy, "start"))

        assert await cancelled_at(shared, 0.1) == ["start", "ok"]
        assert ended(proxy) == ["a"]


@in_virtual_time
async def test_cancelled_before_the_phone_is_referred_there_is_nothing_to_wait_for() -> None:
    async with shared_with() as (shared, (proxy,)):
        proxy.answers("dlg_list_ctx", SILENCE)

        assert await cancelled_at(shared, 0.1) == ["cancelled"]
        assert shared.changing == set()
        assert shared.keeper.finishing == 0


@in_virtual_time
async def test_what_comes_of_it_after_its_cancellation_was_told_is_hung_up() -> None:
    async with shared_with() as (shared, (proxy,)):
        established(proxy)

        assert await cancelled_at(shared, 0.1) == ["cancelled"]
        established(proxy)
        proxy.answers("dlg_list", listed("new", 4), listed("new", 5))
        tells(proxy, "start")
        tells(proxy, "ok", "200 OK")
        await asyncio.sleep(0.5)

        assert set(ended(proxy)) == {"new"}
        assert shared.changing == set()


@in_virtual_time
async def test_a_phone_that_wakes_up_after_the_refer_was_given_up_is_caught() -> None:
    async with shared_with() as (shared, (proxy,)):
        established(proxy)
        at(5.0, lambda: established(proxy, call_transfer_leg=""))  # fr_timeout

        told, failed = await steps_of(OpenSipsBackend(shared).transfer(A, "caller", CINDY))

        assert told == []
        assert str(failed) == "408 the phone did not answer the REFER"
        assert asyncio.get_running_loop().time() < 7.0
        await asyncio.sleep(20.0)
        tells(proxy, "start")
        await asyncio.sleep(1.0)
        assert ended(proxy) == ["new"]
        assert shared.changing == set()


@in_virtual_time
async def test_what_comes_up_after_the_proxy_was_lost_is_hung_up() -> None:
    async with shared_with() as (shared, (proxy,)):
        established(proxy)
        at(0.01, lambda: tells(proxy, "start"))
        proxy.answers("dlg_list", SILENCE, SILENCE, SILENCE, listed("new", 4), listed("new", 5))

        told, failed = await steps_of(OpenSipsBackend(shared).transfer(A, "caller", CINDY))

        assert told == ["start"]
        assert isinstance(failed, ProxyUnreachable)
        assert set(ended(proxy)) == {"new"}


@in_virtual_time
async def test_a_refer_that_is_refused_at_last_is_waited_for_no_longer() -> None:
    async with shared_with() as (shared, (proxy,)):
        established(proxy)

        assert await cancelled_at(shared, 0.1) == ["cancelled"]
        proxy.raises("E_REFER_REJECTED", callid="a", code=603, reason="Decline")
        await asyncio.sleep(0.1)

        assert shared.keeper.finishing == 0
        assert ended(proxy) == []


@in_virtual_time
async def test_a_caller_that_wakes_up_after_its_start_has_failed_is_caught_by_its_mark() -> None:
    async with shared_with() as (shared, (proxy,)):
        leg = Acting().callid
        late = listed("late", 2)
        late["Dialog"]["to_uri"] = f"{CINDY};osid={listed(leg)['Dialog']['ID']}"
        dialogs = {leg: listed(leg, call_transfer_leg="callee"), "late": late}

        def end(params: dict[str, str]) -> str:
            dialogs[params["dialog_id"]]["Dialog"]["state"] = 5
            return "OK"

        proxy.answers("t_uac_dlg", {"Status": "200 OK"})
        proxy.answers("call_transfer", "Accepted")
        proxy.answers("dlg_end_dlg", end)
        proxy.answers("dlg_list", lambda params: dialogs[params["callid"]])
        proxy.answers("dlg_list_ctx", lambda _: dialogs[leg])
        at(5.0, lambda: dialogs.update({leg: listed(leg, call_transfer_leg="")}))  # fr_timeout
        at(0.1, lambda: proxy.raises("E_DLG_STATE_CHANGED", callid=leg, new_state=4))

        _, failed = await steps_of(OpenSipsBackend(shared).start(SipUri("sip:al@x"), CINDY))
        assert isinstance(failed, CallFailed)
        assert failed.status == 408
        proxy.raises("E_DLG_STATE_CHANGED", callid=leg, new_state=5)
        await asyncio.sleep(20.0)
        proxy.raises("E_DLG_STATE_CHANGED", callid="late", new_state=2)
        await asyncio.sleep(1.0)

        assert set(ended(proxy)) == {leg, "late"}
        await asyncio.sleep(1.0)
        assert shared.keeper.finishing == 0
        assert len(shared.table) == 0
