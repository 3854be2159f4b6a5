"""The commands that one client hears of: it gets each notification once."""

import logging
from collections.abc import Callable

from call_api import dialects
from call_api.errors import TooManyRequests, UnknownCommand
from call_api.journal import Entry, Following, Journal, Record
from call_api.model import CmdId, DialectName
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
        self._dialect = dialect
        self._journal = journal
        self._send = send
        self._most = most
        self._attached: dict[CmdId, _Attachment] = {}
        self._open: set[_Attachment] = set()
        self._ended: dict[CmdId, None] = {}  # in order of their end
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
        attached = self._known(record, again=again)
        if self._is_closed or (attached is not None and after >= attached.after):
            return _nothing if attached is None else attached.release
        if attached is None:
            attached = _Attachment(
                self, record=record, dialect=self._dialect, send=self._send, after=after
            )
        else:
            attached.go_back(after)
        try:
            # From the first on: so `Ended` always passes by, also if the client knows it.
            attached.following = self._journal.follow(
                record.cmd_id, 0, attached.take, token=record.token
            )
        except UnknownCommand:
            logger.warning("too late to follow the command %s", record.cmd_id)
            return _nothing
        self._attached[record.cmd_id] = attached
        self._open.add(attached)
        return attached.release

    def close(self) -> None:
        """Send nothing more."""
        self._is_closed = True
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

    def _known(self, record: Record, *, again: bool) -> "_Attachment | None":
        """Return the attachment to a command, unless it has to begin anew."""
        attached = self._attached.get(record.cmd_id)
        if attached is None:
            return None
        is_another = attached.callid != record.callid  # under the id of one that is forgotten
        if is_another or (again and record.cmd_id in self._ended):
            self._ended.pop(record.cmd_id, None)
            del self._attached[record.cmd_id]
            return None
        return attached


class _Attachment:
    """One command that one client follows.

    Attributes:
        after: Number of the last notification that is not wanted.
        callid: The Call-ID of its own that no other command has, whatever its ``cmd_id`` is.
        following: What the journal gave for `take`; None: nothing more comes. It holds all that
            the command has told, so it is not kept for longer than it is needed.
    """

    __slots__ = (
        "_attachments",
        "_is_v1",
        "_kept_back",
        "_render",
        "_send",
        "_told_after",
        "_told_to",
        "after",
        "callid",
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
        self._kept_back: list[Entry] | None = []  # until the answer is out
        self.after = after
        self.callid = record.callid
        self.cmd_id = record.cmd_id
        self.following = None

    def go_back(self, after: int) -> None:
        """Want more of what was, too; the journal has to be followed anew from there."""
        self.leave()
        if self._told_to == self._told_after:
            self._told_after = self._told_to = after
        self.after = after
        self._kept_back = []

    def release(self) -> None:
        """Send what was kept back, and the rest as it comes."""
        entries, self._kept_back = self._kept_back, None
        for entry in entries or ():
            self._tell(entry)

    def take(self, entry: Entry) -> None:
        """Send an entry, once the answer is out."""
        if self._kept_back is None:
            self._tell(entry)
        else:
            self._kept_back.append(entry)

    def leave(self) -> None:
        """Stop following."""
        following, self.following = self.following, None
        if following is not None:
            following.close()

    def _tell(self, entry: Entry) -> None:
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


def _nothing() -> None:
    """There is nothing to send."""
