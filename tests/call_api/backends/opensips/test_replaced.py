import asyncio

import pytest

from call_api.backends.opensips.dialogs import Dialog
from call_api.backends.opensips.mi import MiError
from call_api.backends.opensips.replaced import end_replaced
from tests.fakes.mi_script import listed, shared_with
from tests.fakes.virtual_time import in_virtual_time

A, B = (Dialog(id=f"id-{one}", callid=one, state=4) for one in "ab")


@in_virtual_time
async def test_the_transferred_call_is_ended() -> None:
    async with shared_with() as (shared, (proxy,)):
        proxy.answers("dlg_end_dlg", "OK")

        await end_replaced(shared, shared.proxies.clients[0], (A,))

        assert proxy.asked[-1] == ("dlg_end_dlg", {"dialog_id": "a"})


@pytest.mark.parametrize(
    ("answer", "ends"),
    [
        (listed("b"), ["a", "b"]),
        (listed("b", state=5), ["a"]),
        (MiError(404, "No such dialog"), ["a"]),
        (MiError(500, "oops"), ["a"]),
    ],
)
def test_a_call_whose_leg_was_taken_over_is_ended_if_the_phone_does_not(
    answer: object, ends: list[str]
) -> None:
    @in_virtual_time
    async def story() -> None:
        async with shared_with() as (shared, (proxy,)):
            proxy.answers("dlg_end_dlg", "OK")
            proxy.answers("dlg_list", answer)

            await end_replaced(shared, shared.proxies.clients[0], (A, B))
            await asyncio.sleep(2.0)

            ended = [params["dialog_id"] for name, params in proxy.asked if name == "dlg_end_dlg"]
            assert ended == ends

    story()
