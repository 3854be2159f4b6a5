import asyncio
import logging

import pytest

from call_api.backends.opensips import requests
from call_api.backends.opensips.client import SUBSCRIBED_FOR, ProxyClient
from call_api.backends.opensips.events import EVENTS, REFUSED
from call_api.backends.opensips.mi import MiError, MiRequest, Reply
from call_api.errors import ProxyRefused, ProxyUnreachable
from call_api.model import CallId
from tests.fakes.mi_script import SILENCE, NoEvents, ScriptedProxy, listed, proxy_client
from tests.fakes.virtual_time import in_virtual_time

A = CallId("a")


async def ready(proxy: ScriptedProxy) -> ProxyClient:
    client = proxy_client(proxy)
    await client.look(NoEvents(), renew=True)
    assert client.down is None
    proxy.asked.clear()
    return client


@in_virtual_time
async def test_a_proxy_that_answers_is_subscribed_to_and_up() -> None:
    proxy, events = ScriptedProxy(), NoEvents()
    client = proxy_client(proxy)
    assert client.down == "proxy: no answer yet"

    await client.look(events, renew=True)

    assert client.down is None
    assert events.expected == {"127.0.0.2"}
    assert proxy.asked == [
        ("uptime", {}),
        *(
            (
                "event_subscribe",
                {"event": event, "socket": "udp:127.0.0.1:9", "expire": SUBSCRIBED_FOR},
            )
            for event in EVENTS
        ),
    ]


@in_virtual_time
async def test_an_answer_reaches_who_asked() -> None:
    proxy = ScriptedProxy()
    client = await ready(proxy)
    proxy.answers("dlg_end_dlg", "OK", MiError(404, "Requested Dialog not found"))

    first, second = await asyncio.gather(
        client.request(requests.end(A)), client.request(requests.end(A))
    )

    assert (first, second) == (
        Reply(result="OK"),
        Reply(error=MiError(404, "Requested Dialog not found")),
    )
    assert client.waiting == 0


@in_virtual_time
async def test_a_request_that_changes_something_is_sent_once() -> None:
    proxy = ScriptedProxy()
    client = await ready(proxy)
    proxy.answers("dlg_end_dlg", SILENCE)
    loop = asyncio.get_running_loop()
    before = loop.time()

    reply = await client.request(requests.end(A))

    assert reply == Reply(silence="proxy: no answer")
    assert proxy.methods() == ["dlg_end_dlg"]
    assert loop.time() - before == pytest.approx(client.reply_within)
    assert len(proxy.forgotten) == 1


@in_virtual_time
async def test_a_request_that_changes_nothing_is_sent_again() -> None:
    proxy = ScriptedProxy()
    client = await ready(proxy)
    proxy.answers("dlg_list", SILENCE, SILENCE, listed("a"))

    dialog = await client.dialog(A)

    assert dialog is not None
    assert dialog.callid == "a"
    assert proxy.methods() == ["dlg_list"] * 3


@in_virtual_time
async def test_requests_wait_each_for_its_own_time() -> None:
    proxy = ScriptedProxy()
    client = await ready(proxy)
    proxy.answers("t_uac_dlg", SILENCE)
    proxy.answers("dlg_end_dlg", SILENCE)
    loop, gone = asyncio.get_running_loop(), []

    def tell(name: str) -> None:
        gone.append((name, round(loop.time())))

    invite = MiRequest("t_uac_dlg", {})
    client.send(invite, lambda _: tell("long"), 60.0)
    client.send(requests.end(A), lambda _: tell("short"), 2.0)
    client.send(requests.end(A), lambda _: tell("middle"), 5.0)
    await asyncio.sleep(100.0)

    assert gone == [("short", 2), ("middle", 5), ("long", 60)]


@in_virtual_time
async def test_a_waiter_that_is_gone_does_not_mind_the_answer() -> None:
    proxy = ScriptedProxy()
    client = await ready(proxy)
    proxy.answers("dlg_end_dlg", SILENCE)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.0):
            await client.request(requests.end(A))
    await asyncio.sleep(10.0)

    assert client.waiting == 0


@in_virtual_time
async def test_without_a_connection_there_is_no_answer() -> None:
    client = proxy_client(ScriptedProxy())

    reply = await client.request(requests.end(A))

    assert reply == Reply(silence="proxy: not connected")


@in_virtual_time
async def test_a_dialog_is_there_or_not_or_not_told() -> None:
    proxy = ScriptedProxy()
    client = await ready(proxy)
    proxy.answers(
        "dlg_list_ctx",
        listed("a", call_transfer_leg=""),
        MiError(404, "No such dialog"),
        listed("another"),
        "nonsense",
        MiError(500, "oops"),
        SILENCE,
    )

    dialog = await client.dialog(A, with_values=True)
    assert dialog is not None
    assert dialog.transfer_leg == ""
    assert await client.dialog(A, with_values=True) is None
    assert await client.dialog(A, with_values=True) is None
    assert await client.dialog(A, with_values=True) is None
    with pytest.raises(ProxyRefused):
        await client.dialog(A, with_values=True)
    with pytest.raises(ProxyUnreachable):
        await client.dialog(A, with_values=True)


