from datetime import UTC, datetime

from call_api.backends.opensips.call_infos import CallInfos
from call_api.backends.opensips.dialogs import Dialog
from call_api.model import CallId
from tests.fakes.mi_script import shared_with
from tests.fakes.virtual_time import in_virtual_time


def dialog(state: int = 4, started: float = 0.0) -> Dialog:
    return Dialog(
        id="1.2",
        callid="a",
        state=state,
        caller="sip:a@h",
        callee="sip:b@h;osid=1",
        started=started,
    )


@in_virtual_time
async def test_a_dialog_is_a_call() -> None:
    async with shared_with() as (shared, _):
        call = CallInfos(shared).of(dialog(started=1795391377.0))

        assert (call.callid, call.state, call.caller) == ("a", "answered", "sip:a@h")
        assert call.callee == "sip:b@h"
        assert call.started == datetime.fromtimestamp(1795391377, UTC)


@in_virtual_time
async def test_a_call_keeps_the_time_at_which_it_first_rang() -> None:
    async with shared_with() as (shared, _):
        infos = CallInfos(shared)
        rang = infos.of(dialog(state=2)).started

        assert infos.of(dialog(started=4e9)).started == rang
        infos.keep({CallId("a")})
        assert infos.of(dialog(started=4e9)).started == rang
        infos.keep(())
        assert infos.of(dialog(started=4e9)).started == datetime.fromtimestamp(4e9, UTC)
