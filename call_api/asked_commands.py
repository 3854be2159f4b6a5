"""The commands of one client, each from its answer to its end."""

import logging
from collections.abc import Callable
from typing import Final

import msgspec

from call_api.access.standing import Standing
from call_api.attachments import Attachments
from call_api.errors import CallApiError
from call_api.journal import Owned, Snapshot
from call_api.log_lines import Life
from call_api.record import Record
from call_api.replies import Answered, Reply, Then

logger = logging.getLogger(__name__)
_life = Life(logger)


class Client:
    """One client, as its commands know it.

    Attributes:
        unanswered: Requests that wait for their answers.
    """

    __slots__ = ("attachments", "peer", "standing", "unanswered")

    def __init__(self, peer: str, standing: Standing, attachments: Attachments) -> None:
        self.peer = peer
        self.standing = standing
        self.attachments = attachments
        self.unanswered = 0


class AskedCommand(Reply):
    """One command that a client has asked for: the answer, and who counts and writes it down.

    Args:
        counts: Whether it counts as running. It does not if too many run: then it is a retry,
            or it will be refused.
    """

    __slots__ = ("_began", "_client", "_counts", "_record")

    def __init__(
        self, id_: bytes | None, answered: Answered, client: Client, record: Record, *, counts: bool
    ) -> None:
        super().__init__(id_, answered)
        self._client = client
        self._record = record
        self._counts = counts
        self._began = client.standing.now()

    def started(self, owned: Owned) -> None:  # noqa: ARG002  # its record is ours
        """Answer that it is about to run."""
        self._answer(self._record, "")

    def exists(self, snapshot: Snapshot) -> None:
        """Answer a retry like the first one."""
        self._has_not_begun("retry")
        self._answer(snapshot.record, " again")

    def refused(self, error: CallApiError) -> None:
        """Answer that it does not run."""
        client, record = self._client, self._record
        client.unanswered -= 1
        logger.info("%s of %s refused: %s", record.method, client.peer, error)
        self._has_not_begun(error)
        self.error(error)

    def ended(self, problem: CallApiError | None) -> None:
        """Count it no more."""
        standing, record = self._client.standing, self._record
        if not standing.is_noted:  # as nearly all are: spare what is needed for it
            return
        standing.end(record.method)
        standing.tell(
            record.method,
            record.params,
            cmd_id=record.cmd_id,
            began=self._began,
            outcome=problem or "ok",
        )

    def _answer(self, record: Record, again: str) -> None:
        self._client.unanswered -= 1
        cmd_id = record.cmd_id
        if _life.is_told():
            peer = self._client.peer
            _life.tell(f"[{cmd_id}]", f"{record.method} asked for{again} by {peer}")
        started = b'{"cmd_id":%s,"status":"Started","event":"Started"}' % _encode(cmd_id)
        self.result(started, self._follow(record))

    def _has_not_begun(self, outcome: CallApiError | str) -> None:
        standing, record = self._client.standing, self._record
        if self._counts:
            standing.end(record.method, has_run=False)
        standing.tell(record.method, record.params, cmd_id=record.cmd_id, outcome=outcome)

    def _follow(self, record: Record) -> Then | None:
        """Follow it from now on: by the time of the answer it may be forgotten."""
        try:
            return self._client.attachments.attach(record, 0, again=True)
        except Exception:  # it must not harm the command
            logger.exception("cannot be followed by %s", self._client.peer)
            return None


_encode: Final[Callable[[object], bytes]] = msgspec.json.Encoder().encode
