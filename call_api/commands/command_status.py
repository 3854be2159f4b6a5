"""CommandStatus: how far a command has come."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from msgspec import Raw, Struct

from call_api.commands.base import Asking, Query
from call_api.journal import CommandState, Outcome, Snapshot
from call_api.model import CmdId, DialectName


class Status(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One command, as CommandStatus and CommandList show it.

    Attributes:
        method: As dialect v2 spells it.
        params: A JSON object.
        outcome: None while it runs.
        error: What its `Error` told, as a JSON object; None unless it failed.
        started: UTC.
        ended: UTC; None while it runs.
        seq: Number of its last notification, in the dialect of the one who asks; 0: none yet.
        proxies: Each SIP proxy of the back end: ``up``, or what is wrong with it now. Missing
            where there is none, and in CommandList.
    """

    cmd_id: CmdId
    method: str
    params: Raw
    state: CommandState
    outcome: Outcome | None
    error: Raw | None
    started: datetime
    ended: datetime | None
    seq: int
    proxies: Mapping[str, str] = {}

    @classmethod
    def of(
        cls, snapshot: Snapshot, dialect: DialectName, proxies: Mapping[str, str] | None = None
    ) -> "Status":
        """Return the status of a command."""
        record, ended = snapshot.record, snapshot.ended
        return cls(
            cmd_id=record.cmd_id,
            method=record.method,
            params=Raw(record.params),
            state=snapshot.state,
            outcome=snapshot.outcome,
            error=snapshot.error,
            started=datetime.fromtimestamp(record.started, UTC),
            ended=None if ended is None else datetime.fromtimestamp(ended, UTC),
            seq=snapshot.v1 if dialect == "v1" else snapshot.seq,
            proxies=proxies or {},
        )


class CommandStatus(Query, frozen=True, kw_only=True):
    """Tell how far a command has come, or how it ended."""

    result: ClassVar[Any] = Status

    cmd_id: CmdId

    async def answer(self, asking: Asking) -> Status:
        """Return the command's status.

        Raises:
            UnknownCommand: No command that is still kept has this id.
        """
        snapshot, _ = await asking.journal.read(self.cmd_id, token=asking.token)
        return Status.of(snapshot, asking.dialect, asking.backend.proxies())
