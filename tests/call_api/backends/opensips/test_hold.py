import asyncio
from collections.abc import Callable
from functools import partial

import pytest

from call_api.backends.opensips.events import HOLD, STATE
from call_api.backends.opensips.hold import HoldFlow
from call_api.backends.opensips.mi import MiError
from call_api.errors import (
    CallBusy,
    CallFailed,
    NotSupported,
    ProxyRefused,
    ProxyUnreachable,
    UnknownCall,
)
from call_api.model import LEGS, CallId
from tests.fakes.mi_script import SILENCE, ScriptedProxy, listed, shared_with, steps_of
from tests.fakes.virtual_time import in_virtual_time

A = CallId("a")
BOTH = ["caller start", "callee start", "caller ok", "callee ok"]


def tells(proxy: ScriptedProxy, *told: str, action: str = "hold") -> None:
    for one in told:
        leg, _, state = one.partition(" ")
        proxy.raises(HOLD, callid="a", leg=leg, action=action, state=state)


def after_telling(proxy: ScriptedProxy, *told: str, answer: object = "OK") -> Callable[..., object]:
    """Answer a hold after these events, as callops does."""

    def hold(_: object) -> object:
        tells(proxy, *told)
        return answer

    return hold


@in_virtual_time
async def test_both_legs_are_put_on_hold_with_events_before_the_reply() -> None:
    async with shared_with() as (shared, (proxy,)):
        proxy.answers("call_hold", after_telling(proxy, *BOTH))

        assert await steps_of(HoldFlow(shared, A, LEGS, hold=True)) == (BOTH, None)
        assert proxy.methods() == ["call_hold"]
        assert len(shared.table) == 0
        assert shared.changing == set()


@in_virtual_time
async def test_events_may_come_long_after_the_reply() -> None:
    async with shared_with() as (shared, (proxy,)):
        proxy.answers("call_unhold", "OK")
        proxy.answers("dlg_list_ctx", listed("a", call_hold_caller=12, call_hold_callee=12))
        loop = asyncio.get_running_loop()
        for at, told in enumerate(BOTH):
            loop.call_later(2.0 + at, partial(tells, proxy, told, action="unhold"))

        assert await steps_of(HoldFlow(shared, A, LEGS, hold=False)) == (BOTH, None)


@in_virtual_time
async def test_a_refusal_is_told_and_leaves_nothing() -> None:
    async with shared_with() as (shared, (proxy,)):
        proxy.answers(
            "call_hold",
            MiError(404, "Dialog not found"),
            MiError(480, "Both dialog legs are on hold"),
        )

        assert isinstance((await steps_of(HoldFlow(shared, A, LEGS, hold=True)))[1], UnknownCall)
        assert isinstance((await steps_of(HoldFlow(shared, A, LEGS, hold=True)))[1], ProxyRefused)
        assert shared.changing == set()
        assert len(shared.table) == 0
        assert shared.keeper.finishing == 0


@in_virtual_time
async def test_a_call_whose_answer_is_being_acknowledged_is_held_a_moment_later() -> None:
    async with shared_with() as (shared, (proxy,)):
        proxy.answers("call_hold", MiError(410, "Dialog not ready"), after_telling(proxy, *BOTH))
        proxy.answers("dlg_list_ctx", listed("a", 3), listed("a", 4))

        assert await steps_of(HoldFlow(shared, A, LEGS, hold=True)) == (BOTH, None)
        assert asyncio.get_running_loop().time() < 0.1


@in_virtual_time
async def test_a_ringing_call_is_not_held() -> None:
    async with shared_with() as (shared, (proxy,)):
        proxy.answers("call_hold", MiError(410, "Dialog not ready"))
        proxy.answers("dlg_list_ctx", listed("a", 2))

        failed = (await steps_of(HoldFlow(shared, A, LEGS, hold=True)))[1]

        assert isinstance(failed, ProxyRefused)
        assert failed.status == 410
        assert proxy.methods().count("call_hold") == 1
        assert shared.changing == set()


@in_virtual_time
async def test_an_opensips_that_does_not_know_single_legs_is_told_from_bad_parameters() -> None:
    async with shared_with() as (shared, (proxy,)):
        proxy.answers("call_hold", MiError(-32602, "Invalid params"))

        one = await steps_of(HoldFlow(shared, A, ("caller",), hold=True))
        both = await steps_of(HoldFlow(shared, A, LEGS, hold=True))

        assert isinstance(one[1], NotSupported)
        assert isinstance(both[1], ProxyRefused)


@in_virtual_time
async def test_a_leg_that_refuses_fails_the_command() -> None:
    async with shared_with() as (shared, (proxy,)):
        told = ("caller start", "callee start", "callee fail", "caller ok")
        proxy.answers("call_hold", after_telling(proxy, *told))

        steps, failed = await steps_of(HoldFlow(shared, A, LEGS, hold=True))

        assert steps == ["caller start", "callee start", "caller ok"]
        assert isinstance(failed, CallFailed)
        assert failed.leg == "callee"
        assert "the caller is on hold" in failed.reason


