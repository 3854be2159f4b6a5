from datetime import UTC, datetime

import pytest

from call_cmd.changes import line
from call_cmd.names import PhoneBook
from tests.fakes.api_script import CALLS
from tests.fakes.scripted_daemon import CALLID

NOON = datetime(2026, 1, 1, 12, 0, 5, tzinfo=UTC)
BOOK = PhoneBook("localhost", {})


def text(change: dict[str, object]) -> str:
    return "".join(text for text, _ in line(change, BOOK, NOON)).rstrip()


@pytest.mark.parametrize(
    ("more", "end"),
    [
        ({"event": "answered", "call": {**CALLS[0], "held": []}}, "answered       alice -> bob"),
        ({"event": "held", "call": CALLS[0]}, "held           alice -> bob  on hold: caller"),
        (
            {
                "event": "branch_failed",
                "call": {**CALLS[0], "held": []},
                "target": "sip:carol@localhost",
                "status": 486,
            },
            "branch_failed  alice -> bob  carol  486",
        ),
    ],
)
def test_a_change_is_a_line(more: dict[str, object], end: str) -> None:
    assert text({"callid": CALLID, **more}) == f"12:00:05  {CALLID}  {end}"


def test_a_change_that_says_nothing_is_shown_as_that() -> None:
    assert text({}) == "12:00:05  None  None           None -> None"
