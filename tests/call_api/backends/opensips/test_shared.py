import asyncio
from functools import partial

import pytest

from call_api.backends.opensips.mi import MiError
from call_api.backends.opensips.shared import established, hang_up, look_at
from call_api.errors import CallBusy, ProxyUnreachable
from call_api.model import CallId
from tests.fakes.mi_script import SILENCE, listed, shared_with
from tests.fakes.virtual_time import in_virtual_time

A, B = CallId("a"), CallId("b")


@in_virtual_time
async def test_one_command_changes_a_call_at_a_time() -> None:
    async with shared_with() as (shared, _):
        claim = shared.claim((A, B))

        with pytest.raises(CallBusy) as caught:
            shared.claim((CallId("c"), B))
        assert caught.value.callid == B
        assert shared.changing == {A, B}

        claim.close()
        claim.close()
        shared.claim((B,))
        claim.close()
        assert shared.changing == {B}


@pytest.mark.parametrize(
    ("answers", "is_over", "times"),
    [
        (["OK"], True, 1),
        ([MiError(404, "Requested Dialog not found")], True, 1),
        ([SILENCE, "OK"], True, 2),
        ([SILENCE], False, 3),
        ([MiError(500, "Operation failed")], False, 1),
    ],
)
def test_what_is_ours_is_ended_even_if_answers_are_lost(
    answers: list[object], *, is_over: bool, times: int
) -> None:
    @in_virtual_time
    async def story() -> None:
        async with shared_with() as (shared, (proxy,)):
            proxy.answers("dlg_end_dlg", *answers)

            assert await hang_up(shared.proxies.clients[0], A) is is_over
            assert proxy.methods() == ["dlg_end_dlg"] * times

    story()


@in_virtual_time
async def test_after_silence_the_call_is_looked_at() -> None:
    async with shared_with() as (shared, (proxy,)):
        proxy.answers("dlg_list_ctx", listed("a"), SILENCE)
        client = shared.proxies.clients[0]

        dialog = await look_at(client, A, "no answer")
        assert dialog is not None
        with pytest.raises(ProxyUnreachable, match="no answer; how the call is, is not known"):
            await look_at(client, A, "no answer")


@pytest.mark.parametrize(
    ("answers", "looks", "seconds"),
    [
        ([listed("a", 4)], 1, 0.0),
        ([listed("a", 3), listed("a", 4)], 3, 0.06),  # once more, for the ACK to be passed on
        ([listed("a", 3)], 35, 1.02),
    ],
)
def test_a_call_is_established_once_its_answer_is_acknowledged(
    answers: list[object], looks: int, seconds: float
) -> None:
    @in_virtual_time
    async def story() -> None:
        async with shared_with() as (shared, (proxy,)):
            proxy.answers("dlg_list_ctx", *answers)

            assert (await established(shared.proxies.clients[0], A)).callid == A
            assert proxy.methods() == ["dlg_list_ctx"] * looks
            assert asyncio.get_running_loop().time() == pytest.approx(seconds)

    story()


@in_virtual_time
async def test_a_call_that_was_answered_just_now_is_given_a_moment() -> None:
    async with shared_with() as (shared, (proxy,)):
        loop = asyncio.get_running_loop()
        proxy.raises("E_DLG_STATE_CHANGED", callid="a", old_state=3, new_state=4)

        await shared.settle(B)
        assert loop.time() == 0.0
        await asyncio.sleep(0.005)
        await shared.settle(A)
        assert loop.time() == pytest.approx(0.02)
        await shared.settle(A)
        assert loop.time() == pytest.approx(0.02)


@in_virtual_time
async def test_a_call_whose_ack_is_on_its_way_is_waited_for() -> None:
    async with shared_with() as (shared, (proxy,)):
        loop = asyncio.get_running_loop()
        changed = partial(proxy.raises, "E_DLG_STATE_CHANGED", callid="a")
        changed(old_state=2, new_state=3)
        loop.call_later(0.5, partial(changed, old_state=3, new_state=4))

        await shared.settle(A)

        assert loop.time() == pytest.approx(0.52)
        assert len(shared.table) == 0


@in_virtual_time
async def test_an_ack_that_never_comes_is_not_waited_for_for_long() -> None:
    async with shared_with() as (shared, (proxy,)):
        proxy.raises("E_DLG_STATE_CHANGED", callid="a", old_state=2, new_state=3)

        await shared.settle(A)

        assert asyncio.get_running_loop().time() == pytest.approx(1.0)
