"""CommandCancel: a command shall end now."""

from typing import Any, ClassVar, Literal

from msgspec import Struct

from call_api.commands.base import Asking, Query
from call_api.model import CmdId


class Cancelling(Struct, frozen=True, kw_only=True):
    """What becomes of a command: it is going to end, or it has ended already."""

    cmd_id: CmdId
    state: Literal["cancelling", "ended"]


class CommandCancel(Query, frozen=True, kw_only=True):
    """Cancel a running command: what rings stops ringing, what was built is hung up."""

    result: ClassVar[Any] = Cancelling

    cmd_id: CmdId

    async def answer(self, asking: Asking) -> Cancelling:
        """Return whether the command is ``cancelling`` or has ``ended`` already.

        Raises:
            UnknownCommand: No command that is still kept has this id.
        """
        state = await asking.journal.cancel(self.cmd_id, token=asking.token)
        return Cancelling(cmd_id=self.cmd_id, state=state)
