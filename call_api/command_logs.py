"""The commands that a journal has in memory, by whose they are and what they are called."""

from collections.abc import Iterator

from call_api.command_log import CommandLog
from call_api.model import CmdId


class CommandLogs:
    """Each token has its own cmd_ids: what one calls its command is nothing to the others."""

    def __init__(self) -> None:
        self._named: dict[CmdId, tuple[CommandLog, ...]] = {}  # the last one that began first
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[CommandLog]:
        """Go through all, in order of their start."""
        logs = [log for namesakes in self._named.values() for log in namesakes]
        return iter(sorted(logs, key=lambda log: log.record.started))

    def find(self, cmd_id: CmdId, token: str | None) -> CommandLog | None:
        """Return a token's command; with None anybody's, and of several the last that began."""
        for log in self._named.get(cmd_id, ()):
            if token is None or log.record.token == token:
                return log
        return None

    def add(self, log: CommandLog) -> None:
        """Take in a command whose token has no other one of this cmd_id."""
        cmd_id = log.record.cmd_id
        self._named[cmd_id] = (log, *self._named.get(cmd_id, ()))
        self._count += 1

    def remove(self, log: CommandLog) -> None:
        """Let go of a command that is here."""
        cmd_id = log.record.cmd_id
        others = tuple(one for one in self._named[cmd_id] if one is not log)
        if others:
            self._named[cmd_id] = others
        else:
            del self._named[cmd_id]
        self._count -= 1
