import inspect

import pytest

from call_api.command_log import CommandLog
from call_api.journal import Journal, Owned
from call_api.memory_journal import MemoryJournal
from call_api.sqlite_journal import SqliteJournal


@pytest.mark.parametrize(
    ("kind", "wanted"), [(MemoryJournal, Journal), (SqliteJournal, Journal), (CommandLog, Owned)]
)
def test_whatever_is_wanted_of_a_journal_and_of_the_right_to_act_is_there(
    kind: type, wanted: type
) -> None:
    assert issubclass(kind, wanted)
    assert inspect.isabstract(wanted)
    assert not inspect.isabstract(kind)
