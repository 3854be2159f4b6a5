"""CommandList: which commands there are."""

from typing import Any, ClassVar

from msgspec import Struct

from call_api.commands.base import Asking, Query
from call_api.commands.command_status import Status


class StatusList(Struct, frozen=True, kw_only=True):
    """Some commands, in order of their start."""

    commands: list[Status]


class CommandList(Query, frozen=True, kw_only=True):
    """List the commands that run, and the ended ones that are still kept, oldest first."""

    result: ClassVar[Any] = StatusList

    async def answer(self, asking: Asking) -> StatusList:
        """Return ``commands``, each as in CommandStatus."""
        snapshots = await asking.journal.commands(asking.token)
        return StatusList(commands=[Status.of(snapshot, asking.dialect) for snapshot in snapshots])
