import asyncio

import pytest

from call_api.backends.opensips.backend import OpenSipsBackend
from call_api.backends.opensips.mi import MiError
from call_api.errors import CallBusy, CallFailed, ProxyRefused, ProxyUnreachable, UnknownCall
from call_api.model import CallId, SipUri
from tests.fakes.mi_script import SILENCE, Later, listed, shared_with, steps_of
from tests.fakes.mi_transfers import at, established, tells
from tests.fakes.virtual_time import in_virtual_time

A, B = CallId("a"), CallId("b")
CINDY = SipUri("sip:cindy@127.0.0.1")


@in_virtual_time
async def test_a_leg_is_moved_and_the_old_call_is_ended() -> None:
    async with shared_with() as (shared, (proxy,)):
        established(proxy)
        at(0.01, lambda: tells(proxy, "start"))
        at(0.02, lambda: tells(proxy, "notify", "180 Ringing"))
        at(0.03, lambda: tells(proxy, "ok", "200 OK"))

        told = await steps_of(OpenSipsBackend(shared).transfer(A, "caller", CINDY))

        assert told == (["start", "180 Ringing", "ok"], None)
        assert proxy.asked[-2:] == [
            ("call_transfer", {"callid": "a", "leg": "caller", "destination": CINDY}),
            ("dlg_end_dlg", {"dialog_id": "a"}),
        ]
        assert len(shared.table) == 0
        assert shared.changing == set()


@in_virtual_time
async def test_an_attended_transfer_ends_both_old_calls() -> None:
    async with shared_with() as (shared, (proxy,)):
        established(proxy)
        at(0.01, lambda: tells(proxy, "start", of="b"))
        at(0.02, lambda: tells(proxy, "start"))
        at(0.03, lambda: tells(proxy, "ok", "200 OK", of="b"))

        told = await steps_of(OpenSipsBackend(shared).join(A, "caller", B, "callee"))
        await asyncio.sleep(2.0)

        assert told == (["start", "ok"], None)
        ended = [params["dialog_id"] for method, params in proxy.asked if method == "dlg_end_dlg"]
        assert ended == ["a", "b"]


@in_virtual_time
async def test_the_other_call_usually_ends_by_itself() -> None:
    async with shared_with() as (shared, (proxy,)):
        established(proxy)
        at(0.03, lambda: tells(proxy, "ok", "200 OK"))
        proxy.answers("dlg_list", listed("b"), MiError(404, "No such dialog"))

        await steps_of(OpenSipsBackend(shared).join(A, "caller", B, "callee"))
        await asyncio.sleep(2.0)

        assert proxy.methods().count("dlg_end_dlg") == 1


@in_virtual_time
async def test_a_proxy_that_does_not_tell_of_the_other_call_is_let_alone() -> None:
    async with shared_with() as (shared, (proxy,)):
        established(proxy)
        at(0.03, lambda: tells(proxy, "ok", "200 OK"))
        proxy.answers("dlg_list", MiError(500, "oops"))

        await steps_of(OpenSipsBackend(shared).join(A, "caller", B, "callee"))
        await asyncio.sleep(2.0)

        assert proxy.methods().count("dlg_end_dlg") == 1


@in_virtual_time
async def test_a_call_is_not_joined_with_itself() -> None:
    async with shared_with() as (shared, _):
        with pytest.raises(CallBusy):
            OpenSipsBackend(shared).join(A, "caller", A, "callee")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (MiError(404, "No such dialog"), UnknownCall),
        (listed("a", state=5), UnknownCall),
        (listed("a", state=2), ProxyRefused),
        (listed("a", call_transfer_leg="caller"), CallBusy),
        (SILENCE, ProxyUnreachable),
    ],
)
def test_a_call_that_is_not_there_or_not_ready_is_not_transferred(
    answer: object, expected: type[Exception]
) -> None:
    @in_virtual_time
    async def story() -> None:
        async with shared_with() as (shared, (proxy,)):
            proxy.answers("dlg_list_ctx", answer)

            told, failed = await steps_of(OpenSipsBackend(shared).transfer(A, "caller", CINDY))

            assert told == []
            assert isinstance(failed, expected)
            assert "call_transfer" not in proxy.methods()
            assert shared.changing == set()
            assert len(shared.table) == 0

    story()


