import asyncio

import pytest

from call_api.backends.base import ACTING
from call_api.backends.opensips.end import end_call
from call_api.backends.opensips.mi import MiError
from call_api.errors import ProxyRefused, ProxyUnreachable, UnknownCall
from call_api.model import CallId
from tests.fakes.mi_script import SILENCE, Acting, listed, shared_with
from tests.fakes.virtual_time import in_virtual_time

A = CallId("a")


@in_virtual_time
async def test_one_request_ends_a_call() -> None:
    async with shared_with() as (shared, (proxy,)):
        acting = Acting()
        ACTING.set(acting)
        proxy.answers("dlg_end_dlg", "OK")
        proxy.asked.clear()

        await end_call(shared, A)

        assert proxy.asked == [("dlg_end_dlg", {"dialog_id": A})]
        assert acting.times == 1


@in_virtual_time
async def test_a_call_that_is_over_is_unknown() -> None:
    async with shared_with() as (shared, (proxy,)):
        proxy.answers("dlg_end_dlg", MiError(404, "Requested Dialog not found"))

        with pytest.raises(UnknownCall):
            await end_call(shared, A)


@in_virtual_time
async def test_the_proxys_own_words_are_passed_on() -> None:
    async with shared_with() as (shared, (proxy,)):
        proxy.answers("dlg_end_dlg", MiError(500, "Operation failed"))

        with pytest.raises(ProxyRefused, match="500 Operation failed"):
            await end_call(shared, A)


@pytest.mark.parametrize("left", [MiError(404, "No such dialog"), listed("a", state=5)])
def test_a_lost_answer_is_no_error_if_the_call_is_over(left: object) -> None:
    @in_virtual_time
    async def story() -> None:
        async with shared_with() as (shared, (proxy,)):
            proxy.answers("dlg_end_dlg", SILENCE)
            proxy.answers("dlg_list_ctx", left)

            await end_call(shared, A)

            assert proxy.methods() == ["dlg_end_dlg", "dlg_list_ctx"]

    story()


@pytest.mark.parametrize("second", ["OK", MiError(404, "Requested Dialog not found")])
def test_a_call_that_is_still_there_after_a_lost_answer_is_ended_once_more(second: object) -> None:
    @in_virtual_time
    async def story() -> None:
        async with shared_with() as (shared, (proxy,)):
            acting = Acting()
            ACTING.set(acting)
            proxy.answers("dlg_end_dlg", SILENCE, second)
            proxy.answers("dlg_list_ctx", listed("a", state=4))

            await end_call(shared, A)

            assert proxy.methods() == ["dlg_end_dlg", "dlg_list_ctx", "dlg_end_dlg"]
            assert acting.times == 2

    story()


@in_virtual_time
async def test_a_proxy_that_does_not_show_its_dialogs_is_asked_once_more_as_well() -> None:
    async with shared_with() as (shared, (proxy,)):
        proxy.answers("dlg_end_dlg", SILENCE, "OK", SILENCE)
        proxy.answers("dlg_list_ctx", MiError(-32601, "Method not found"))

        await end_call(shared, A)
        with pytest.raises(ProxyUnreachable, match="no answer; how the call is, it does not tell"):
            await end_call(shared, CallId("b"))


@in_virtual_time
async def test_a_second_request_that_is_refused_fails_like_the_first() -> None:
    async with shared_with() as (shared, (proxy,)):
        proxy.answers("dlg_end_dlg", SILENCE, MiError(500, "Operation failed"))
        proxy.answers("dlg_list_ctx", listed("a", state=4))

        with pytest.raises(ProxyRefused, match="500 Operation failed"):
            await end_call(shared, A)


@in_virtual_time
async def test_a_lost_answer_is_an_error_that_says_how_the_call_is() -> None:
    async with shared_with() as (shared, (proxy,)):
        proxy.answers("dlg_end_dlg", SILENCE)
        proxy.answers("dlg_list_ctx", listed("a", state=2))

        with pytest.raises(ProxyUnreachable, match="no answer; the call is ringing"):
            await end_call(shared, A)


@in_virtual_time
async def test_a_call_id_is_not_taken_for_the_proxys_name_of_another_call() -> None:
    async with shared_with() as (shared, (proxy,)):
        callid = CallId("8da.38234e11")
        proxy.answers("dlg_list", MiError(404, "No such dialog"), listed(callid))
        proxy.answers("dlg_end_dlg", "OK")

        with pytest.raises(UnknownCall):
            await end_call(shared, callid)
        await end_call(shared, callid)

        assert proxy.asked[-1] == ("dlg_end_dlg", {"dialog_id": f"id-{callid}"})


@in_virtual_time
async def test_a_call_ends_once() -> None:
    async with shared_with() as (shared, (proxy,)):
        proxy.answers("dlg_end_dlg", "OK")  # it agrees twice: a phone has not answered the BYE

        await end_call(shared, A)
        with pytest.raises(UnknownCall):
            await end_call(shared, A)
        await asyncio.sleep(1.0)
        await end_call(shared, A)


@pytest.mark.parametrize("answer", ["OK", MiError(500, "Operation failed")])
def test_a_call_that_is_just_being_made_is_seen_to_be_over(answer: object) -> None:
    @in_virtual_time
    async def story() -> None:
        async with shared_with() as (shared, (proxy,)):
            proxy.raises("E_DLG_STATE_CHANGED", callid="a", old_state=1, new_state=2)
            proxy.answers("dlg_end_dlg", answer, answer, "OK")
            proxy.answers("dlg_list", listed("a", state=1), listed("a", state=1), listed("a", 5))

            await end_call(shared, A)

            assert proxy.methods().count("dlg_end_dlg") >= 2

    story()


@in_virtual_time
async def test_a_call_that_rings_on_is_not_called_ended() -> None:
    async with shared_with() as (shared, (proxy,)):
        shared.making.add(A)
        proxy.answers("dlg_end_dlg", "OK")
        proxy.answers("dlg_list", listed("a", state=2))

        with pytest.raises(ProxyRefused, match="500 the call could not be ended"):
            await end_call(shared, A)


@in_virtual_time
async def test_a_call_that_is_gone_before_it_was_answered_is_unknown() -> None:
    async with shared_with() as (shared, (proxy,)):
        shared.making.add(A)
        proxy.answers("dlg_end_dlg", MiError(404, "Requested Dialog not found"))

        with pytest.raises(UnknownCall):
            await end_call(shared, A)
