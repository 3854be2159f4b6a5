import pytest

from call_api.backends.opensips.mi import MiError
from call_api.errors import ProxyUnreachable, UnknownCall
from call_api.model import CallId
from tests.fakes.mi_script import SILENCE, listed, shared_with
from tests.fakes.virtual_time import in_virtual_time

A = CallId("a")
NOT_FOUND = MiError(404, "No such dialog")


@in_virtual_time
async def test_with_one_proxy_there_is_nothing_to_find() -> None:
    async with shared_with() as (shared, (proxy,)):
        client = await shared.proxies.find(A)

        assert client is shared.proxies.clients[0]
        assert proxy.methods() == []


@in_virtual_time
async def test_one_proxy_that_is_down_is_said_so() -> None:
    async with shared_with() as (shared, (proxy,)):
        assert shared.proxies.is_ready() is None
        proxy.die()

        assert shared.proxies.is_ready() == "proxy0: Connection refused"
        assert shared.proxies.states() == {"proxy0": "Connection refused"}
        with pytest.raises(ProxyUnreachable, match="proxy0: Connection refused"):
            await shared.proxies.find(A)


@in_virtual_time
async def test_a_command_goes_to_the_proxy_that_has_the_call_and_is_asked_once() -> None:
    async with shared_with(3) as (shared, proxies):
        for proxy in proxies:
            proxy.answers("dlg_list", NOT_FOUND)
        proxies[1].answers("dlg_list", listed("a"))

        assert (await shared.proxies.find(A)).name == "proxy1"
        assert (await shared.proxies.find(A)).name == "proxy1"
        assert proxies[1].methods() == ["dlg_list"]


@in_virtual_time
async def test_a_call_that_no_proxy_has_is_unknown() -> None:
    async with shared_with(2) as (shared, proxies):
        proxies[0].answers("dlg_list", NOT_FOUND)
        proxies[1].answers("dlg_list", listed("a", state=5))

        with pytest.raises(UnknownCall):
            await shared.proxies.find(A)


@in_virtual_time
async def test_a_call_may_be_at_a_proxy_that_does_not_answer() -> None:
    async with shared_with(2) as (shared, proxies):
        proxies[0].answers("dlg_list", NOT_FOUND)
        proxies[1].answers("dlg_list", SILENCE)
        with pytest.raises(ProxyUnreachable, match="proxy1: "):
            await shared.proxies.find(A)

        proxies[1].die()
        with pytest.raises(ProxyUnreachable, match="proxy1: Connection refused"):
            await shared.proxies.find(A)


@in_virtual_time
async def test_a_known_calls_proxy_may_be_down() -> None:
    async with shared_with(2) as (shared, proxies):
        shared.proxies.remember(A, shared.proxies.clients[1])
        proxies[1].die()

        with pytest.raises(ProxyUnreachable, match="proxy1"):
            await shared.proxies.find(A)
        assert shared.proxies.is_ready() is None


@in_virtual_time
async def test_new_calls_are_made_by_each_proxy_in_its_turn() -> None:
    async with shared_with(3) as (shared, proxies):
        proxies[1].die()

        names = [shared.proxies.any_up().name for _ in range(4)]

        assert names == ["proxy0", "proxy2", "proxy0", "proxy2"]


@in_virtual_time
async def test_without_a_proxy_no_call_is_made() -> None:
    async with shared_with(2) as (shared, proxies):
        for proxy in proxies:
            proxy.die()

        with pytest.raises(ProxyUnreachable, match=r"proxy0: .*; proxy1: "):
            shared.proxies.any_up()


@in_virtual_time
async def test_only_so_many_calls_are_remembered() -> None:
    async with shared_with(2) as (shared, proxies):
        for number in range(10_001):
            shared.proxies.remember(CallId(str(number)), shared.proxies.clients[0])
        for proxy in proxies:
            proxy.answers("dlg_list", NOT_FOUND)

        assert (await shared.proxies.find(CallId("1"))).name == "proxy0"
        with pytest.raises(UnknownCall):
            await shared.proxies.find(CallId("0"))


@in_virtual_time
async def test_one_proxy_needs_no_memory() -> None:
    async with shared_with() as (shared, _):
        shared.proxies.remember(A, shared.proxies.clients[0])

        assert (await shared.proxies.find(A)).name == "proxy0"
