"""Rows as a table, or, where it is too wide for the terminal, one below the other."""

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime

from call_api_client.terminal import Line, Span, escape

GAP = "  "
MINUTE, HOUR, DAY = 60, 3600, 86400


def table(header: Sequence[str], rows: Sequence[Sequence[Span]], width: int | None) -> list[Line]:
    """Return lines: the header, and one for each row.

    Rows that do not fit become blocks: what identifies a row on a line of its own, the rest of
    its cells below. So nothing is cut off that a person may want to copy.

    Args:
        rows: As many cells each as the header has; the first one identifies the row.
        width: Columns of the terminal; None for what has no end.
    """
    shown = [[(escape(text) or "-", style) for text, style in row] for row in rows]
    texts = [list(header), *([text for text, _ in row] for row in shown)]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    if width is not None and sum(widths) + len(GAP) * (len(widths) - 1) > width:
        return [line for row in shown for line in _block(header, row)]
    named = [(name, "dim") for name in header]
    return [_row(cells, widths) for cells in [named, *shown]]


def terminal_width(is_terminal: bool) -> int | None:
    """Return how many columns stdout has, or None when it is no terminal."""
    return shutil.get_terminal_size().columns if is_terminal else None


def ago(moment: object, now: datetime) -> str:
    """Return how long ago an RFC 3339 time was: ``48s``, ``2m05s``, ``3h07m``, ``2d04h``."""
    try:
        then = datetime.fromisoformat(str(moment))
    except ValueError:
        return str(moment)
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    seconds = max(0, int((now - then).total_seconds()))
    if seconds < MINUTE:
        return f"{seconds}s"
    if seconds < HOUR:
        return f"{seconds // MINUTE}m{seconds % MINUTE:02}s"
    if seconds < DAY:
        return f"{seconds // HOUR}h{seconds % HOUR // MINUTE:02}m"
    return f"{seconds // DAY}d{seconds % DAY // HOUR:02}h"


def _row(cells: Sequence[Span], widths: Sequence[int]) -> Line:
    padded = [
        (text.ljust(width) + GAP, style) for (text, style), width in zip(cells, widths, strict=True)
    ]
    last, style = cells[-1]
    return [*padded[:-1], (last, style)]


def _block(header: Sequence[str], row: Sequence[Span]) -> list[Line]:
    head = max(map(len, header[1:]))
    below = zip(header[1:], row[1:], strict=True)
    return [
        [row[0]],
        *([(f"{GAP}{name.lower():{head}}{GAP}", "dim"), cell] for name, cell in below),
    ]