@in_virtual_time
async def test_a_proxy_that_does_not_show_its_dialogs_transfers_all_the_same() -> None:
    async with shared_with() as (shared, (proxy,)):
        established(proxy)
        proxy.answers("dlg_list_ctx", MiError(-32601, "Method not found"))
        at(0.5, lambda: tells(proxy, "ok", "200 OK"))

        told = await steps_of(OpenSipsBackend(shared).transfer(A, "caller", CINDY))

        assert told == (["start", "ok"], None)


@in_virtual_time
async def test_two_transfers_of_one_call_do_not_run_at_a_time() -> None:
    async with shared_with() as (shared, (proxy,)):
        established(proxy)
        backend = OpenSipsBackend(shared)
        at(1.0, lambda: tells(proxy, "ok", "200 OK"))

        async with backend.transfer(A, "caller", CINDY) as steps:
            _, failed = await steps_of(backend.join(B, "caller", A, "callee"))
            assert isinstance(failed, CallBusy)
            assert failed.callid == A
            assert [step.state async for step in steps] == ["start", "ok"]

        assert shared.changing == set()


@in_virtual_time
async def test_a_failure_leaves_the_old_call_and_nothing_rings() -> None:
    async with shared_with() as (shared, (proxy,)):
        established(proxy)
        at(0.01, lambda: tells(proxy, "start"))
        at(0.02, lambda: tells(proxy, "fail", "486 Busy Here"))

        told, failed = await steps_of(OpenSipsBackend(shared).transfer(A, "caller", CINDY))

        assert told == ["start"]
        assert isinstance(failed, CallFailed)
        assert failed.status == 486
        assert "dlg_end_dlg" not in proxy.methods()


@in_virtual_time
async def test_what_rings_too_long_is_cancelled() -> None:
    async with shared_with() as (shared, (proxy,)):
        established(proxy)
        at(0.01, lambda: tells(proxy, "start"))

        told, failed = await steps_of(OpenSipsBackend(shared).transfer(A, "caller", CINDY))

        assert told == ["start"]
        assert isinstance(failed, CallFailed)
        assert failed.status == 408
        assert proxy.asked[-2] == ("dlg_end_dlg", {"dialog_id": "new"})


@in_virtual_time
async def test_a_transfer_that_is_left_early_cancels_what_rings() -> None:
    async with shared_with() as (shared, (proxy,)):
        established(proxy)
        at(0.01, lambda: tells(proxy, "start"))

        async with OpenSipsBackend(shared).transfer(A, "caller", CINDY) as steps:
            await anext(steps)

        assert proxy.asked[-2] == ("t_uac_cancel", {"callid": "new", "cseq": "258"})
        assert shared.changing == set()


@in_virtual_time
async def test_a_phone_that_calls_after_the_command_was_left_is_caught() -> None:
    async with shared_with() as (shared, (proxy,)):
        established(proxy)
        loop = asyncio.get_running_loop()

        async with OpenSipsBackend(shared).transfer(A, "caller", CINDY):
            pass
        assert loop.time() == pytest.approx(1.0)  # no command waits longer for what may come
        assert shared.changing == {A}
        tells(proxy, "start")
        await asyncio.sleep(0.1)

        assert proxy.asked[-2] == ("dlg_end_dlg", {"dialog_id": "new"})
        assert shared.changing == set()


@in_virtual_time
async def test_a_phone_that_never_calls_is_not_waited_for_for_ever() -> None:
    async with shared_with() as (shared, (proxy,)):
        established(proxy)

        async with OpenSipsBackend(shared).transfer(A, "caller", CINDY):
            pass
        await asyncio.sleep(32.0)

        assert shared.keeper.finishing == 0
        assert "dlg_end_dlg" not in proxy.methods()


@in_virtual_time
async def test_a_command_that_is_cancelled_before_the_answer_is_undone_as_well() -> None:
    async with shared_with() as (shared, (proxy,)):
        established(proxy)
        answer = Later()
        proxy.answers("call_transfer", answer)
        at(0.7, lambda: tells(proxy, "start"))

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await steps_of(OpenSipsBackend(shared).transfer(A, "caller", CINDY))
        await asyncio.sleep(1.0)
        answer.answer("Accepted")

        assert ("t_uac_cancel", {"callid": "new", "cseq": "258"}) in proxy.asked
        assert shared.changing == set()
