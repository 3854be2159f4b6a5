import msgspec
import pytest

from call_api.commands.command_attach import CommandAttach
from call_api.errors import UnknownCommand
from call_api.events import CallHolding, Ended
from call_api.journal import Snapshot
from call_api.model import CmdId, DialectName
from tests.fakes.asking import FakeAsking
from tests.fakes.records import record


@pytest.mark.parametrize(("dialect", "seq"), [("v1", 1), ("v2", 2)])
async def test_the_client_is_attached_and_told_how_far_the_command_is(
    dialect: DialectName, seq: int
) -> None:
    asking = FakeAsking(dialect=dialect)
    owned = await asking.journal.claim(record())
    assert not isinstance(owned, Snapshot)
    owned.append(CallHolding())
    owned.append(Ended(), last=True)

    answer = await CommandAttach(cmd_id=CmdId("a"), after=1).answer(asking)

    assert msgspec.json.encode(answer) == b'{"cmd_id":"a","state":"ended","seq":%d}' % seq
    assert asking.attached == [("a", 1)]


async def test_everything_is_wanted_unless_the_client_says_where_it_stands() -> None:
    asking = FakeAsking()
    await asking.journal.claim(record())

    answer = await CommandAttach(cmd_id=CmdId("a")).answer(asking)

    assert (answer.state, answer.seq) == ("running", 0)
    assert asking.attached == [("a", 0)]


async def test_nobody_is_attached_to_a_command_that_is_not_kept() -> None:
    asking = FakeAsking()

    with pytest.raises(UnknownCommand):
        await CommandAttach(cmd_id=CmdId("a")).answer(asking)

    assert asking.attached == []
