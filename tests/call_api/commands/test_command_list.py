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


async def pages(asking: FakeAsking, **params: object) -> list[object]:
    """Read page by page; return the ids of each, and what ``next`` was on the last one."""
    told: list[object] = []
    while True:
        query = msgspec.convert(params, CommandList)
        page = msgspec.json.decode(msgspec.json.encode(await query.answer(asking)))
        told.append([one["cmd_id"] for one in page["commands"]])
        if not page.get("next"):
            return [*told, page.get("next", "none")]
        params["after"] = page["next"]


async def test_many_commands_are_read_page_by_page() -> None:
    asking = FakeAsking()
    for cmd_id in "abcde":
        await asking.journal.claim(record(cmd_id))

    assert await pages(asking, limit=2) == [["a", "b"], ["c", "d"], ["e"], None]
    assert await pages(asking, limit=5) == [["a", "b", "c", "d", "e"], None]
    assert await pages(asking, after="c") == [["d", "e"], "none"]
    assert await pages(asking, limit=4, after="e") == [[], None]
    assert await pages(asking, limit=1, after="forgotten") == [
        ["a"],
        ["b"],
        ["c"],
        ["d"],
        ["e"],
        None,
    ]


async def test_who_sees_all_reads_each_once_though_two_tokens_use_the_same_id() -> None:
    asking = FakeAsking()
    for number, (cmd_id, token) in enumerate(
        [("x", "one"), ("a", "one"), ("x", "two"), ("call-1", "two"), ("b", "one")]
    ):
        made = record(cmd_id, token=token, callid=f"call-{number}", started=float(number))
        await asking.journal.claim(made)

    for limit in range(1, 6):
        told = await pages(asking, limit=limit)
        ids = [cmd_id for page in told[:-1] if isinstance(page, list) for cmd_id in page]
        assert ids == ["x", "a", "x", "call-1", "b"]
