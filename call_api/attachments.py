"""The commands that one client hears of: it gets each notification once."""

import logging
from collections.abc import Callable

from call_api import dialects
from call_api.errors import TooManyRequests, UnknownCommand
from call_api.journal import Entry, Following, Journal, Record
from call_api.model import CmdId, DialectName

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
        self._dialect = dialect
        self._journal = journal
        self._send = send
        self._most = most
        self._attached: dict[CmdId, _Attachment] = {}
        self._open: set[_Attachment] = set()
        self._ended: dict[CmdId, None] = {}  # in order of their end

    def check(self) -> None:
        """Return if the client may follow one more command.

        Raises:
            TooManyRequests: It follows as many as it may.
        """
        if len(self._open) >= self._most:
            raise TooManyRequests(retry_after=1.0)

    def attach(self, record: Record, after: int, *, again: bool = False) -> None:
        """Send the notifications of a command, those still kept and those to come.

        One that was sent already is not sent again, except when all of them have been and
        the client asks ``again``.

        Args:
            after: Number of the last notification that is not wanted.
        """
        cmd_id = record.cmd_id
        if again and cmd_id in self._ended:
            del self._ended[cmd_id]
            self._attached.pop(cmd_id, None)
        attached = self._attached.get(cmd_id)
        if attached is None:
            attached = _Attachment(
                self, record=record, dialect=self._dialect, send=self._send, after=after
            )
        elif after < attached.after:
            attached.go_back(after)
        else:
            return
        from_ = 0 if self._dialect == "v1" else after  # the journal counts as v2 does
        try:
            attached.following = self._journal.follow(cmd_id, from_, attached.tell)
        except UnknownCommand:  # forgotten while the answer waited for others in its batch
            logger.warning("too late to follow the command %s", cmd_id)
            return
        self._attached[cmd_id] = attached
        self._open.add(attached)

    def close(self) -> None:
        """Send nothing more."""
        for attachment in self._open:
            attachment.leave()
        self._open.clear()
        self._attached.clear()

    def is_through(self, attachment: "_Attachment") -> None:
        """Take note that an attachment has sent its last notification."""
        self._open.discard(attachment)
        attachment.leave()
        self._ended[attachment.cmd_id] = None
        if len(self._ended) > REMEMBERED:
            oldest = next(iter(self._ended))
            del self._ended[oldest]
            self._attached.pop(oldest, None)


class _Attachment:
    """One command that one client follows.

    Attributes:
        after: Number of the last notification that is not wanted.
        following: What the journal gave for `tell`; None: nothing more comes. It holds all that
            the command has told, so it is not kept for longer than it is needed.
    """

    __slots__ = (
        "_attachments",
        "_is_v1",
        "_render",
        "_send",
        "_told_after",
        "_told_to",
        "after",
        "cmd_id",
        "following",
    )

    following: Following | None

    def __init__(
        self,
        attachments: Attachments,
        *,
        record: Record,
        dialect: DialectName,
        send: Callable[[bytes], None],
        after: int,
    ) -> None:
        self._attachments = attachments
        self._is_v1 = dialect == "v1"
        self._render = dialects.renderer(dialect, record.method, record.cmd_id)
        self._send = send
        # Told are all after the one and up to the other.
        self._told_after = self._told_to = after
        self.after = after
        self.cmd_id = record.cmd_id
        self.following = None

    def go_back(self, after: int) -> None:
        """Want more of what was, too; the journal has to be followed anew from there."""
        self.leave()
        if self._told_to == self._told_after:
            self._told_after = self._told_to = after
        self.after = after

    def tell(self, entry: Entry) -> None:
        """Send an entry if the dialect tells it, the client wants it, and has not had it."""
        number = entry.v1 if self._is_v1 else entry.seq
        if number > self._told_to:
            self._told_to = number
            self._send(self._render(number, entry.event))
        elif self.after < number <= self._told_after:
            if number == self._told_after:
                self._told_after = self.after
            self._send(self._render(number, entry.event))
        if dialects.is_last(entry.event):
            self._attachments.is_through(self)

    def leave(self) -> None:
        """Stop following."""
        following, self.following = self.following, None
        if following is not None:
            following.close()
