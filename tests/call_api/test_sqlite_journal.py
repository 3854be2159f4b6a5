import asyncio
import json
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from call_api.entry import Entry
from call_api.errors import CallFailed, DuplicateCommand, JournalFailed, UnknownCommand
from call_api.events import CallHolding, CallHoldStart, Ended, Error
from call_api.journal import Owned, Snapshot
from call_api.journal_opening import sqlite_journal
from call_api.journal_writer import JournalWriter
from call_api.memory_journal import Bounds
from call_api.model import CmdId
from call_api.sqlite_journal import SqliteJournal
from tests.fakes.following import calling
from tests.fakes.records import record
from tests.fakes.slow_disk import SlowDisk
from tests.fakes.virtual_time import until

WITHIN = 5.0


class Time:
    """A clock that counts since boot, and the time of day, both turned by hand."""

    def __init__(self) -> None:
        self.clock = 1000.0
        self.wall = 1_700_000_000.0

    def pass_(self, seconds: float) -> None:
        self.clock += seconds
        self.wall += seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@asynccontextmanager
async def opened(
    path: Path, time: Time | None = None, *, boot: str | None = None, **bounds: Any
) -> AsyncIterator[SqliteJournal]:
    loop = asyncio.get_running_loop()
    more: dict[str, Any] = {"clock": loop.time}
    if time is not None:
        more = {"clock": lambda: time.clock, "wall": lambda: time.wall}
    more |= {"call_soon": loop.call_soon, "bounds": Bounds(**bounds)}
    async with sqlite_journal(path, boot=boot, **more) as journal:
        yield journal


async def begin(journal: SqliteJournal, cmd_id: str = "a", **about: Any) -> Owned:
    async with asyncio.timeout(WITHIN):
        claimed = await journal.claim(record(cmd_id, **about))
    assert not isinstance(claimed, Snapshot)
    return claimed


async def end(owned: Owned) -> None:
    owned.append(Ended(), last=True)
    await owned.stored()


async def ids(journal: SqliteJournal) -> list[str]:
    return [one.record.cmd_id for one in await journal.commands(None)]


async def orphans(journal: SqliteJournal) -> list[Owned]:
    async with journal.orphans() as found:
        return [owned async for owned in found]


async def test_what_has_ended_is_replayed_after_a_restart(path: Path) -> None:
    async with opened(path) as journal:
        owned = await begin(journal)
        owned.append(CallHolding())
        owned.append(Error.of(CallFailed(486, "Busy Here")))
        await end(owned)
        before = await journal.read(CmdId("a"))

    async with opened(path) as journal:
        after = await journal.read(CmdId("a"))
        again = await journal.claim(record("a"))
        told: list[Entry] = []
        journal.follow(CmdId("a"), 1, calling(told.append))
        await asyncio.sleep(0)
        with pytest.raises(DuplicateCommand):
            await journal.claim(record("a", params='{"callid":"other"}'))

    assert after[1] == before[1]
    assert isinstance(again, Snapshot)
    for snapshot in (after[0], again):
        assert (snapshot.state, snapshot.outcome, snapshot.seq, snapshot.v1) == (
            "ended",
            "error",
            3,
            2,
        )
        assert json.loads(bytes(snapshot.error or b"")) == json.loads(bytes(before[0].error or b""))
        assert snapshot.ended == before[0].ended
    assert [entry.seq for entry in told] == [2, 3]


async def test_what_ran_when_the_daemon_died_is_an_orphan_once_and_goes_on_where_it_was(
    path: Path,
) -> None:
    async with opened(path) as journal:
        await end(await begin(journal, "done"))
        owned = await begin(journal, "alone", token="t")
        owned.append(CallHolding())
        owned.append(Error.of(CallFailed(486)))
        assert await orphans(journal) == []

    async with opened(path) as journal:
        (orphan,) = await orphans(journal)
        assert await orphans(journal) == []
        assert (orphan.record.cmd_id, orphan.record.token) == ("alone", "t")
        assert [entry.seq for entry in orphan.entries] == [1, 2]
        await end(orphan)
        snapshot, entries = await journal.read(CmdId("alone"))
        assert [(entry.seq, entry.v1) for entry in entries] == [(1, 0), (2, 1), (3, 2)]
        assert (snapshot.state, snapshot.outcome) == ("ended", "error")


async def test_nobody_hears_or_reads_what_is_not_kept(path: Path) -> None:
    told: list[Entry] = []
    async with opened(path) as journal:
        owned = await begin(journal)
        journal.follow(CmdId("a"), 0, calling(told.append))
        owned.append(CallHolding())
        await asyncio.sleep(0)

        assert told == []
        assert (await journal.read(CmdId("a")))[1] == []
        await owned.stored()
        await asyncio.sleep(0)
        assert [entry.seq for entry in told] == [1]
        await owned.may_act()


async def test_a_command_is_there_when_its_claim_is_kept_and_not_before(path: Path) -> None:
    async with opened(path) as journal:
        claiming = asyncio.gather(begin(journal), journal.claim(record("a")))
        await asyncio.sleep(0)
        with pytest.raises(UnknownCommand):
            await journal.read(CmdId("a"))

        owned, second = await claiming
        assert isinstance(second, Snapshot)
        assert second.record == owned.record


