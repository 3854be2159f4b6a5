from datetime import UTC, datetime

from call_cmd.call_rows import HEADER, row
from call_cmd.names import PhoneBook
from tests.fakes.api_script import CALLS
from tests.fakes.scripted_daemon import CALLID

NOW = datetime(2026, 1, 1, 10, 1, 5, tzinfo=UTC)
BOOK = PhoneBook("localhost", {})


def test_a_call_is_a_cell_for_each_column() -> None:
    cells = [text for text, _ in row(CALLS[0], BOOK, NOW)]

    assert cells == [CALLID, "answered", "alice", "bob", "1m05s", "caller"]
    assert len(cells) == len(HEADER)


def test_a_call_that_says_nothing_is_shown_as_that() -> None:
    assert [text for text, _ in row({}, BOOK, NOW)] == ["None"] * 5 + [""]
