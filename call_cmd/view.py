"""What the full screen shows: the calls in a table, and below it what happens. No I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from call_api_client.terminal import Line, escape
from call_cmd.call_rows import HEADER, row
from call_cmd.callids import shortened
from call_cmd.changes import line
from call_cmd.live_calls import Call
from call_cmd.names import PhoneBook

WIDE = 100
"""Columns from which on a Call-ID is shown whole."""

NARROWEST = 6
"""Columns that a party's name has at least."""

UNCUT = ("CALLID", "AGE")
"""What is of no use in part: the other columns give way."""

FEW = 3
"""Lines that the events have at least, of however many calls there are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """One picture.

    Attributes:
        title: What is watched.
        calls: Oldest first.
        events: The changes that were told, and when, oldest first; None: they are not shown.
    """

    title: str
    calls: Sequence[Call]
    events: Sequence[tuple[datetime, Mapping[str, object]]] | None
    book: PhoneBook

    def drawn(self, width: int, height: int, now: datetime) -> RenderableType:
        """Return the picture for a screen of that size, in characters."""
        room = height - 3  # less the title, the header of the table and the line below it
        told = [] if self.events is None else self.events
        for_calls = max(1, room - min(len(told), max(FEW, room // 3)))
        parts: list[RenderableType] = [self._title(now), self._table(width, for_calls, now)]
        if self.events is not None:
            left = room - min(len(self.calls), for_calls)
            newest = told[-left:] if left > 0 else []
            parts.append(Text("─" * width, "dim", no_wrap=True))
            parts += [self._line(change, when, width) for when, change in newest]
        return Group(*parts)

    def _title(self, now: datetime) -> Text:
        count = len(self.calls)
        how_many = f"{count or 'no'} call{'' if count == 1 else 's'}"
        local = now.astimezone()
        words = f"{how_many}  {self.title}  {local:%H:%M:%S}  q ends it"
        return Text(escape(words), "reverse", no_wrap=True, overflow="ellipsis")

    def _table(self, width: int, room: int, now: datetime) -> Table:
        shown = self.calls if len(self.calls) <= room else self.calls[: room - 1]
        rows = [row(call, self.book, now) for call in shown]
        if width < WIDE:
            rows = [[(shortened(callid), style), *rest] for (callid, style), *rest in rows]
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
        widths = _widths([[escape(text) for text, _ in cells] for cells in rows], width)
        for name, most in zip(HEADER, widths, strict=True):
            least = most if name in UNCUT else None
            table.add_column(
                name, no_wrap=True, overflow="ellipsis", min_width=least, max_width=most
            )
        for cells in rows:
            table.add_row(*(Text(escape(text), style) for text, style in cells))
        if len(shown) < len(self.calls):
            table.add_row(Text(f"… {len(self.calls) - len(shown)} more", "dim"))
        return table

    def _line(self, change: Mapping[str, object], when: datetime, width: int) -> Text:
        return _text(line(change, self.book, when, is_short=width < WIDE))


def _widths(rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """Return the widths of the columns: where they do not fit, the parties' names give way."""
    widths = [max(map(len, column)) for column in zip(HEADER, *rows, strict=True)]
    parties = [HEADER.index("CALLER"), HEADER.index("CALLEE")]
    excess = sum(widths) + 2 * len(widths) - width
    for _ in range(excess):
        longer = max(parties, key=widths.__getitem__)
        widths[longer] = max(NARROWEST, widths[longer] - 1)
    return widths


def _text(spans: Line) -> Text:
    shown = ((escape(text), style) for text, style in spans)
    return Text.assemble(*shown, no_wrap=True, overflow="ellipsis")
