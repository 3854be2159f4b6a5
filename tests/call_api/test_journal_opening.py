import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from call_api.journal_opening import sqlite_journal
from tests.fakes.records import record


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


async def claim_one(path: Path) -> None:
    loop = asyncio.get_running_loop()
    async with sqlite_journal(path, clock=loop.time, call_soon=loop.call_soon) as journal:
        await journal.claim(record("a"))


@pytest.fixture
def diary(path: Path) -> Path:
    path.write_text("my diary" * 100)
    return path


async def test_a_file_that_is_no_journal_is_refused_by_the_name_of_the_setting(diary: Path) -> None:

    with pytest.raises(ValueError, match=r"^journal\.path: expected an undamaged journal"):
        await claim_one(diary)


async def test_a_journal_that_does_not_load_is_let_go(path: Path) -> None:
    await claim_one(path)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE commands SET record = '{}'")

    for _ in range(2):  # not locked the second time
        with pytest.raises(ValueError, match="undamaged"):
            await claim_one(path)
