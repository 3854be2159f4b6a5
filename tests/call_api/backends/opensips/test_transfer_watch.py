from typing import Any

import pytest

from call_api.backends.opensips.backend import OpenSipsBackend
from call_api.backends.opensips.mi import MiError
from call_api.errors import (
    CallBusy,
    CallFailed,
    ProxyRefused,
    UnknownCall,
)
from tests.fakes.mi_script import SILENCE, Later, listed, shared_with
from tests.fakes.mi_transfers import at, established, tells, transferred
from tests.fakes.virtual_time import in_virtual_time

BUSY = MiError(491, "Request Pending")
OVER: dict[str, Any] = {"call_transfer_leg": "", "call_transfer_callid": "old"}


@in_virtual_time
async def test_the_phone_is_referred_with_one_request() -> None:
    async with shared_with() as (shared, (proxy,)):
        established(proxy)
        at(0.01, lambda: tells(proxy, "ok", "200 OK"))

        assert await transferred(OpenSipsBackend(shared)) == (["start", "ok"], None)
        assert proxy.methods() == ["dlg_list_ctx", "call_transfer", "dlg_end_dlg"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (MiError(404, "Dialog not found"), UnknownCall),
        (MiError(-32602, "Invalid params"), ProxyRefused),
    ],
)
def test_a_refusal_of_the_proxy_is_passed_on(answer: object, expected: type[Exception]) -> None:
    @in_virtual_time
    async def story() -> None:
        async with shared_with() as (shared, (proxy,)):
            established(proxy)
            proxy.answers("call_transfer", answer)

            told, failed = await transferred(OpenSipsBackend(shared))

            assert told == []
            assert isinstance(failed, expected)
            assert shared.changing == set()

    story()


# Once in a dialog's life call_transfer works.


@pytest.mark.parametrize("join", [False, True])
def test_a_call_that_was_transferred_before_is_referred_past_callops(*, join: bool) -> None:
    @in_virtual_time
    async def story() -> None:
        async with shared_with() as (shared, (proxy,)):
            established(proxy, **OVER)
            proxy.answers("dlg_send_sequential", {"Code": 202, "Reason": "Accepted"})
            at(0.1, lambda: tells(proxy, "ok", "200 OK"))

            assert await transferred(OpenSipsBackend(shared), join=join) == (["start", "ok"], None)
            assert "call_transfer" not in proxy.methods()
            (headers,) = [
                params["headers"]
                for method, params in proxy.asked
                if method == "dlg_send_sequential"
            ]
            assert headers == (
                "Refer-To: <sip:bob@127.0.0.1;osid=id-a"
                "?Replaces=b%3Bto-tag%3Dtag-2%3Bfrom-tag%3Dtag-1>\r\n"
                if join
                else "Refer-To: <sip:cindy@127.0.0.1;osid=id-a>\r\n"
            )

    story()


@in_virtual_time
async def test_a_proxy_that_says_busy_is_asked_why() -> None:
    async with shared_with() as (shared, (proxy,)):
        established(proxy)
        proxy.answers("call_transfer", BUSY)
        proxy.answers("dlg_list_ctx", listed("a"), listed("a", **OVER))
        proxy.answers("dlg_send_sequential", {"Code": 202})
        at(0.1, lambda: tells(proxy, "ok", "200 OK"))

        assert await transferred(OpenSipsBackend(shared)) == (["start", "ok"], None)


@pytest.mark.parametrize("told_at", [0.0, 0.002])
def test_a_copy_of_the_request_that_is_answered_first_changes_nothing(told_at: float) -> None:
    @in_virtual_time
    async def story() -> None:
        async with shared_with() as (shared, (proxy,)):
            established(proxy)
            busy, over = Later(), Later()
            proxy.answers("call_transfer", busy)
            proxy.answers("dlg_list_ctx", listed("a"), over)
            at(0.001, lambda: busy.answer(BUSY))
            at(told_at, lambda: tells(proxy, "ok", "200 OK"))
            at(0.003, lambda: over.answer(listed("a", **OVER)))

            assert await transferred(OpenSipsBackend(shared)) == (["start", "ok"], None)
            assert "dlg_send_sequential" not in proxy.methods()

    story()


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (listed("a", call_transfer_leg="callee"), CallBusy),
        (listed("a", state=5), UnknownCall),
        (MiError(-32601, "Method not found"), CallBusy),
    ],
)
def test_a_call_that_somebody_else_transfers_right_now_is_busy(
    now: object, expected: type[Exception]
) -> None:
    @in_virtual_time
    async def story() -> None:
        async with shared_with() as (shared, (proxy,)):
            established(proxy)
            proxy.answers("call_transfer", BUSY)
            proxy.answers("dlg_list_ctx", listed("a"), now)

            assert isinstance((await transferred(OpenSipsBackend(shared)))[1], expected)
            assert "dlg_send_sequential" not in proxy.methods()

    story()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"Code": 603, "Reason": "Decline"}, (CallFailed, "603 Decline")),
        ({"Code": 603}, (CallFailed, "603")),
        (MiError(408, "Request Timeout"), (CallFailed, "408 the phone did not answer the REFER")),
        (MiError(404, "Dialog Not Found"), (UnknownCall, "a")),
        (MiError(-32602, "Invalid params"), (ProxyRefused, "491 Request Pending: the call was")),
        (MiError(-32601, "Method not found"), (ProxyRefused, "491 Request Pending: the call was")),
        ("nonsense", (CallFailed, "408 the phone accepted the REFER but called nobody")),
        (SILENCE, (CallFailed, "408 the phone accepted the REFER but called nobody")),
    ],
)
def test_what_the_phone_says_to_a_refer_past_callops_is_known(
    answer: object, expected: tuple[type[Exception], str]
) -> None:
    @in_virtual_time
    async def story() -> None:
        async with shared_with() as (shared, (proxy,)):
            established(proxy, **OVER)
            proxy.answers("dlg_send_sequential", answer)

            told, failed = await transferred(OpenSipsBackend(shared))

            assert told == []
            assert isinstance(failed, expected[0])
            assert expected[1] in str(failed)

    story()


@in_virtual_time
async def test_a_transfer_that_has_just_failed_is_not_taken_for_one_that_goes_on() -> None:
    async with shared_with() as (shared, (proxy,)):
        established(proxy)
        going_on, over = listed("a", call_transfer_leg="caller"), listed("a", **OVER)
        proxy.answers("dlg_list_ctx", going_on, going_on, over)
        proxy.answers("dlg_send_sequential", {"Code": 202})
        at(0.5, lambda: tells(proxy, "ok", "200 OK"))

        assert await transferred(OpenSipsBackend(shared)) == (["start", "ok"], None)
        assert "call_transfer" not in proxy.methods()
