"""The journal's SQLite file: what is in it, and how one batch is added. For one thread.

    commands  one row a command: its `Record` as JSON, and when it ended
    entries   one row an event
    meta      the boot of the machine that the clock of `Ended.clock` counts from

A command is one row that is never changed but to end it, and all rows of it are deleted at once
when it is forgotten. The file is locked for as long as it is open: there is one writer.
"""

import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal, TypeAlias

import msgspec
from msgspec import Raw, Struct

from call_api.entry import Entry
from call_api.model import CallId, CmdId
from call_api.record import Record


class _Begun(Struct, frozen=True, kw_only=True):
    """A `Record`, as the file has it."""

    cmd_id: CmdId
    method: str
    params: Raw
    token: str
    callid: CallId
    proxy: str
    timeout: float
    started: datetime


Sync: TypeAlias = Literal["claims", "all"]
"""What is on the disk itself before anybody hears of it: claims, or all."""


class UnusableFile(Exception):
    """The file cannot be the journal. The message says what was expected."""


@dataclass(frozen=True, slots=True)
class End:
    """When a command ended.

    Attributes:
        wall: Seconds since 1970.
        clock: Seconds on the machine's monotonic clock; None: on that of another boot.
    """

    wall: float
    clock: float | None


@dataclass(slots=True)
class Kept:
    """One command as it is in the file. ``end`` is None if it was never ended."""

    number: int
    record: Record
    end: End | None
    entries: list[Entry] = field(default_factory=list)


@dataclass(slots=True)
class Batch:
    """What one transaction adds. Commands go by the number that their claim gave them.

    Attributes:
        claims: Number and `Record`.
        entries: Number of the command, `Entry`.
        ends: Number, and when.
        forgotten: Numbers.
    """

    claims: list[tuple[int, Record]] = field(default_factory=list)
    entries: list[tuple[int, Entry]] = field(default_factory=list)
    ends: list[tuple[int, End]] = field(default_factory=list)
    forgotten: list[int] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (self.claims or self.entries or self.ends or self.forgotten)

    def add(self, later: "Batch") -> None:
        """Add what comes after it."""
        self.claims += later.claims
        self.entries += later.entries
        self.ends += later.ends
        self.forgotten += later.forgotten


class JournalStore:
    """An open journal file.

    Args:
        boot: What tells this boot of the machine from others; empty: nothing does.

    Raises:
        UnusableFile: It is none, is damaged, is locked, or cannot be written.
    """

    def __init__(self, path: Path, *, sync: Sync = "claims", boot: str = "") -> None:
        self._syncs_all = sync == "all"
        self._boot = boot
        _make(path)
        try:
            self._db = sqlite3.connect(
                path, isolation_level=None, timeout=_LOCKED_FOR, check_same_thread=False
            )
            try:
                self._open()
            except BaseException:
                self._db.close()
                raise
        except sqlite3.Error as exc:
            raise UnusableFile(_explained(path, exc)) from exc

    def load(self) -> list[Kept]:
        """Return all that is in the file, in order of the commands' start.

        Raises:
            UnusableFile: It is damaged.
        """
        try:
            return list(self._load())
        except (sqlite3.Error, msgspec.MsgspecError, KeyError, IndexError) as exc:
            raise UnusableFile(f"an undamaged journal, not one with {exc}") from exc

    def write(self, batch: Batch) -> None:
        """Add a batch: all of it, or nothing.

        Adding what was added already changes nothing, for SQLite may fail only at the very end.

        Raises:
            sqlite3.Error: It is not kept.
        """
        self._set_sync(full=self._syncs_all or bool(batch.claims))
        execute, executemany = self._db.execute, self._db.executemany
        execute("BEGIN IMMEDIATE")
        try:
            execute("UPDATE meta SET value = value + 1 WHERE name = 'written'")
            executemany(_CLAIM, ((n, _text(record)) for n, record in batch.claims))
            executemany(_ENTER, ((n, e.seq, e.v1, e.event.decode()) for n, e in batch.entries))
            executemany(_END, ((n, end.wall, end.clock) for n, end in batch.ends))
            for statement in _FORGET:
                executemany(statement, ((n,) for n in batch.forgotten))
            execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def _open(self) -> None:
        execute = self._db.execute
        # No other process comes in: no second daemon runs the same commands.
        execute("PRAGMA locking_mode = EXCLUSIVE")
        execute("PRAGMA journal_mode = WAL")
        execute(f"PRAGMA journal_size_limit = {_LARGEST_WAL_BYTES}")
        self._full = False
        self._set_sync(full=True)
        execute("BEGIN IMMEDIATE")
        (application,) = execute("PRAGMA application_id").fetchone()
        (version,) = execute("PRAGMA user_version").fetchone()
        (tables,) = execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if not tables and not application:
            for statement in _SCHEMA:
                execute(statement)
        elif application != _APPLICATION:
            raise UnusableFile("a journal, not a database of something else")
        elif version != _VERSION:
            raise UnusableFile(f"a journal of version {_VERSION}, not of version {version}")
        self._set_boot()
        execute("COMMIT")
        (found,) = execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise UnusableFile(f"an undamaged journal, not one with {found}")

    def _set_boot(self) -> None:
        """Forget the clocks of other boots: they count from another time."""
        execute = self._db.execute
        (boot,) = execute("SELECT value FROM meta WHERE name = 'boot'").fetchone()
        if not boot or boot != self._boot:
            execute("UPDATE commands SET clock = NULL")
            execute("UPDATE meta SET value = ? WHERE name = 'boot'", (self._boot,))

    def _load(self) -> Iterator[Kept]:
        execute = self._db.execute
        kept: dict[int, Kept] = {}
        for number, record, wall, clock in execute(
            "SELECT number, record, wall, clock FROM commands ORDER BY number"
        ):
            end = None if wall is None else End(wall, clock)
            kept[number] = Kept(number, _record(record), end)
        for number, seq, v1, event in execute(
            "SELECT command, seq, v1, event FROM entries ORDER BY command, seq"
        ):
            entries = kept[number].entries
            if seq != len(entries) + 1:
                raise IndexError(f"event {seq} of {kept[number].record.cmd_id} out of place")
            entries.append(Entry(seq=seq, v1=v1, event=event.encode()))
        yield from kept.values()

    def _set_sync(self, *, full: bool) -> None:
        if full != self._full:
            self._full = full
            self._db.execute(f"PRAGMA synchronous = {'FULL' if full else 'NORMAL'}")


