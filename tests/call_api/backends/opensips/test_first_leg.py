import asyncio
from collections.abc import Awaitable, Callable

import pytest

from call_api.backends.opensips import requests
from call_api.backends.opensips.events import STATE
from call_api.backends.opensips.first_leg import FirstLeg
from call_api.backends.opensips.inbox import Inbox, Trouble
from call_api.backends.opensips.mi import MiError
from call_api.errors import CallFailed, ProxyRefused, ProxyUnreachable
from call_api.model import CallId, SipUri
from tests.fakes.mi_script import SILENCE, Later, ScriptedProxy, listed, shared_with
from tests.fakes.mi_transfers import at
from tests.fakes.virtual_time import in_virtual_time

A = CallId("a")
OK = {"Status": "200 OK"}
NOT_FOUND = MiError(404, "No such dialog")
NO_TRANSACTION = MiError(481, "No such transaction")
MESSAGE = (
    "Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK1\r\nCall-ID: a\r\n"
    "From: <sip:bob@h>;tag=1\r\nTo: <sip:alice@h>;tag=2\r\nCSeq: 1 INVITE\r\n\r\n"
)

Story = Callable[[ScriptedProxy, FirstLeg], Awaitable[None]]


def with_leg(story: Story) -> Callable[[], None]:
    """Make a test of a story: a leg whose INVITE is about to be sent."""

    @in_virtual_time
    async def test() -> None:
        async with shared_with() as (shared, (proxy,)):
            inbox = Inbox(asyncio.get_running_loop())
            shared.table.listen((STATE,), (A,), inbox.put)
            client = shared.proxies.clients[0]
            client.on_trouble(A, lambda reason: inbox.put(Trouble(reason)))
            proxy.answers("t_uac_dlg", SILENCE)
            proxy.answers("t_uac_cancel", NO_TRANSACTION)
            proxy.answers("dlg_list", listed("a", 2))
            proxy.answers("dlg_end_dlg", "OK")
            await story(proxy, FirstLeg(client, inbox, A, 60.0))
            inbox.close()

    return test


def call(leg: FirstLeg) -> None:
    uris = map(SipUri, ("sip:alice@h", "sip:bob@h", "sip:h:5060"))
    alice, bob, proxy = uris
    leg.call(requests.invite(alice, bob, A, proxy))


def changed(proxy: ScriptedProxy, new_state: int) -> None:
    proxy.raises(STATE, callid="a", id="1.2", new_state=new_state)


@with_leg
async def test_a_caller_may_ring_for_long(proxy: ScriptedProxy, leg: FirstLeg) -> None:
    invite = Later()
    proxy.answers("t_uac_dlg", invite)
    at(50.0, lambda: invite.answer(OK))
    call(leg)

    await leg.answered()


@with_leg
async def test_who_rings_too_long_is_given_up(proxy: ScriptedProxy, leg: FirstLeg) -> None:
    call(leg)

    with pytest.raises(CallFailed) as caught:
        await leg.answered()
    assert caught.value.status == 408
    assert asyncio.get_running_loop().time() == pytest.approx(60.0)


@with_leg
async def test_an_answer_before_the_reply_counts(proxy: ScriptedProxy, leg: FirstLeg) -> None:
    invite = Later()
    proxy.answers("t_uac_dlg", invite)
    at(0.1, lambda: changed(proxy, 4))
    at(0.2, lambda: invite.answer(OK))
    call(leg)

    await leg.answered()
    assert asyncio.get_running_loop().time() == pytest.approx(0.2)


@with_leg
async def test_a_lost_reply_does_not_matter_if_the_dialog_is_up(
    proxy: ScriptedProxy, leg: FirstLeg
) -> None:
    at(0.1, lambda: changed(proxy, 4))
    call(leg)

    await leg.answered()


@with_leg
async def test_an_answer_that_nothing_tells_of_is_looked_up(
    proxy: ScriptedProxy, leg: FirstLeg
) -> None:
    proxy.answers("dlg_list", listed("a", 2), listed("a", 4))
    call(leg)

    await leg.answered()
    assert asyncio.get_running_loop().time() < 10.0