@in_virtual_time
async def test_a_proxy_that_is_gone_answers_nobody_at_once() -> None:
    proxy = ScriptedProxy()
    client = await ready(proxy)
    proxy.answers("dlg_end_dlg", SILENCE)
    troubles: list[str] = []
    troubled = client.on_trouble(A, troubles.append)
    loop = asyncio.get_running_loop()
    before = loop.time()
    loop.call_later(0.5, proxy.die)

    reply = await client.request(requests.end(A))

    assert reply == Reply(silence="proxy: Connection refused")
    assert loop.time() - before == pytest.approx(0.5)
    assert client.down == "proxy: Connection refused"
    assert troubles == ["proxy: Connection refused"]
    troubled.close()
    troubled.close()
    proxy.die()
    assert len(troubles) == 1


@in_virtual_time
async def test_one_request_may_fail_alone() -> None:
    proxy = ScriptedProxy()
    client = await ready(proxy)
    proxy.answers("dlg_end_dlg", SILENCE)
    asyncio.get_running_loop().call_later(0.5, lambda: client.fail(proxy.ids[-1], "HTTP 500"))

    reply = await client.request(requests.end(A))

    assert reply == Reply(silence="proxy: HTTP 500")
    assert client.down is None
    client.fail(12345, "of nobody's")


@in_virtual_time
async def test_an_answer_that_nobody_waits_for_is_ignored() -> None:
    client = await ready(ScriptedProxy())

    client.receive(b'{"jsonrpc":"2.0","id":4711,"result":"OK"}')

    assert client.waiting == 0


@in_virtual_time
async def test_a_proxy_that_is_silent_is_down_and_comes_back() -> None:
    proxy = ScriptedProxy()
    client = await ready(proxy)

    proxy.answers("uptime", SILENCE)
    await client.look(NoEvents(), renew=False)
    assert client.down == "proxy: no answer"
    proxy.answers("uptime", {"Up since": "yesterday"})
    await client.look(NoEvents(), renew=False)
    assert client.down == "proxy: no answer"  # its subscriptions may be gone
    await client.look(NoEvents(), renew=True)
    assert client.down is None


@in_virtual_time
async def test_a_proxy_that_cannot_be_connected_to_is_down_and_tried_again() -> None:
    proxy = ScriptedProxy()
    proxy.is_there = False
    client = proxy_client(proxy)

    await client.look(NoEvents(), renew=True)
    assert client.down == "proxy: Connection refused"
    proxy.is_there = True
    await client.look(NoEvents(), renew=True)
    assert client.down is None


@in_virtual_time
async def test_a_proxy_that_was_started_anew_is_subscribed_to_and_its_calls_are_lost() -> None:
    proxy = ScriptedProxy()
    client = await ready(proxy)
    troubles: list[str] = []
    client.on_trouble(A, troubles.append)

    await client.look(NoEvents(), renew=False)
    assert [method for method, _ in proxy.asked] == ["uptime"]
    await asyncio.sleep(1.0)
    proxy.answers("uptime", {"Up since": "just now"})
    proxy.answers("dlg_list", MiError(404, "No such dialog"))
    await client.look(NoEvents(), renew=False)

    assert troubles == ["proxy: OpenSIPS was started anew"]
    assert [method for method, _ in proxy.asked].count("event_subscribe") == len(EVENTS)


@in_virtual_time
async def test_a_proxy_that_does_not_tell_its_uptime_is_up_all_the_same() -> None:
    proxy = ScriptedProxy()
    proxy.answers("uptime", MiError(-32601, "Method not found"))

    client = await ready(proxy)
    await client.look(NoEvents(), renew=False)

    assert client.down is None


@in_virtual_time
async def test_an_event_of_the_script_may_be_missing_but_no_other() -> None:
    proxy = ScriptedProxy()
    client = proxy_client(proxy)
    missing = {REFUSED}

    def subscribe(params: dict[str, str]) -> object:
        return MiError(400, "Bad parameter value") if params["event"] in missing else "OK"

    proxy.answers("event_subscribe", subscribe)
    await client.look(NoEvents(), renew=True)
    assert client.down is None

    missing.add("E_CALL_HOLD")
    await client.look(NoEvents(), renew=True)
    assert client.down == "proxy: no subscription to E_CALL_HOLD: 400 Bad parameter value"


@in_virtual_time
async def test_a_subscription_that_is_not_answered_leaves_the_proxy_down() -> None:
    proxy = ScriptedProxy()
    proxy.answers("event_subscribe", SILENCE)
    client = proxy_client(proxy)

    await client.look(NoEvents(), renew=True)

    assert client.down == "proxy: no answer"


@in_virtual_time
async def test_closing_ends_the_subscriptions_and_answers_all_that_wait() -> None:
    proxy = ScriptedProxy()
    client = await ready(proxy)
    proxy.answers("t_uac_dlg", SILENCE)
    told: list[Reply] = []
    client.send(MiRequest("t_uac_dlg", {}), told.append, 60.0)

    await client.unsubscribe(NoEvents())
    client.close()
    client.close()

    assert [params["expire"] for method, params in proxy.asked if method == "event_subscribe"] == [
        0
    ] * len(EVENTS)
    assert told == [Reply(silence="proxy: the daemon is shutting down")]
    assert proxy.is_closed


@in_virtual_time
async def test_a_proxy_that_is_down_is_not_asked_to_stop() -> None:
    proxy = ScriptedProxy()
    client = proxy_client(proxy)

    await client.unsubscribe(NoEvents())
    client.close()

    assert proxy.asked == []


@in_virtual_time
async def test_what_goes_over_the_wire_is_logged_for_those_who_want_it() -> None:
    logging.getLogger("call_api.backends.opensips.client").setLevel(logging.DEBUG)
    try:
        await ready(ScriptedProxy())
    finally:
        logging.getLogger("call_api.backends.opensips.client").setLevel(logging.NOTSET)
