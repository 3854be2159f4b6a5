import pytest

from call_api.backends.base import Remains
from call_api.commands.call_end import CallEnd
from call_api.errors import OwnerLost, UnknownCall
from call_api.events import Event
from call_api.model import CallId
from tests.fakes.scripted_backend import ScriptedBackend
from tests.fakes.taking_over import GONE, taken_over

CALL = CallId("a")


async def test_a_call_is_hung_up_without_a_word() -> None:
    backend = ScriptedBackend()
    told: list[Event] = []

    await CallEnd(callid=CALL).run(backend, told.append)

    assert (told, backend.asked) == ([], [("end", CALL)])


async def test_a_call_that_is_not_there_cannot_be_hung_up() -> None:
    with pytest.raises(UnknownCall):
        await CallEnd(callid=CALL).run(ScriptedBackend(UnknownCall(CALL)), list[Event]().append)


async def test_a_call_that_is_gone_when_its_daemon_died_is_over() -> None:
    assert await taken_over(CallEnd(callid=CALL), GONE) == ([], [("remains", CALL)])


async def test_a_call_that_is_there_still_or_nobody_knows_of_is_lost() -> None:
    for call in ("up", "ringing", "unknown"):
        with pytest.raises(OwnerLost):
            await taken_over(CallEnd(callid=CALL), Remains(callid=CALL, call=call))
