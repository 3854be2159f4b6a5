"""Opens the journal that survives its daemon."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from call_api.journal_store import JournalStore, Kept, Sync, UnusableFile, this_boot
from call_api.journal_writer import JournalWriter
from call_api.sqlite_journal import SqliteJournal


@asynccontextmanager
async def sqlite_journal(
    path: Path, *, sync: Sync = "claims", boot: str | None = None, **more: Any
) -> AsyncIterator[SqliteJournal]:
    """Keep commands in a file for as long as the context is entered.

    Args:
        boot: What tells this boot of the machine from others; by default the machine says.
        more: As for `SqliteJournal`.

    Raises:
        ValueError: The file cannot be the journal; the message is ``key: what was expected``.
    """
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal") as thread:
        try:
            store, kept = await loop.run_in_executor(thread, _open, path, sync, boot)
        except UnusableFile as exc:
            raise ValueError(f"journal.path: expected {exc}") from exc
        writer = JournalWriter(store, thread)
        journal = SqliteJournal(writer, kept, **more)
        try:
            yield journal
        finally:
            await writer.close()


def _open(path: Path, sync: Sync, boot: str | None) -> tuple[JournalStore, list[Kept]]:
    store = JournalStore(path, sync=sync, boot=this_boot() if boot is None else boot)
    try:
        return store, store.load()
    except BaseException:
        store.close()
        raise
