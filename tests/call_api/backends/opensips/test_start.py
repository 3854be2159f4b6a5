import asyncio

import pytest

from call_api.backends.base import ACTING
from call_api.backends.opensips.backend import OpenSipsBackend
from call_api.backends.opensips.events import REFUSED, STATE
from call_api.backends.opensips.mi import MiError
from call_api.errors import CallFailed, InvalidParams, NotSupported, ProxyUnreachable
from call_api.model import SipUri
from tests.fakes.mi_script import Acting, Later, ScriptedProxy, listed, shared_with, steps_of
from tests.fakes.mi_transfers import at, tells
from tests.fakes.virtual_time import in_virtual_time

ALICE, BOB = SipUri("sip:alice@127.0.0.1"), SipUri("sip:bob@127.0.0.1")
LEG = "first-leg"  # what the command's call is called
ALL = ["answered", "transferring", "start", "180 Ringing", "ok"]


def answering(proxy: ScriptedProxy, after: float = 0.3) -> None:
    """The caller answers; the proxy takes everything, and has no news of the callee."""
    invite = Later()
    proxy.answers("t_uac_dlg", invite)
    proxy.answers("t_uac_cancel", MiError(481, "No such transaction"))
    proxy.answers("dlg_end_dlg", "OK")
    proxy.answers("dlg_list", listed(LEG))
    proxy.answers("dlg_list_ctx", listed(LEG, call_transfer_leg="callee"))
    proxy.answers("call_transfer", "Accepted")
    at(after, lambda: proxy.raises(STATE, callid=LEG, id="1.2", new_state=3))
    at(after, lambda: invite.answer({"Status": "200 OK"}))
    at(after, lambda: proxy.raises(STATE, callid=LEG, id="1.2", new_state=4))


def callee(proxy: ScriptedProxy, state: str, status: str = "") -> None:
    tells(proxy, state, status, of=LEG)


def last(proxy: ScriptedProxy, method: str) -> dict[str, object]:
    return [params for name, params in proxy.asked if name == method][-1]


@in_virtual_time
async def test_a_call_is_made_step_by_step_and_its_first_leg_ended() -> None:
    async with shared_with() as (shared, (proxy,)):
        answering(proxy)
        at(0.35, lambda: callee(proxy, "start"))
        at(0.5, lambda: callee(proxy, "notify", "180 Ringing"))
        at(0.9, lambda: callee(proxy, "ok", "200 OK"))

        told = await steps_of(OpenSipsBackend(shared).start(ALICE, BOB))

        assert told == (ALL, None)
        assert proxy.methods() == ["t_uac_dlg", "call_transfer", "dlg_end_dlg"]
        assert last(proxy, "call_transfer") == {
            "callid": LEG,
            "leg": "callee",  # the proxy itself is the caller of this leg
            "destination": BOB,
        }
        assert last(proxy, "dlg_end_dlg") == {"dialog_id": LEG}
        assert len(shared.table) == 0
        assert shared.starting == {}


@in_virtual_time
async def test_the_refer_waits_less_than_fifty_milliseconds_for_the_ack() -> None:
    async with shared_with() as (shared, (proxy,)):
        answering(proxy, after=0.3)
        loop, referred = asyncio.get_running_loop(), []

        def refer(_: object) -> str:
            referred.append(loop.time())
            callee(proxy, "ok", "200 OK")
            return "Accepted"

        proxy.answers("call_transfer", refer)

        await steps_of(OpenSipsBackend(shared).start(ALICE, BOB))

        assert 0.32 <= referred[0] < 0.35


@in_virtual_time
async def test_the_names_of_the_steps_calls() -> None:
    async with shared_with() as (shared, (proxy,)):
        answering(proxy)
        at(0.5, lambda: callee(proxy, "ok", "200 OK"))

        async with OpenSipsBackend(shared).start(ALICE, BOB) as steps:
            callids = [step.callid async for step in steps]

        assert callids == [LEG, LEG, "new", "new"]