@with_leg
async def test_the_end_of_the_dialog_without_a_reply_is_a_failure(
    proxy: ScriptedProxy, leg: FirstLeg
) -> None:
    at(0.1, lambda: changed(proxy, 5))
    call(leg)

    with pytest.raises(CallFailed, match="480"):
        await leg.answered()


@with_leg
async def test_a_reply_after_the_end_says_why(proxy: ScriptedProxy, leg: FirstLeg) -> None:
    invite = Later()
    proxy.answers("t_uac_dlg", invite)
    at(0.1, lambda: changed(proxy, 5))
    at(0.2, lambda: invite.answer({"Status": "603 Decline"}))
    call(leg)

    with pytest.raises(CallFailed, match="603 Decline"):
        await leg.answered()


@with_leg
async def test_a_refusal_by_the_proxy_is_told(proxy: ScriptedProxy, leg: FirstLeg) -> None:
    proxy.answers("t_uac_dlg", MiError(400, "Invalid ruri"))
    call(leg)

    with pytest.raises(ProxyRefused, match="400 Invalid ruri"):
        await leg.answered()
    await leg.end()
    assert proxy.methods() == ["t_uac_dlg"]


@with_leg
async def test_a_reply_that_tells_nothing_is_a_failure(proxy: ScriptedProxy, leg: FirstLeg) -> None:
    proxy.answers("t_uac_dlg", "nonsense")
    call(leg)

    with pytest.raises(CallFailed, match="500"):
        await leg.answered()


@with_leg
async def test_a_proxy_that_dies_ends_the_waiting(proxy: ScriptedProxy, leg: FirstLeg) -> None:
    at(0.5, proxy.die)
    call(leg)

    with pytest.raises(ProxyUnreachable, match="Connection refused"):
        await leg.answered()


@with_leg
async def test_a_proxy_that_was_started_anew_ends_the_waiting(
    proxy: ScriptedProxy, leg: FirstLeg
) -> None:
    at(0.5, lambda: leg._inbox.put(Trouble("started anew")))
    call(leg)

    with pytest.raises(ProxyUnreachable, match="started anew"):
        await leg.answered()


@with_leg
async def test_a_lost_request_is_found_long_before_the_ring_time(
    proxy: ScriptedProxy, leg: FirstLeg
) -> None:
    proxy.answers("dlg_list", NOT_FOUND)
    call(leg)

    with pytest.raises(ProxyUnreachable, match="the caller is not being called"):
        await leg.answered()
    assert asyncio.get_running_loop().time() == pytest.approx(2.0)
    assert proxy.methods() == ["t_uac_dlg", "dlg_list", "t_uac_cancel"]


@with_leg
async def test_an_invite_past_the_proxys_own_route_is_cancelled_and_told_so(
    proxy: ScriptedProxy, leg: FirstLeg
) -> None:
    proxy.answers("dlg_list", NOT_FOUND)
    proxy.answers("t_uac_cancel", "OK")
    call(leg)

    with pytest.raises(ProxyRefused, match=r"sip\.uri must be where it takes SIP requests"):
        await leg.answered()


@pytest.mark.parametrize("seconds", [2.0, 2.5])
def test_an_answer_that_comes_while_it_is_looked_for_counts(seconds: float) -> None:
    @with_leg
    async def story(proxy: ScriptedProxy, leg: FirstLeg) -> None:
        invite, dialog, cancelled = Later(), Later(), Later()
        proxy.answers("t_uac_dlg", invite)
        proxy.answers("dlg_list", dialog if seconds == 2.0 else NOT_FOUND)
        proxy.answers("t_uac_cancel", cancelled)
        at(seconds + 0.1, lambda: invite.answer(OK))
        at(seconds + 0.2, lambda: (dialog if seconds == 2.0 else cancelled).answer(NOT_FOUND))
        call(leg)

        await leg.answered()

    story()


# Between the answer and the REFER.


@with_leg
async def test_an_event_and_a_moment_tell_of_the_ack(proxy: ScriptedProxy, leg: FirstLeg) -> None:
    proxy.answers("t_uac_dlg", OK)
    at(0.01, lambda: changed(proxy, 4))
    call(leg)
    await leg.answered()

    dialog = await leg.acknowledged()

    assert (dialog.id, dialog.callid) == ("1.2", "a")
    assert asyncio.get_running_loop().time() == pytest.approx(0.03)


