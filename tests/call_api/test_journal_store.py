import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from call_api.entry import Entry
from call_api.journal_store import Batch, End, JournalStore, UnusableFile, this_boot
from tests.fakes.records import record

HOLDING = Entry(seq=1, v1=0, event=b'{"event":"CallHolding"}')
ENDED = Entry(seq=2, v1=1, event=b'{"event":"Ended"}')
ODD = Entry(seq=1, v1=1, event='{"event":"Reply","data":{"a":"\\u0000 é \\" 1e5"}}'.encode())
ALL = Batch(
    claims=[(1, record("a")), (2, record("b", params='{"x":1.0}'))],
    entries=[(1, HOLDING), (2, ODD), (1, ENDED)],
    ends=[(1, End(1000.5, 77.123456789))],
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def refusal(path: Path) -> str:
    with pytest.raises(UnusableFile) as caught, closing(JournalStore(path)) as store:
        store.load()
    return str(caught.value)


def test_what_was_written_is_there_when_the_file_is_opened_again(path: Path) -> None:
    with closing(JournalStore(path, boot="x")) as store:
        assert store.load() == []
        store.write(ALL)

    with closing(JournalStore(path, boot="x")) as store:
        first, second = store.load()

    assert (first.number, first.entries) == (1, [HOLDING, ENDED])
    assert first.end == End(1000.5, 77.123456789)
    assert (second.number, second.entries, second.end) == (2, [ODD], None)
    assert second.record.params == b'{"x":1.0}'
    assert first.record.started == record().started


def test_what_was_written_already_may_be_written_again(path: Path) -> None:
    with closing(JournalStore(path)) as store:
        store.write(ALL)
        store.write(ALL)

        assert [one.entries for one in store.load()] == [[HOLDING, ENDED], [ODD]]


def test_what_is_forgotten_is_gone_with_all_it_told(path: Path) -> None:
    with closing(JournalStore(path)) as store:
        store.write(ALL)
        store.write(Batch(forgotten=[1]))

        assert [one.number for one in store.load()] == [2]
        store.write(Batch(claims=[(1, record("c"))]))
        assert [one.entries for one in store.load()] == [[], [ODD]]


def test_a_batch_that_fails_leaves_nothing_and_the_next_one_is_written(path: Path) -> None:
    nothing: bytes = None  # type: ignore[assignment]  # on purpose
    with closing(JournalStore(path)) as store:
        with pytest.raises(AttributeError):
            store.write(
                Batch(claims=[(1, record())], entries=[(1, Entry(seq=1, v1=0, event=nothing))])
            )
        assert store.load() == []

        store.write(ALL)
        assert len(store.load()) == 2


def test_the_clock_of_another_boot_is_forgotten(path: Path) -> None:
    for boots in (("x", "y"), ("", "")):
        path.unlink(missing_ok=True)
        with closing(JournalStore(path, boot=boots[0])) as store:
            store.write(ALL)
        for _ in range(2):
            with closing(JournalStore(path, boot=boots[1])) as store:
                assert store.load()[0].end == End(1000.5, None)


def test_a_power_failure_cannot_take_back_claims_or_with_all_anything(path: Path) -> None:
    def levels(**settings: str) -> list[int]:
        found = []
        with closing(JournalStore(path, **settings)) as store:  # type: ignore[arg-type]  # ok
            for batch in (Batch(claims=[(1, record())]), Batch(entries=[(1, HOLDING)])):
                store.write(batch)
                found += store._db.execute("PRAGMA synchronous").fetchone()
        return found

    assert levels() == [2, 1]
    assert levels(sync="all") == [2, 2]


def test_only_its_owner_may_read_the_file(path: Path) -> None:
    with closing(JournalStore(path)) as store:
        store.write(ALL)
        modes = {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}

    assert modes == {0o600}


def test_a_second_process_is_kept_out_until_the_first_is_gone(path: Path) -> None:
    hold = (
        "import sys, pathlib; from call_api.journal_store import JournalStore;"
        "JournalStore(pathlib.Path(sys.argv[1])); print('open', flush=True); input()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", hold, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        assert refusal(path) == f"a file that no other daemon uses, {path} is locked"
    finally:
        other.kill()
        other.communicate()

    with closing(JournalStore(path)) as store:
        assert store.load() == []


def test_what_is_no_database_is_refused_and_left_alone(path: Path) -> None:
    path.write_bytes(b"my diary\n" * 200)

    assert "move" in refusal(path)
    assert path.read_bytes() == b"my diary\n" * 200


def test_a_damaged_file_is_refused(path: Path) -> None:
    with closing(JournalStore(path)) as store:
        for number in range(200):
            store.write(Batch(claims=[(number, record(str(number)))]))
    data = bytearray(path.read_bytes())
    data[4096:] = bytes(len(data) - 4096)
    path.write_bytes(data)

    assert refusal(path).startswith("an undamaged journal")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE commands SET record = 'x'",
        "UPDATE commands SET record = '{}'",
        "DELETE FROM entries WHERE seq = 1",
        "DELETE FROM commands",
        "DROP TABLE entries",
    ],
)
def test_a_file_that_somebody_has_edited_is_refused(path: Path, statement: str) -> None:
    with closing(JournalStore(path)) as store:
        store.write(ALL)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(statement)

    assert refusal(path).startswith("an undamaged journal")


def test_a_database_of_something_else_is_refused(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE contacts (name)")

    assert refusal(path) == "a journal, not a database of something else"


def test_a_journal_of_a_later_version_is_refused(path: Path) -> None:
    JournalStore(path).close()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("PRAGMA user_version = 2")

    assert refusal(path) == "a journal of version 1, not of version 2"


def test_a_place_where_no_file_can_be_is_refused_with_the_reason(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"a file, {tmp_path} is none"
    missing = tmp_path / "missing" / "journal.db"
    assert refusal(missing) == f"a file that can be written, {missing}: No such file or directory"


def test_a_boot_has_a_name_that_stays() -> None:
    assert this_boot() == this_boot()