@in_virtual_time
async def test_a_call_id_that_no_header_can_hold_is_replaced() -> None:
    async with shared_with() as (shared, (proxy,)):
        ACTING.set(Acting('evil"\\r\\nRoute: <sip:x>'))
        proxy.answers("t_uac_dlg", {"Status": "486 Busy Here"})

        failed = (await steps_of(OpenSipsBackend(shared).start(ALICE, BOB)))[1]

        assert isinstance(failed, CallFailed)
        assert "evil" not in str(last(proxy, "t_uac_dlg"))


@in_virtual_time
async def test_what_cannot_be_done_is_said_before_anybody_rings() -> None:
    async with shared_with(waits_beside=False) as (shared, (proxy,)):
        failed = (await steps_of(OpenSipsBackend(shared).start(ALICE, BOB)))[1]
        assert isinstance(failed, NotSupported)

    async with shared_with() as (shared, (proxy,)):
        bad = SipUri("sip:bob@h;osid=1.2")
        failed = (await steps_of(OpenSipsBackend(shared).start(ALICE, bad)))[1]
        assert isinstance(failed, InvalidParams)

        proxy.die()
        failed = (await steps_of(OpenSipsBackend(shared).start(ALICE, BOB)))[1]
        assert isinstance(failed, ProxyUnreachable)
        assert proxy.methods() == []
        assert len(shared.table) == 0


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("486 Busy Here", (486, "Busy Here")),
        ("404 Not Found", (404, "Not Found")),
        ("408 Request Timeout", (408, "Request Timeout")),
    ],
)
def test_a_caller_that_does_not_answer_fails_it(status: str, expected: tuple[int, str]) -> None:
    @in_virtual_time
    async def story() -> None:
        async with shared_with() as (shared, (proxy,)):
            proxy.answers("t_uac_dlg", {"Status": status, "Message": "..."})

            told, failed = await steps_of(OpenSipsBackend(shared).start(ALICE, BOB))

            assert told == []
            assert isinstance(failed, CallFailed)
            assert (failed.status, failed.reason) == expected
            assert proxy.methods() == ["t_uac_dlg"]

    story()


@in_virtual_time
async def test_a_callee_that_refuses_fails_it_and_the_first_leg_is_ended() -> None:
    async with shared_with() as (shared, (proxy,)):
        answering(proxy)
        at(0.5, lambda: callee(proxy, "start"))
        at(0.6, lambda: callee(proxy, "fail", "486 Busy Here"))

        told, failed = await steps_of(OpenSipsBackend(shared).start(ALICE, BOB))

        assert told == ALL[:3]
        assert isinstance(failed, CallFailed)
        assert failed.status == 486
        assert ("dlg_end_dlg", {"dialog_id": LEG}) in proxy.asked
        assert shared.keeper.finishing == 0


@in_virtual_time
async def test_a_refer_that_came_too_early_is_sent_again() -> None:
    async with shared_with() as (shared, (proxy,)):
        answering(proxy)
        proxy.answers("dlg_list_ctx", listed(LEG, call_transfer_leg=""))
        proxy.answers("dlg_send_sequential", {"Code": 202, "Reason": "Accepted"})
        at(0.5, lambda: callee(proxy, "start"))
        at(0.6, lambda: callee(proxy, "ok", "200 OK"))

        told = await steps_of(OpenSipsBackend(shared).start(ALICE, BOB))

        assert told == (["answered", "transferring", "start", "ok"], None)
        assert last(proxy, "dlg_send_sequential")["headers"] == f"Refer-To: <{BOB};osid=1.2>\r\n"


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ({"Code": 603, "Reason": "Decline"}, (603, "Decline")),
        (MiError(-32602, "Invalid params"), (603, "the phone refused the REFER")),
    ],
)
def test_a_refer_that_is_refused_is_told_as_well_as_the_version_allows(
    second: object, expected: tuple[int, str]
) -> None:
    @in_virtual_time
    async def story() -> None:
        async with shared_with() as (shared, (proxy,)):
            answering(proxy)
            proxy.answers("dlg_list_ctx", listed(LEG, call_transfer_leg=""))
            proxy.answers("dlg_send_sequential", second)

            told, failed = await steps_of(OpenSipsBackend(shared).start(ALICE, BOB))

            assert told == ALL[:2]
            assert isinstance(failed, CallFailed)
            assert (failed.status, failed.reason) == expected
            assert ("dlg_end_dlg", {"dialog_id": LEG}) in proxy.asked

    story()


