"""A call that is just being made, and how far it has come when it is to be ended."""

import asyncio

import pytest

from call_api.backends.opensips.cancel import call_off, cancel
from call_api.backends.opensips.mi import MiError
from call_api.model import CallId
from tests.fakes.mi_script import SILENCE, listed, shared_with
from tests.fakes.virtual_time import in_virtual_time

A = CallId("a")


NO_TRANSACTION = MiError(500, "Operation failed")


@pytest.mark.parametrize(
    ("answers", "states", "times"),
    [
        (["OK"], [5], 1),
        ([NO_TRANSACTION, "OK"], [1, 1, 5], 2),  # the INVITE was only just on its way
        (["OK"], [2, 2, 2, 5], 2),  # the CANCEL is on its way; it was not known how far the call is
        (["OK"], [2, 4, 5], 3),  # it met a 200
        (["OK", "OK"], [1, 1, 2, 2, 5], 2),  # it agreed before the INVITE was on its way
        (["OK"], [2] * 12 + [5], 3),  # the CANCEL came to nothing
        ([SILENCE, "OK"], [2, 5], 2),
    ],
)
def test_a_call_that_is_being_made_is_ended_however_far_it_is(
    answers: list[object], states: list[int], times: int
) -> None:
    @in_virtual_time
    async def story() -> None:
        async with shared_with() as (shared, (proxy,)):
            proxy.answers("dlg_end_dlg", *answers)
            proxy.answers("dlg_list", *(listed("a", state) for state in states))

            assert await cancel(shared.proxies.clients[0], A)
            assert proxy.methods().count("dlg_end_dlg") == times
            assert proxy.methods().count("dlg_list") == len(states)

    story()


@in_virtual_time
async def test_a_call_that_is_forgotten_meanwhile_is_over() -> None:
    async with shared_with() as (shared, (proxy,)):
        proxy.answers("dlg_end_dlg", MiError(404, "Requested Dialog not found"))
        proxy.answers("dlg_list", MiError(404, "No such dialog"))

        assert await cancel(shared.proxies.clients[0], A)


@in_virtual_time
async def test_a_call_that_does_not_end_is_not_ended_for_ever() -> None:
    async with shared_with() as (shared, (proxy,)):
        proxy.answers("dlg_end_dlg", "OK")
        proxy.answers("dlg_list", listed("a", 2))

        assert not await cancel(shared.proxies.clients[0], A)
        assert asyncio.get_running_loop().time() < 10.0


@pytest.mark.parametrize("answer", [SILENCE, MiError(500, "oops")])
def test_a_call_of_which_nobody_tells_is_left_with_a_warning(answer: object) -> None:
    @in_virtual_time
    async def story() -> None:
        async with shared_with() as (shared, (proxy,)):
            proxy.answers("dlg_end_dlg", SILENCE)
            proxy.answers("dlg_list", answer)

            assert await cancel(shared.proxies.clients[0], A) is False

    story()


def rings(state: int, cseq: str = "258") -> dict[str, object]:
    answer = listed("a", state)
    answer["Dialog"]["CALLEES"] = [{"callee_tag": "t", "caller_cseq": cseq}] if cseq else []
    return answer


@in_virtual_time
async def test_what_rings_is_called_off_by_its_transaction_which_spares_an_answer() -> None:
    async with shared_with() as (shared, (proxy,)):
        proxy.answers("dlg_list", rings(2), rings(2), rings(5))
        proxy.answers("t_uac_cancel", "OK")

        assert await call_off(shared.proxies.clients[0], A) is None

        cancels = [params for method, params in proxy.asked if method == "t_uac_cancel"]
        assert cancels == [{"callid": "a", "cseq": "258"}]
        assert "dlg_end_dlg" not in proxy.methods()


@in_virtual_time
async def test_an_answer_that_crosses_the_cancel_is_left_alone() -> None:
    async with shared_with() as (shared, (proxy,)):
        proxy.answers("dlg_list", rings(2), rings(2), rings(3))
        proxy.answers("t_uac_cancel", "OK")

        answered = await call_off(shared.proxies.clients[0], A)

        assert answered is not None
        assert answered.state == 3
        assert "dlg_end_dlg" not in proxy.methods()


@in_virtual_time
async def test_a_phone_that_answers_without_ringing_is_given_the_time_to() -> None:
    async with shared_with() as (shared, (proxy,)):
        proxy.answers("dlg_list", *(rings(1, "") for _ in range(20)), rings(4))

        assert await call_off(shared.proxies.clients[0], A) is not None
        assert set(proxy.methods()) == {"dlg_list"}


@in_virtual_time
async def test_a_phone_that_says_nothing_is_cancelled_after_a_while() -> None:
    async with shared_with() as (shared, (proxy,)):
        ended: list[float] = []

        def end(_: object) -> str:
            ended.append(asyncio.get_running_loop().time())
            return "OK"

        proxy.answers("dlg_end_dlg", end)
        proxy.answers("dlg_list", lambda _: rings(5 if ended else 1, ""))

        assert await call_off(shared.proxies.clients[0], A) is None
        assert ended == [pytest.approx(0.5, abs=0.03)]


@pytest.mark.parametrize("answer", [MiError(481, "No such transaction"), SILENCE])
def test_a_transaction_that_is_not_found_is_no_reason_to_let_it_ring(answer: object) -> None:
    @in_virtual_time
    async def story() -> None:
        async with shared_with() as (shared, (proxy,)):
            proxy.answers("t_uac_cancel", answer)
            proxy.answers("dlg_end_dlg", "OK")
            proxy.answers("dlg_list", rings(2), rings(5))

            assert await call_off(shared.proxies.clients[0], A) is None
            assert "dlg_end_dlg" in proxy.methods()

    story()


@pytest.mark.parametrize("answer", [SILENCE, MiError(500, "oops"), rings(2)])
def test_calling_off_takes_a_bounded_time(answer: object) -> None:
    @in_virtual_time
    async def story() -> None:
        async with shared_with() as (shared, (proxy,)):
            proxy.answers("t_uac_cancel", "OK")
            proxy.answers("dlg_list", answer)

            assert await call_off(shared.proxies.clients[0], A) is None
            assert asyncio.get_running_loop().time() < 10.0

    story()
