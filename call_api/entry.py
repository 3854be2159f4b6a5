"""One event of one command, as it is kept and as the dialects say it."""

from call_api import dialects


class Entry:
    """One event of one command, as it is kept. It does not change.

    Args:
        seq: Its number in dialect v2, from 1.
        v1: Its number in dialect v1, from 1; 0: v1 does not tell it.
        event: Its canonical JSON text (`call_api.dialects`).

    Attributes:
        is_last: Whether it is `Ended`.
        is_error: Whether it is `Error`.
    """

    def __init__(self, *, seq: int, v1: int, event: bytes) -> None:
        self.seq = seq
        self.v1 = v1
        self.event = event
        self.is_last = dialects.is_last(event)
        self.is_error = dialects.is_error(event)
        self._in_v2: bytes | None = None
        self._in_v1: tuple[bytes, bytes] | None = None

    def __repr__(self) -> str:
        return f"Entry(seq={self.seq}, v1={self.v1}, event={self.event!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Entry):
            return NotImplemented
        return (self.seq, self.v1, self.event) == (other.seq, other.v1, other.event)

    def __hash__(self) -> int:
        return hash((self.seq, self.v1, self.event))

    def word(self) -> None:
        """Keep how the dialects say it: for one that many commands share."""
        self._in_v2 = dialects.in_v2(self.seq, self.event)
        self._in_v1 = dialects.in_v1(self.v1, self.event) if self.v1 else None

    def in_v2(self, start: bytes) -> bytes:
        """Return the notification, of what `dialects.start_in_v2` made for the command."""
        rest = self._in_v2
        return start + (dialects.in_v2(self.seq, self.event) if rest is None else rest)

    def in_v1(self, cmd_id: bytes) -> bytes:
        """Return the notification, of the JSON text of the command's id."""
        parts = self._in_v1
        start, rest = dialects.in_v1(self.v1, self.event) if parts is None else parts
        return start + cmd_id + rest