@in_virtual_time
async def test_a_refer_that_the_script_says_was_declined_is_not_sent_again() -> None:
    async with shared_with() as (shared, (proxy,)):
        answering(proxy)
        at(0.33, lambda: proxy.raises(REFUSED, callid=LEG, code=603, reason="Decline"))

        failed = (await steps_of(OpenSipsBackend(shared).start(ALICE, BOB)))[1]

        assert isinstance(failed, CallFailed)
        assert "dlg_send_sequential" not in proxy.methods()


@in_virtual_time
async def test_a_caller_that_hangs_up_before_the_refer_ends_it() -> None:
    async with shared_with() as (shared, (proxy,)):
        answering(proxy)
        proxy.answers("call_transfer", MiError(404, "Dialog not found"))

        told, failed = await steps_of(OpenSipsBackend(shared).start(ALICE, BOB))

        assert told == ["answered"]
        assert isinstance(failed, CallFailed)
        assert failed.status == 487


@in_virtual_time
async def test_a_caller_that_hangs_up_before_the_second_refer_ends_it() -> None:
    async with shared_with() as (shared, (proxy,)):
        answering(proxy)
        proxy.answers("dlg_list_ctx", listed(LEG, call_transfer_leg=""))
        proxy.answers("dlg_send_sequential", MiError(404, "Dialog not found"))

        told, failed = await steps_of(OpenSipsBackend(shared).start(ALICE, BOB))

        assert told == ALL[:2]
        assert isinstance(failed, CallFailed)
        assert failed.status == 487


@in_virtual_time
async def test_a_proxy_that_dies_ends_it() -> None:
    async with shared_with() as (shared, (proxy,)):
        answering(proxy)
        at(0.4, proxy.die)

        failed = (await steps_of(OpenSipsBackend(shared).start(ALICE, BOB)))[1]

        assert isinstance(failed, ProxyUnreachable)
        assert len(shared.table) == 0


# Left at any moment, nothing is left.


@pytest.mark.parametrize("seconds", [0.0, 0.1, 0.31, 0.325, 0.4, 0.5, 0.6, 0.7])
def test_a_call_that_is_cancelled_is_undone(seconds: float) -> None:
    @in_virtual_time
    async def story() -> None:
        async with shared_with() as (shared, (proxy,)):
            answering(proxy)
            at(0.45, lambda: callee(proxy, "start"))
            at(0.65, lambda: callee(proxy, "notify", "180 Ringing"))

            with pytest.raises(TimeoutError):
                async with asyncio.timeout(seconds):
                    await steps_of(OpenSipsBackend(shared).start(ALICE, BOB))
            await asyncio.sleep(15.0)

            ended = [p["dialog_id"] for method, p in proxy.asked if method == "dlg_end_dlg"]
            if "t_uac_dlg" in proxy.methods():
                assert LEG in ended
            if "call_transfer" in proxy.methods():
                assert "new" in ended
            assert len(shared.table) == 0
            assert shared.starting == {}
            assert shared.keeper.finishing == 0

    story()


@in_virtual_time
async def test_a_cancelled_command_does_not_wait_for_a_phone_that_may_call_later() -> None:
    async with shared_with() as (shared, (proxy,)):
        answering(proxy)
        loop = asyncio.get_running_loop()

        async with OpenSipsBackend(shared).start(ALICE, BOB) as steps:
            await anext(steps)
            await anext(steps)
            before = loop.time()

        assert loop.time() - before <= 1.0
        assert ("dlg_end_dlg", {"dialog_id": LEG}) in proxy.asked
