import os
from datetime import UTC, datetime

import pytest

from call_api_client.terminal import Line
from call_cmd.table import ago, table, terminal_width

HEADER = ("CALLID", "STATE", "HELD")
ROWS = [
    [("1fc8043a", "bold"), ("answered", "green"), ("caller", "")],
    [("7\x1b", "bold"), ("ringing", ""), ("", "")],
]


def texts(lines: list[Line]) -> list[str]:
    return ["".join(text for text, _ in line) for line in lines]


@pytest.mark.parametrize("width", [None, 26])
def test_rows_stand_below_each_other(width: int | None) -> None:
    assert texts(table(HEADER, ROWS, width)) == [
        "CALLID    STATE     HELD",
        "1fc8043a  answered  caller",
        r"7\x1b     ringing   -",
    ]


def test_what_is_too_wide_becomes_blocks_with_nothing_cut_off() -> None:
    assert texts(table(HEADER, ROWS, 25)) == [
        "1fc8043a",
        "  state  answered",
        "  held   caller",
        r"7\x1b",
        "  state  ringing",
        "  held   -",
    ]


def test_cells_keep_their_looks() -> None:
    assert table(HEADER, ROWS, None)[1][0] == ("1fc8043a  ", "bold")


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        ("2026-01-02T00:00:00Z", "0s"),
        ("2026-01-02T00:00:05Z", "0s"),
        ("2026-01-01T23:59:12.5Z", "47s"),
        ("2026-01-01T23:57:55", "2m05s"),
        ("2026-01-01T20:53:00Z", "3h07m"),
        ("2025-12-30T20:00:00+00:00", "2d04h"),
        ("yesterday", "yesterday"),
        (None, "None"),
    ],
)
def test_how_long_ago_is_two_units_at_most(moment: object, shown: str) -> None:
    assert ago(moment, datetime(2026, 1, 2, tzinfo=UTC)) == shown


def test_the_width_is_the_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "COLUMNS", "41")

    assert terminal_width(is_terminal=True) == 41
    assert terminal_width(is_terminal=False) is None
