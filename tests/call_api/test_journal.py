import pytest

from call_api.journal import Journal
from call_api.memory_journal import MemoryJournal
from call_api.sqlite_journal import SqliteJournal


@pytest.mark.parametrize("kind", [MemoryJournal, SqliteJournal])
def test_what_is_wanted_of_a_journal_is_there(kind: type) -> None:
    wanted = {name for name in vars(Journal) if not name.startswith("_")}

    assert wanted
    assert wanted <= set(dir(kind))
