"""The commands that a journal has in memory, by whose they are and what they are called."""

from collections.abc import Iterator

from call_api.command_log import CommandLog
from call_api.model import CmdId


class CommandLogs:
    """Each token has its own cmd_ids: what one calls its command is nothing to the others."""

    def __init__(self) -> None:
        self._named: dict[CmdId, CommandLog] = {}  # of namesakes the last one that began
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[CommandLog]:
        """Go through all, in order of their start."""
        logs: list[CommandLog] = []
        for first in self._named.values():
            log: CommandLog | None = first
            while log is not None:
                logs.append(log)
                log = log.namesake
        return iter(sorted(logs, key=lambda log: log.record.started))

    def find(self, cmd_id: CmdId, token: str | None) -> CommandLog | None:
        """Return a token's command; with None anybody's, and of several the last that began."""
        log = self._named.get(cmd_id)
        while log is not None and token is not None and log.record.token != token:
            log = log.namesake
        return log

    def add(self, log: CommandLog) -> None:
        """Take in a command whose token has no other one of this cmd_id."""
        cmd_id = log.record.cmd_id
        log.namesake = self._named.get(cmd_id)
        self._named[cmd_id] = log
        self._count += 1

    def remove(self, log: CommandLog) -> None:
        """Let go of a command that is here."""
        cmd_id, before = log.record.cmd_id, log.namesake
        later: CommandLog | None = self._named[cmd_id]
        if later is not log:
            while later is not None and later.namesake is not log:
                later = later.namesake
            assert later is not None
            later.namesake = before
        elif before is not None:
            self._named[cmd_id] = before
        else:
            del self._named[cmd_id]
        self._count -= 1