def this_boot() -> str:
    """Return what tells this boot of the machine from others; empty: nothing does."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


def _make(path: Path) -> None:
    """Make the file if it is not there, for us alone: it tells who called whom.

    Raises:
        UnusableFile: It cannot be made, or is no file.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        # Not opened here: to close it would take away the lock of whoever has it in this process.
        if not path.is_file():
            raise UnusableFile(f"a file, {path} is none") from None
    except OSError as exc:
        raise UnusableFile(f"a file that can be written, {path}: {exc.strerror}") from exc


def _explained(path: Path, exc: sqlite3.Error) -> str:
    if exc.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
        return f"a file that no other daemon uses, {path} is locked"
    if exc.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return f"an undamaged journal: {exc}; move {path} away to start without what it holds"
    return f"a file that can be written: {exc}"


def _text(record: Record) -> str:
    begun = _Begun(
        cmd_id=record.cmd_id,
        method=record.method,
        params=Raw(record.params),
        token=record.token,
        callid=record.callid,
        proxy=record.proxy,
        timeout=record.timeout,
        started=datetime.fromtimestamp(record.started, UTC),
    )
    return msgspec.json.encode(begun).decode()


def _record(text: str) -> Record:
    begun = msgspec.json.decode(text, type=_Begun)
    return Record(
        cmd_id=begun.cmd_id,
        method=begun.method,
        params=bytes(begun.params),
        token=begun.token,
        callid=begun.callid,
        proxy=begun.proxy,
        timeout=begun.timeout,
        started=begun.started.timestamp(),
    )


_LOCKED_FOR: Final = 1.0
"""Seconds for another daemon to let go of the file."""

_LARGEST_WAL_BYTES: Final = 16 * 1024 * 1024

_APPLICATION: Final = 0x43414A4C  # "CAJL"
_VERSION: Final = 1

_SCHEMA: Final = (
    """CREATE TABLE commands (
        number INTEGER PRIMARY KEY, record TEXT NOT NULL, wall REAL, clock REAL
    )""",
    """CREATE TABLE entries (
        command INTEGER NOT NULL, seq INTEGER NOT NULL, v1 INTEGER NOT NULL, event TEXT NOT NULL,
        PRIMARY KEY (command, seq)
    ) WITHOUT ROWID""",
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID",
    "INSERT INTO meta VALUES ('boot', ''), ('written', 0)",
    f"PRAGMA application_id = {_APPLICATION}",
    f"PRAGMA user_version = {_VERSION}",
)

_CLAIM: Final = "INSERT OR REPLACE INTO commands (number, record) VALUES (?, ?)"
_ENTER: Final = "INSERT OR REPLACE INTO entries (command, seq, v1, event) VALUES (?, ?, ?, ?)"
_END: Final = "UPDATE commands SET wall = ?2, clock = ?3 WHERE number = ?1"
_FORGET: Final = (
    "DELETE FROM entries WHERE command = ?",
    "DELETE FROM commands WHERE number = ?",
)
