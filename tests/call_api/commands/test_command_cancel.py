import msgspec
import pytest

from call_api.commands.command_cancel import CommandCancel
from call_api.errors import UnknownCommand
from call_api.events import Ended
from call_api.journal import Snapshot
from call_api.model import CmdId
from tests.fakes.asking import FakeAsking
from tests.fakes.records import record

CANCEL = CommandCancel(cmd_id=CmdId("a"))


async def test_a_running_command_is_asked_to_end() -> None:
    asking, asked = FakeAsking(), list[str]()
    owned = await asking.journal.claim(record())
    assert not isinstance(owned, Snapshot)
    owned.on_cancel = lambda: asked.append("cancel")

    answer = await CANCEL.answer(asking)

    assert msgspec.json.encode(answer) == b'{"cmd_id":"a","state":"cancelling"}'
    assert asked == ["cancel"]


async def test_an_ended_command_is_left_alone() -> None:
    asking = FakeAsking()
    owned = await asking.journal.claim(record())
    assert not isinstance(owned, Snapshot)
    owned.append(Ended(), last=True)

    assert (await CANCEL.answer(asking)).state == "ended"


async def test_a_command_that_is_not_kept_cannot_be_cancelled() -> None:
    with pytest.raises(UnknownCommand):
        await CANCEL.answer(FakeAsking())