@in_virtual_time
async def test_a_second_change_of_the_same_call_is_refused_until_the_first_is_over() -> None:
    async with shared_with() as (shared, (proxy,)):
        proxy.answers("call_hold", "OK")
        proxy.answers("dlg_list_ctx", listed("a"))
        asyncio.get_running_loop().call_later(2.0, lambda: tells(proxy, *BOTH))

        async with HoldFlow(shared, A, LEGS, hold=True) as first:
            _, second = await steps_of(HoldFlow(shared, A, LEGS, hold=False))
            assert isinstance(second, CallBusy)
            assert [step.leg async for step in first] == ["caller", "callee", "caller", "callee"]

        assert shared.changing == set()


@in_virtual_time
async def test_a_change_that_was_left_goes_on_and_keeps_others_away() -> None:
    async with shared_with() as (shared, (proxy,)):
        proxy.answers("call_hold", "OK")
        proxy.answers("dlg_list_ctx", listed("a"))

        async with HoldFlow(shared, A, LEGS, hold=True):
            pass
        assert shared.changing == {A}
        await asyncio.sleep(2.0)
        tells(proxy, *BOTH)
        await asyncio.sleep(0.1)

        assert shared.changing == set()
        assert len(shared.table) == 0


@in_virtual_time
async def test_a_change_that_was_left_and_never_ends_is_given_up() -> None:
    async with shared_with() as (shared, (proxy,)):
        proxy.answers("call_hold", "OK")
        proxy.answers("dlg_list_ctx", SILENCE)

        async with HoldFlow(shared, A, LEGS, hold=True):
            pass
        await asyncio.sleep(6.0)

        assert shared.changing == set()


@in_virtual_time
async def test_a_command_that_is_cancelled_while_it_asks_lets_the_change_go_on() -> None:
    async with shared_with() as (shared, (proxy,)):
        proxy.answers("call_hold", SILENCE)
        proxy.answers("dlg_list_ctx", listed("a"))

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.0):
                await steps_of(HoldFlow(shared, A, LEGS, hold=True))
        assert shared.changing == {A}
        await asyncio.sleep(10.0)

        assert shared.changing == set()


@in_virtual_time
async def test_a_lost_reply_does_not_matter_if_events_tell_of_the_change() -> None:
    async with shared_with() as (shared, (proxy,)):
        proxy.answers("call_hold", after_telling(proxy, *BOTH, answer=SILENCE))

        assert await steps_of(HoldFlow(shared, A, LEGS, hold=True)) == (BOTH, None)
        assert proxy.methods() == ["call_hold"]


@in_virtual_time
async def test_a_lost_reply_does_not_matter_if_the_dialog_tells_of_the_change() -> None:
    async with shared_with() as (shared, (proxy,)):
        proxy.answers("call_hold", SILENCE)
        proxy.answers("dlg_list_ctx", listed("a", call_hold_caller=12, call_hold_callee=12))

        told, failed = await steps_of(HoldFlow(shared, A, LEGS, hold=True))

        assert failed is None
        assert sorted(told) == sorted(BOTH)


@pytest.mark.parametrize(
    ("left", "expected", "words"),
    [
        (listed("a"), ProxyUnreachable, "on hold is: no leg"),
        (listed("a", call_hold_caller=8, call_hold_callee=4), ProxyUnreachable, "is: caller"),
        (MiError(404, "No such dialog"), UnknownCall, ""),
        (SILENCE, ProxyUnreachable, "how the call is, is not known"),
    ],
)
def test_a_lost_reply_is_an_error_that_says_what_is_known(
    left: object, expected: type[Exception], words: str
) -> None:
    @in_virtual_time
    async def story() -> None:
        async with shared_with() as (shared, (proxy,)):
            proxy.answers("call_hold", SILENCE)
            proxy.answers("dlg_list_ctx", left)

            failed = (await steps_of(HoldFlow(shared, A, ("callee",), hold=True)))[1]

            assert isinstance(failed, expected)
            assert words in str(failed)

    story()


@in_virtual_time
async def test_a_proxy_that_does_not_show_its_dialogs_leaves_it_to_time() -> None:
    async with shared_with() as (shared, (proxy,)):
        proxy.answers("call_hold", "OK")
        proxy.answers("dlg_list_ctx", MiError(-32601, "Method not found"))

        _, failed = await steps_of(HoldFlow(shared, A, LEGS, hold=True))

        assert isinstance(failed, CallFailed)
        assert (failed.status, failed.leg) == (408, "caller")
        assert asyncio.get_running_loop().time() == pytest.approx(40.0)


@in_virtual_time
async def test_the_end_of_the_proxy_or_of_the_call_ends_the_command() -> None:
    async with shared_with() as (shared, (proxy,)):
        proxy.answers("call_hold", "OK")
        loop = asyncio.get_running_loop()

        loop.call_later(0.05, lambda: proxy.raises(STATE, callid="a", new_state=5))
        _, failed = await steps_of(HoldFlow(shared, A, LEGS, hold=True))
        assert isinstance(failed, CallFailed)
        assert failed.status == 481

        loop.call_later(0.05, proxy.die)
        _, failed = await steps_of(HoldFlow(shared, A, LEGS, hold=True))
        assert isinstance(failed, ProxyUnreachable)


@in_virtual_time
async def test_a_dead_proxy_is_not_asked() -> None:
    async with shared_with() as (shared, (proxy,)):
        proxy.die()

        _, failed = await steps_of(HoldFlow(shared, A, LEGS, hold=True))

        assert isinstance(failed, ProxyUnreachable)
        assert proxy.methods() == []
