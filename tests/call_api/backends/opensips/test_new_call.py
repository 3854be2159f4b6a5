import pytest

from call_api.backends.opensips.mi import MiError
from call_api.backends.opensips.new_call import NewCallSearch
from call_api.errors import ProxyUnreachable
from tests.fakes.mi_script import SILENCE, ScriptedProxy, listed, shared_with
from tests.fakes.virtual_time import in_virtual_time


def comes_up(proxy: ScriptedProxy, callid: str) -> None:
    proxy.raises("E_DLG_STATE_CHANGED", callid=callid, old_state=1, new_state=2)


@in_virtual_time
async def test_a_call_is_found_by_the_mark_of_the_one_it_comes_from() -> None:
    async with shared_with() as (shared, (proxy,)):
        comes_up(proxy, "before")
        search = NewCallSearch(shared.recent, shared.proxies.clients[0])
        comes_up(proxy, "other")
        comes_up(proxy, "new")
        marked = listed("new")
        marked["Dialog"]["to_uri"] = "sip:carol@127.0.0.1;osid=id-a"
        proxy.answers("dlg_list", marked)

        found = await search.find("id-a")

        assert found is not None
        assert found.callid == "new"


@in_virtual_time
async def test_each_call_is_looked_at_once() -> None:
    async with shared_with() as (shared, (proxy,)):
        search = NewCallSearch(shared.recent, shared.proxies.clients[0])
        comes_up(proxy, "other")
        comes_up(proxy, "gone")
        proxy.answers(
            "dlg_list",
            lambda params: (
                listed("other") if params["callid"] == "other" else MiError(404, "No such dialog")
            ),
        )

        assert await search.find("id-a") is None
        assert await search.find("id-a") is None
        assert proxy.methods() == ["dlg_list"] * 2


@in_virtual_time
async def test_a_call_that_the_proxy_did_not_tell_of_is_looked_at_again() -> None:
    async with shared_with() as (shared, (proxy,)):
        search = NewCallSearch(shared.recent, shared.proxies.clients[0])
        comes_up(proxy, "new")
        proxy.answers("dlg_list", SILENCE)
        with pytest.raises(ProxyUnreachable):
            await search.find("id-a")
        marked = listed("new")
        marked["Dialog"]["to_uri"] = "sip:carol@127.0.0.1;osid=id-a"
        proxy.answers("dlg_list", marked)

        assert await search.find("id-a") is not None
