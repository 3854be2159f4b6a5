import pytest

from call_api.commands.call_end import CallEnd
from call_api.errors import UnknownCall
from call_api.events import Event
from call_api.model import CallId
from tests.fakes.scripted_backend import ScriptedBackend

CALL = CallId("a")


async def test_a_call_is_hung_up_without_a_word() -> None:
    backend = ScriptedBackend()
    told: list[Event] = []

    await CallEnd(callid=CALL).run(backend, told.append)

    assert (told, backend.asked) == ([], [("end", CALL)])


async def test_a_call_that_is_not_there_cannot_be_hung_up() -> None:
    with pytest.raises(UnknownCall):
        await CallEnd(callid=CALL).run(ScriptedBackend(UnknownCall(CALL)), list[Event]().append)
