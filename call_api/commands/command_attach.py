"""CommandAttach: a client that came back hears what it missed."""

from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct

from call_api.commands.base import Asking, Query
from call_api.journal import CommandState
from call_api.model import CmdId


class Attached(Struct, frozen=True, kw_only=True):
    """How far the command has come: ``seq`` is in the client's dialect, 0 if it told nothing."""

    cmd_id: CmdId
    state: CommandState
    seq: int


class CommandAttach(Query, frozen=True, kw_only=True):
    """Send the notifications of a command to this client too.

    Attributes:
        after: The last ``seq`` that the client has seen; 0: it has seen none.
    """

    result: ClassVar[Any] = Attached

    cmd_id: CmdId
    after: Annotated[int, Meta(ge=0, description="a whole number, not less than 0")] = 0

    async def answer(self, asking: Asking) -> Attached:
        """Return the command's ``state`` and its last ``seq``; the notifications follow.

        Raises:
            UnknownCommand: No command that is still kept has this id.
            TooManyRequests: The client follows as many commands as it may.
        """
        snapshot, _ = await asking.journal.read(self.cmd_id, token=asking.token)
        asking.attach(snapshot.record, self.after)
        seq = snapshot.v1 if asking.dialect == "v1" else snapshot.seq
        return Attached(cmd_id=self.cmd_id, state=snapshot.state, seq=seq)
