"""CommandList: which commands there are."""

from typing import Any, ClassVar

from msgspec import UNSET, Struct, UnsetType

from call_api.commands.base import Asking, Query
from call_api.commands.call_list import PageSize
from call_api.commands.command_status import Status
from call_api.journal import Snapshot
from call_api.model import CmdId


class StatusList(Struct, frozen=True, kw_only=True):
    """Some commands, in order of their start.

    Attributes:
        next: The ``after`` of the next page, or null; missing where no ``limit`` was given.
    """

    commands: list[Status]
    next: CmdId | UnsetType | None = UNSET


class CommandList(Query, frozen=True, kw_only=True):
    """List the commands that run, and the ended ones that are still kept, oldest first.

    Attributes:
        limit: How many at most; all of them when missing.
        after: The ``next`` of the page before; the first page when missing, or not kept any more.
    """

    result: ClassVar[Any] = StatusList

    limit: PageSize | None = None
    after: CmdId | None = None

    async def answer(self, asking: Asking) -> StatusList:
        """Return ``commands``, each as in CommandStatus, and ``next`` if they are limited."""
        snapshots = await asking.journal.commands(asking.token)
        places = _places(snapshots)
        # The oldest are forgotten first: of one that is, all others come after it.
        start = 0 if self.after is None else places.get(self.after, 0)
        end = len(snapshots) if self.limit is None else start + self.limit
        commands = [Status.of(snapshot, asking.dialect) for snapshot in snapshots[start:end]]
        if self.limit is None:
            return StatusList(commands=commands)
        if end >= len(snapshots):
            return StatusList(commands=commands, next=None)
        last = snapshots[end - 1].record
        is_clear = places[last.cmd_id] == end
        return StatusList(commands=commands, next=last.cmd_id if is_clear else CmdId(last.callid))


def _places(snapshots: list[Snapshot]) -> dict[str, int]:
    """Return where commands stand, from 1, by what ``after`` may call them.

    Commands of two tokens may have the same cmd_id: then it is the first one's. The Call-ID of
    its own is every command's for sure.
    """
    places: dict[str, int] = {}
    for place, snapshot in enumerate(snapshots, 1):
        places.setdefault(snapshot.record.cmd_id, place)
    for place, snapshot in enumerate(snapshots, 1):
        places[snapshot.record.callid] = place
    return places
