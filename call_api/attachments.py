"""The commands that one client hears of: it gets each notification once."""

import logging
from collections.abc import Callable
from typing import Final

from call_api import dialects
from call_api.command_log import Follower
from call_api.entry import Entry
from call_api.errors import TooManyRequests, UnknownCommand
from call_api.journal import Journal
from call_api.model import CallId, DialectName
from call_api.record import Record
from call_api.replies import Then

logger = logging.getLogger(__name__)

REMEMBERED = 500
"""Ended commands of which a client is not told twice; the oldest one is forgotten first."""


class Attachments:
    """Follows commands for one client, in its dialect.

    Args:
        send: Takes one notification. Must not raise.
        most: How many commands that still run it may follow.
    """

    def __init__(
        self,
        *,
        dialect: DialectName,
        journal: Journal,
        send: Callable[[bytes], None],
        most: int,
    ) -> None:
        self.is_v1 = dialect == "v1"
        self.send = send
        self._journal = journal
        self._most = most
        # By the Call-ID of its own that no other command has, whatever its ``cmd_id`` is.
        self._open: dict[CallId, _Attachment] = {}
        self._ended: dict[CallId, int] = {}  # after what number it has heard all, to the end
        self._last: list[CallId] = []  # of these, as a ring
        self._oldest = 0
        self._is_closed = False

    def check(self) -> None:
        """Return if the client may follow one more command.

        Raises:
            TooManyRequests: It follows as many as it may.
        """
        if len(self._open) >= self._most:
            raise TooManyRequests(retry_after=1.0)

    def attach(self, record: Record, after: int, *, again: bool = False) -> Then:
        """Follow a command; return what sends its notifications, those kept and those to come.

        Nothing is sent, and nothing is lost, until that is called: the answer comes first. A
        notification that was sent already is not sent again, except when all of them have been
        and the client asks ``again``.

        Args:
            record: The command, as the journal has it.
            after: Number of the last notification that is not wanted.
        """
        if self._is_closed:
            return _nothing
        attached = self._open.get(record.callid)
        if attached is not None:
            if after < attached.after:
                attached.go_back(after)
            return attached.release
        told_after = None if again else self._ended.get(record.callid)
        if told_after is not None and after >= told_after:
            return _nothing
        attached = _Attachment(self, record, after, told_after)
        try:
            # From the first on: so `Ended` always passes by, also if the client knows it.
            self._journal.follow(record.cmd_id, 0, attached, token=record.token)
        except UnknownCommand:
            logger.warning("too late to follow the command %s", record.cmd_id)
            return _nothing
        self._open[record.callid] = attached
        return attached.release

    def close(self) -> None:
        """Send nothing more."""
        self._is_closed = True
        for attachment in self._open.values():
            attachment.close()
        self._open.clear()

    def is_through(self, attachment: "_Attachment") -> None:
        """Take note that an attachment has sent its last notification."""
        callid = attachment.callid
        self._open.pop(callid, None)
        is_new = callid not in self._ended
        self._ended[callid] = attachment.after
        if not is_new:
            return
        if len(self._last) < REMEMBERED:
            self._last.append(callid)
            return
        del self._ended[self._last[self._oldest]]
        self._last[self._oldest] = callid
        self._oldest = (self._oldest + 1) % REMEMBERED


class _Attachment(Follower):
    """One command that one client follows, from when it is answered.

    Args:
        after: Number of the last notification that is not wanted.
        told_after: After what number all has been told already; None: nothing has.
    """

    def __init__(
        self, attachments: Attachments, record: Record, after: int, told_after: int | None
    ) -> None:
        super().__init__()
        self._attachments = attachments
        self._is_v1 = attachments.is_v1
        self._send = attachments.send
        self._start = (
            dialects.text(record.cmd_id)
            if self._is_v1
            else dialects.start_in_v2(record.method, record.cmd_id)
        )
        # Told are all after the one and up to the other.
        self._told_after = after if told_after is None else told_after
        self._told_to = after if told_after is None else _ALL
        self.after = after
        self.callid = record.callid
        self.hold()

    def go_back(self, after: int) -> None:
        """Want more of what was, too."""
        if self._told_to == self._told_after:
            self._told_after = self._told_to = after
        self.after = after
        self.hold(heard=0)

    def take(self, entry: Entry) -> None:
        """Send an entry if the dialect tells it, the client wants it, and has not had it."""
        number = entry.v1 if self._is_v1 else entry.seq
        if number > self._told_to:
            self._told_to = number
            self._tell(entry)
        elif self.after < number <= self._told_after:
            if number == self._told_after:
                self._told_after = self.after
            self._tell(entry)
        if entry.is_last:
            self._attachments.is_through(self)

    def _tell(self, entry: Entry) -> None:
        start = self._start
        self._send(entry.in_v1(start) if self._is_v1 else entry.in_v2(start))


_ALL: Final = 1 << 30


def _nothing() -> None:
    """There is nothing to send."""
