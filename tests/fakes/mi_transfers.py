"""A scripted proxy through the eyes of a transfer."""

import asyncio
from collections.abc import Callable
from typing import Any

from call_api.backends.opensips.backend import OpenSipsBackend
from call_api.backends.opensips.events import TRANSFER
from call_api.errors import CallApiError
from call_api.model import CallId, SipUri
from tests.fakes.mi_script import ScriptedProxy, listed, steps_of

A, B = CallId("a"), CallId("b")
CINDY = SipUri("sip:cindy@127.0.0.1")


def tells(proxy: ScriptedProxy, state: str, status: str = "", of: str = "a") -> None:
    """Raise the event of a transfer whose new call is ``new``."""
    proxy.raises(
        TRANSFER,
        callid=of,
        leg="new",
        transfer_callid="new",
        destination="sip:cindy@127.0.0.1:5073;ob",
        state=state,
        status=status,
    )


def at(seconds: float, do: Callable[[], object]) -> None:
    """Do something so many seconds from now."""
    asyncio.get_running_loop().call_later(seconds, do)


def established(proxy: ScriptedProxy, **noted: Any) -> None:
    """Two calls, ``a`` and ``b``, are there, and the proxy takes everything."""
    dialogs = {"a": listed("a", **noted), "b": listed("b"), "new": listed("new", 2)}
    for method in ("dlg_list_ctx", "dlg_list"):
        proxy.answers(method, lambda params: dialogs[params["callid"]])
    proxy.answers("call_transfer", "Accepted")

    def end(params: dict[str, str]) -> str:
        dialogs[params["dialog_id"]]["Dialog"]["state"] = 5
        return "OK"

    def cancel(params: dict[str, str]) -> str:
        dialogs[params["callid"]]["Dialog"]["state"] = 5
        return "OK"

    proxy.answers("dlg_end_dlg", end)
    proxy.answers("t_uac_cancel", cancel)


async def transferred(
    backend: OpenSipsBackend, *, join: bool = False
) -> tuple[list[str], CallApiError | None]:
    stream = (
        backend.join(A, "caller", B, "callee") if join else backend.transfer(A, "caller", CINDY)
    )
    return await steps_of(stream)
