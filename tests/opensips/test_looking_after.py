"""A proxy is looked after for as long as the daemon runs."""

import asyncio

import pytest

from call_api.backends.opensips.client import ProxyClient
from call_api.backends.opensips.events import EVENTS
from tests.fakes.mi_script import NoEvents, ScriptedProxy, proxy_client
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
