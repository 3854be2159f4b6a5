import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from call_api.entry import Entry
from call_api.errors import JournalFailed
from call_api.journal_writer import JournalWriter
from tests.fakes.records import record
from tests.fakes.slow_disk import SlowDisk
from tests.fakes.virtual_time import until

AGAIN = 0.02


@pytest.fixture
def store() -> SlowDisk:
    return SlowDisk()


@pytest.fixture
async def writer(store: SlowDisk) -> AsyncIterator[JournalWriter]:
    with ThreadPoolExecutor(max_workers=1) as thread:
        writer = JournalWriter(store, thread, try_again_every=AGAIN)
        yield writer
        store.is_free.set()
        await writer.close()


def add(writer: JournalWriter, seq: int, kept: list[int] | None = None) -> None:
    on_kept = None if kept is None else lambda: kept.append(seq)
    writer.batch(on_kept).entries.append((1, Entry(seq=seq, v1=0, event=b"{}")))


async def written(writer: JournalWriter) -> None:
    async with asyncio.timeout(5):
        await writer.written()


async def refused(writer: JournalWriter) -> str:
    with pytest.raises(JournalFailed) as caught:
        await written(writer)
    return str(caught.value.reason)


async def test_what_is_added_in_one_turn_is_one_transaction(
    store: SlowDisk, writer: JournalWriter
) -> None:
    for seq in (1, 2, 3):
        add(writer, seq)
    await written(writer)
    add(writer, 4)
    await written(writer)

    assert store.seqs == [[1, 2, 3], [4]]


async def test_while_the_disk_is_busy_the_next_transaction_grows(
    store: SlowDisk, writer: JournalWriter
) -> None:
    store.is_free.clear()
    add(writer, 1)
    await until(lambda: store.tries)
    for seq in (2, 3):
        add(writer, seq)
        await asyncio.sleep(0)
    store.is_free.set()
    await written(writer)

    assert store.seqs == [[1], [2, 3]]


async def test_it_is_told_in_order_what_is_kept_and_only_then(
    store: SlowDisk, writer: JournalWriter
) -> None:
    kept: list[int] = []
    store.is_free.clear()
    add(writer, 1, kept)
    add(writer, 2, kept)
    await until(lambda: store.tries)
    assert kept == []

    store.is_free.set()
    await written(writer)
    assert kept == [1, 2]


async def test_nobody_waits_when_there_is_nothing_to_write(
    store: SlowDisk, writer: JournalWriter
) -> None:
    await written(writer)

    assert (store.tries, writer.is_ready()) == (0, None)


async def test_who_waits_for_a_batch_on_its_way_need_not_wait_for_another(
    store: SlowDisk, writer: JournalWriter
) -> None:
    store.is_free.clear()
    add(writer, 1)
    await until(lambda: store.tries)
    store.is_free.set()
    await written(writer)

    assert store.tries == 1


async def test_a_full_disk_refuses_claims_and_keeps_what_was_told_until_it_can_be_kept(
    store: SlowDisk, writer: JournalWriter, caplog: pytest.LogCaptureFixture
) -> None:
    kept: list[int] = []
    store.problem = sqlite3.OperationalError("database or disk is full")
    writer.batch().claims.append((1, record()))
    add(writer, 1, kept)

    assert await refused(writer) == "database or disk is full"
    assert writer.is_ready() == "the journal cannot be written: database or disk is full"
    assert await refused(writer) == "database or disk is full"  # at once
    add(writer, 2, kept)
    before = store.tries
    await until(lambda: store.tries >= before + 2)
    assert kept == []

    store.problem = None
    await until(lambda: writer.is_ready() is None)
    assert (store.seqs, kept) == ([[1, 2]], [1, 2])
    assert store.batches[0].claims == []
    assert caplog.messages == [
        "the journal cannot be written: database or disk is full",
        "the journal can be written again",
    ]


async def test_what_nobody_expected_fails_the_journal_too_and_is_logged_in_full(
    store: SlowDisk, writer: JournalWriter, caplog: pytest.LogCaptureFixture
) -> None:
    store.problem = MemoryError()
    add(writer, 1)

    assert await refused(writer) == "MemoryError"
    (line,) = caplog.records
    assert line.exc_info is not None


async def test_a_disk_that_hangs_is_not_ready(store: SlowDisk) -> None:
    with ThreadPoolExecutor(max_workers=1) as thread:
        writer = JournalWriter(store, thread, stuck_after=0.01)
        store.is_free.clear()
        add(writer, 1)
        await until(lambda: writer.is_ready() is not None)

        assert writer.is_ready() == "the journal has not been written for 0.01 s"
        store.is_free.set()
        await written(writer)
        assert writer.is_ready() is None
        await writer.close()


@pytest.mark.parametrize("problem", [None, sqlite3.OperationalError("disk I/O error")])
async def test_one_who_does_not_wait_any_more_harms_nobody(
    store: SlowDisk, writer: JournalWriter, problem: Exception | None
) -> None:
    store.problem = problem
    store.is_free.clear()
    add(writer, 1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await writer.written()
    store.is_free.set()
    await until(lambda: store.tries > 1 or store.batches)

    store.problem = None
    await until(lambda: store.batches and writer.is_ready() is None)


async def test_at_the_end_all_is_written_and_the_file_let_go(
    store: SlowDisk, writer: JournalWriter
) -> None:
    add(writer, 1)
    await writer.close()
    add(writer, 2)
    await asyncio.sleep(0.01)

    assert (store.seqs, store.is_closed) == ([[1]], True)
    assert await refused(writer) == "the daemon is shutting down"


async def test_at_the_end_a_disk_that_has_room_again_gets_it_all(store: SlowDisk) -> None:
    with ThreadPoolExecutor(max_workers=1) as thread:
        writer = JournalWriter(store, thread, try_again_every=3600.0)
        store.problem = sqlite3.OperationalError("database or disk is full")
        add(writer, 1)
        await refused(writer)

        store.problem = None
        await writer.close()
    assert (store.seqs, store.is_closed) == ([[1]], True)


async def test_at_the_end_what_cannot_be_kept_is_said(
    store: SlowDisk, writer: JournalWriter, caplog: pytest.LogCaptureFixture
) -> None:
    store.problem = sqlite3.OperationalError("database or disk is full")
    add(writer, 1)
    add(writer, 2)
    await writer.close()

    assert store.is_closed
    assert caplog.messages[-1] == "2 events could not be kept: database or disk is full"
    assert caplog.records[-1].levelno == logging.ERROR


async def test_at_the_end_a_try_that_is_under_way_is_the_last_one(
    store: SlowDisk, writer: JournalWriter
) -> None:
    store.problem = sqlite3.OperationalError("database or disk is full")
    add(writer, 1)
    await refused(writer)
    store.is_free.clear()
    tries = store.tries
    await until(lambda: store.tries > tries)
    add(writer, 2)

    store.problem = None
    async with asyncio.TaskGroup() as group:
        closing = group.create_task(writer.close())
        await asyncio.sleep(0.01)
        assert not closing.done()
        store.is_free.set()
    assert (store.seqs, store.is_closed) == ([[1], [2]], True)
