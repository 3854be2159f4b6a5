import msgspec

from call_api.commands.command_list import CommandList
from call_api.events import Ended
from call_api.journal import Snapshot
from tests.fakes.asking import FakeAsking
from tests.fakes.records import record


async def test_running_and_ended_commands_are_listed_in_order() -> None:
    asking = FakeAsking()
    for cmd_id in "ab":
        owned = await asking.journal.claim(record(cmd_id))
        assert not isinstance(owned, Snapshot)
        if cmd_id == "a":
            owned.append(Ended(), last=True)

    listed = msgspec.json.decode(msgspec.json.encode(await CommandList().answer(asking)))

    assert [(one["cmd_id"], one["state"]) for one in listed["commands"]] == [
        ("a", "ended"),
        ("b", "running"),
    ]


async def test_without_commands_the_list_is_empty() -> None:
    assert msgspec.json.encode(await CommandList().answer(FakeAsking())) == b'{"commands":[]}'
