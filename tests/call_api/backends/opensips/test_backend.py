from call_api.backends.base import Backend
from call_api.backends.opensips.backend import OpenSipsBackend
from call_api.backends.opensips.mi import MiError
from call_api.model import CallId
from tests.fakes.mi_script import shared_with, steps_of
from tests.fakes.virtual_time import in_virtual_time

A = CallId("a")


@in_virtual_time
async def test_it_is_a_back_end() -> None:
    async with shared_with() as (shared, (proxy,)):
        backend: Backend = OpenSipsBackend(shared)

        assert backend.is_ready() is None
        proxy.die()
        assert backend.is_ready() == "proxy0: Connection refused"


@in_virtual_time
async def test_it_tells_which_proxy_is_up() -> None:
    async with shared_with(2) as (shared, proxies):
        proxies[1].die()

        assert OpenSipsBackend(shared).proxies() == {
            "proxy0": "up",
            "proxy1": "Connection refused",
        }


@in_virtual_time
async def test_each_command_asks_the_proxy_for_its_own() -> None:
    async with shared_with() as (shared, (proxy,)):
        backend = OpenSipsBackend(shared)
        refused = MiError(404, "Dialog not found")
        for method in ("call_hold", "call_unhold"):
            proxy.answers(method, refused)
        proxy.answers("dlg_end_dlg", "OK")

        await steps_of(backend.hold(A, ("caller", "callee")))
        await steps_of(backend.unhold(A, ("caller",)))
        await backend.end(A)

        assert proxy.asked[-3:] == [
            ("call_hold", {"callid": "a"}),
            ("call_unhold", {"callid": "a", "leg": "caller"}),
            ("dlg_end_dlg", {"dialog_id": "a"}),
        ]
