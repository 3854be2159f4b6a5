import msgspec
import pytest

from call_api.commands.command_status import CommandStatus
from call_api.errors import CallFailed, UnknownCommand
from call_api.events import CallHolding, Ended, Error
from call_api.journal import Snapshot
from call_api.model import CmdId, DialectName
from tests.fakes.asking import FakeAsking
from tests.fakes.records import record

STATUS = CommandStatus(cmd_id=CmdId("a"))


async def test_a_running_command_is_shown_with_all_its_members() -> None:
    asking = FakeAsking()
    await asking.journal.claim(record())

    assert msgspec.json.encode(await STATUS.answer(asking)) == (
        b'{"cmd_id":"a","method":"CallHold","params":{"callid":"c"},"state":"running",'
        b'"outcome":null,"error":null,"started":"2026-01-02T03:04:05Z","ended":null,"seq":0}'
    )


async def test_the_proxies_are_shown_where_there_are_any() -> None:
    asking = FakeAsking()
    asking.backend.proxy_states = {"a": "up", "b": "no answer"}
    await asking.journal.claim(record())

    status = msgspec.json.decode(msgspec.json.encode(await STATUS.answer(asking)))

    assert status["proxies"] == {"a": "up", "b": "no answer"}


@pytest.mark.parametrize(("dialect", "seq"), [("v1", 2), ("v2", 3)])
async def test_a_failed_command_is_shown_with_its_error_and_the_seq_of_the_dialect(
    dialect: DialectName, seq: int
) -> None:
    asking = FakeAsking(dialect=dialect)
    owned = await asking.journal.claim(record())
    assert not isinstance(owned, Snapshot)
    owned.append(CallHolding())
    owned.append(Error.of(CallFailed(486, "Busy Here")))
    owned.append(Ended(), last=True)

    status = msgspec.json.decode(msgspec.json.encode(await STATUS.answer(asking)))

    assert (status["state"], status["outcome"], status["seq"]) == ("ended", "error", seq)
    assert status["error"] == {
        "code": -32020,
        "name": "CallFailed",
        "status": 486,
        "reason": "Busy Here",
    }
    assert status["ended"].endswith("Z")


async def test_a_command_that_is_not_kept_has_no_status() -> None:
    with pytest.raises(UnknownCommand):
        await STATUS.answer(FakeAsking())