@with_leg
async def test_without_the_event_it_is_looked_up(proxy: ScriptedProxy, leg: FirstLeg) -> None:
    proxy.answers("t_uac_dlg", OK)
    proxy.answers("dlg_list", listed("a", 3), listed("a", 4))
    call(leg)
    await leg.answered()

    dialog = await leg.acknowledged()

    assert dialog.id == "id-a"
    assert proxy.methods().count("dlg_list") == 2


@with_leg
async def test_an_ack_that_is_not_seen_is_not_waited_for_for_ever(
    proxy: ScriptedProxy, leg: FirstLeg
) -> None:
    proxy.answers("t_uac_dlg", OK)
    proxy.answers("dlg_list", listed("a", 3))
    call(leg)
    await leg.answered()

    assert (await leg.acknowledged()).id == "id-a"
    assert proxy.methods().count("dlg_list") == 5


@with_leg
async def test_a_call_without_a_dialog_is_hung_up_with_what_its_answer_tells(
    proxy: ScriptedProxy, leg: FirstLeg
) -> None:
    proxy.answers("t_uac_dlg", OK | {"RURI": "sip:alice@h:5071", "Message": MESSAGE}, OK)
    proxy.answers("dlg_list", NOT_FOUND)
    proxy.answers("dlg_end_dlg", MiError(404, "Requested Dialog not found"))
    call(leg)
    await leg.answered()

    with pytest.raises(ProxyRefused, match="not a dialog of the proxy"):
        await leg.acknowledged()
    await leg.end()

    assert proxy.asked[-1][1]["method"] == "BYE"
    assert proxy.asked[-1][1]["ruri"] == "sip:alice@h:5071"


@with_leg
async def test_a_call_without_a_dialog_and_without_a_message_is_left(
    proxy: ScriptedProxy, leg: FirstLeg
) -> None:
    proxy.answers("t_uac_dlg", OK)
    call(leg)
    await leg.answered()
    await leg.end()

    assert proxy.methods()[-1] == "dlg_end_dlg"


@with_leg
async def test_a_hang_up_in_that_moment_is_noticed(proxy: ScriptedProxy, leg: FirstLeg) -> None:
    proxy.answers("t_uac_dlg", OK)
    at(0.01, lambda: changed(proxy, 4))
    at(0.02, lambda: changed(proxy, 5))
    call(leg)
    await leg.answered()

    with pytest.raises(CallFailed, match="487"):
        await leg.acknowledged()
    await leg.end()
    assert "dlg_end_dlg" not in proxy.methods()


# However far it has come, it can be ended.


@with_leg
async def test_a_ringing_leg_is_cancelled(proxy: ScriptedProxy, leg: FirstLeg) -> None:
    invite = Later()
    proxy.answers("t_uac_dlg", invite)
    proxy.answers("t_uac_cancel", "OK")
    at(1.1, lambda: invite.answer({"Status": "487 Request Terminated"}))
    call(leg)
    await asyncio.sleep(1.0)

    await leg.end()

    assert proxy.methods() == ["t_uac_dlg", "t_uac_cancel"]


@with_leg
async def test_an_answer_past_the_cancel_is_ended(proxy: ScriptedProxy, leg: FirstLeg) -> None:
    invite = Later()
    proxy.answers("t_uac_dlg", invite)
    proxy.answers("t_uac_cancel", "OK")
    at(1.1, lambda: changed(proxy, 3))
    call(leg)
    await asyncio.sleep(1.0)

    await leg.end()

    assert proxy.methods() == ["t_uac_dlg", "t_uac_cancel", "dlg_end_dlg"]


@with_leg
async def test_a_leg_of_which_nothing_is_known_is_cancelled_and_hung_up(
    proxy: ScriptedProxy, leg: FirstLeg
) -> None:
    proxy.answers("t_uac_cancel", SILENCE)
    call(leg)

    await leg.end()

    assert proxy.methods() == ["t_uac_dlg", "t_uac_cancel", "dlg_end_dlg"]
