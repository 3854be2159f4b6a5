"""A proxy is looked after for as long as the daemon runs."""

import asyncio
from functools import partial

import pytest

from call_api.backends.opensips.client import ProxyClient
from call_api.backends.opensips.events import EVENTS
from call_api.backends.opensips.mi import MiError
from call_api.model import CallId
from tests.fakes.mi_script import SILENCE, NoEvents, ScriptedProxy, listed, proxy_client
from tests.fakes.virtual_time import in_virtual_time


async def ready(proxy: ScriptedProxy) -> ProxyClient:
    client = proxy_client(proxy)
    await client.look(NoEvents(), renew=True)
    assert client.down is None
    proxy.asked.clear()
    return client


@in_virtual_time
async def test_a_proxy_is_looked_after_subscriptions_long_before_they_expire() -> None:
    proxy = ScriptedProxy()
    client = await ready(proxy)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(100.0):
            await client.look_after(NoEvents())

    methods = [method for method, _ in proxy.asked]
    assert methods.count("uptime") == 19
    assert methods.count("event_subscribe") == 6 * len(EVENTS)


@in_virtual_time
async def test_a_proxy_that_is_down_is_looked_at_more_often() -> None:
    proxy = ScriptedProxy()
    proxy.is_there = False
    client = proxy_client(proxy)
    asyncio.get_running_loop().call_later(10.5, setattr, proxy, "is_there", True)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(11.5):
            await client.look_after(NoEvents())

    assert client.down is None


@in_virtual_time
async def test_calls_that_were_made_since_it_was_started_anew_go_on() -> None:
    proxy = ScriptedProxy()
    client = await ready(proxy)
    lost: list[str] = []
    stops = []

    def tell(callid: str, reason: str) -> None:
        assert reason == "proxy: OpenSIPS was started anew"
        lost.append(callid)

    for callid in ("there", "gone", "untold", "over", "just made"):
        if callid == "just made":
            await asyncio.sleep(1.0)
        stops.append(client.on_trouble(CallId(callid), partial(tell, callid)))
    answers = {"there": listed("there"), "over": listed("over", 5), "untold": MiError(500, "no")}
    no_dialog = MiError(404, "No such dialog")
    proxy.answers("dlg_list", lambda params: answers.get(params["callid"], no_dialog))
    proxy.answers("uptime", {"Up since": "just now"})

    await client.look(NoEvents(), renew=False)

    assert lost == ["gone", "untold"]
    for stop in stops:
        stop.close()


@in_virtual_time
async def test_a_proxy_that_falls_silent_after_it_was_started_anew_has_lost_them_all() -> None:
    proxy = ScriptedProxy()
    client = await ready(proxy)
    lost: list[str] = []
    for number in range(1000):
        client.on_trouble(CallId(str(number)), lost.append)
    proxy.answers("uptime", {"Up since": "just now"})
    proxy.answers("dlg_list", SILENCE)

    await client.look(NoEvents(), renew=False)

    assert lost == ["proxy: OpenSIPS was started anew"] * 1000
    assert asyncio.get_running_loop().time() < 5.0


@in_virtual_time
async def test_one_look_that_fails_is_not_the_last(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(NoEvents):
        def socket(self, local_host: str) -> str:
            if not self.expected:
                raise RuntimeError("broken")
            return super().socket(local_host)

        def expect(self, host: str) -> None:
            if asyncio.get_running_loop().time() > 3.0:
                super().expect(host)

    client = proxy_client(ScriptedProxy())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(5.0):
            await client.look_after(Broken())

    assert client.down is None
    assert "looking at it failed" in caplog.text