async def test_another_command_under_an_id_that_is_being_claimed_is_refused(path: Path) -> None:
    async with opened(path) as journal:
        first, second = await asyncio.gather(
            begin(journal),
            journal.claim(record("a", params='{"callid":"other"}')),
            return_exceptions=True,
        )
        assert not isinstance(first, BaseException)
        assert isinstance(second, DuplicateCommand)


async def test_two_tokens_that_choose_the_same_id_have_two_commands(path: Path) -> None:
    async with opened(path) as journal:
        await asyncio.gather(begin(journal, token="x"), begin(journal, token="y"))

    async with opened(path) as journal:
        for token in "xy":
            snapshot, _ = await journal.read(CmdId("a"), token=token)
            assert snapshot.record.token == token


async def test_commands_that_are_being_claimed_count_as_running(path: Path) -> None:
    async with opened(path, run_most=2) as journal:
        found = await asyncio.gather(
            *(journal.claim(record(name)) for name in "abc"), return_exceptions=True
        )

        assert [isinstance(one, Exception) for one in found] == [False, False, True]
        assert journal.is_ready() == "too many commands run"


async def test_a_claim_that_cannot_be_kept_is_refused_and_may_come_again() -> None:
    loop, disk = asyncio.get_running_loop(), SlowDisk()
    with ThreadPoolExecutor(max_workers=1) as thread:
        writer = JournalWriter(disk, thread, try_again_every=0.02)
        journal = SqliteJournal(writer, [], clock=loop.time, call_soon=loop.call_soon)
        owned = await begin(journal, "before")
        disk.problem = OSError("no space")
        for _ in range(2):  # that is found out, then known
            with pytest.raises(JournalFailed):
                await journal.claim(record("a"))
        assert await ids(journal) == ["before"]
        assert journal.is_ready() == "the journal cannot be written: no space"
        owned.append(CallHoldStart(leg="caller"))
        with pytest.raises(JournalFailed):
            await owned.stored()
        await owned.may_act()
        await journal.settled()
        assert (await journal.read(CmdId("before")))[0].seq == 0

        disk.problem = None
        await until(lambda: journal.is_ready() is None)
        await begin(journal, "a")
        assert (await journal.read(CmdId("before")))[0].seq == 1
        await writer.close()


async def test_what_is_forgotten_is_gone_from_the_file_too(path: Path, time: Time) -> None:
    async with opened(path, time, keep_most=1) as journal:
        for name in "abc":
            await end(await begin(journal, name))
        assert await ids(journal) == ["c"]
        await journal.settled()

    async with opened(path, time) as journal:
        assert await ids(journal) == ["c"]


async def test_an_id_that_was_forgotten_and_used_again_is_the_new_command(
    path: Path, time: Time
) -> None:
    async with opened(path, time, keep_most=0) as journal:
        await end(await begin(journal, "a", params='{"callid":"old"}'))
        await begin(journal, "a", params='{"callid":"new"}')

    async with opened(path, time) as journal:
        (orphan,) = await orphans(journal)
        assert bytes(orphan.record.params) == b'{"callid":"new"}'


async def test_a_restart_takes_nothing_from_the_time_that_a_command_is_kept_and_adds_nothing(
    path: Path, time: Time
) -> None:
    async with opened(path, time) as journal:
        first, second = await begin(journal, "a"), await begin(journal, "b")
        await end(second)
        time.pass_(200)
        await end(first)

    time.pass_(99)
    async with opened(path, time) as journal:
        assert await ids(journal) == ["a", "b"]
        time.pass_(1)
        assert await ids(journal) == ["a"]
        time.pass_(199)
        assert await ids(journal) == ["a"]
    time.pass_(1)
    async with opened(path, time) as journal:
        assert await ids(journal) == []


@pytest.mark.parametrize("jump", [-10_000_000.0, 10_000_000.0])
async def test_a_changed_time_of_day_changes_nothing(path: Path, time: Time, jump: float) -> None:
    async with opened(path, time) as journal:
        await end(await begin(journal))
    time.wall += jump
    time.pass_(299)
    async with opened(path, time) as journal:
        assert await ids(journal) == ["a"]
        time.pass_(1)
        assert await ids(journal) == []


async def test_after_a_restart_of_the_machine_the_time_of_day_counts(
    path: Path, time: Time
) -> None:
    async with opened(path, time, boot="x") as journal:
        first, second = await begin(journal, "a"), await begin(journal, "b")
        await end(first)
        time.pass_(100)
        await end(second)

    time.wall, time.clock = time.wall + 250, 5.0
    async with opened(path, time, boot="y") as journal:
        assert await ids(journal) == ["b"]
    time.wall, time.clock = time.wall - 10_000, 7.0  # not older than new
    async with opened(path, time, boot="z") as journal:
        assert await ids(journal) == ["b"]
        time.pass_(300)
        assert await ids(journal) == []


async def test_within_smaller_bounds_less_is_taken_from_the_file(path: Path) -> None:
    async with opened(path) as journal:
        for name in "abc":
            await end(await begin(journal, name))

    async with opened(path, keep_most=2) as journal:
        assert await ids(journal) == ["b", "c"]


async def test_a_cancelled_command_is_cancelled_once_and_not_when_it_has_told_its_end(
    path: Path,
) -> None:
    async with opened(path) as journal:
        owned, asked = await begin(journal), list[str]()
        owned.on_cancel = lambda: asked.append("cancel")
        owned.append(Ended(), last=True)

        assert await journal.cancel(CmdId("a")) == "cancelling"
        await owned.stored()
        assert await journal.cancel(CmdId("a")) == "ended"
        assert asked == []
