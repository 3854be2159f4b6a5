"""Commands whose daemon died while they ran: the truth is looked up and told, nothing repeated."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from call_api.backends.base import Backend
from call_api.commands import COMMANDS
from call_api.commands.base import Command, Emit
from call_api.commands.told import Told
from call_api.entry import Entry
from call_api.errors import CallApiError, OwnerLost
from call_api.journal import Journal, Owned
from call_api.model import CallId
from call_api.runner import Runner

logger = logging.getLogger(__name__)

AT_A_TIME: Final = 20
"""Commands that are looked up at the same time: each asks the proxy a few things."""

READY_WITHIN: Final = 30.0
"""Seconds for the back end to be ready: its proxy may have died with the daemon."""

FOUND_OUT_WITHIN: Final = 30.0
"""Seconds for one command."""


async def recover(journal: Journal, runner: Runner, backend: Backend) -> None:
    """Have the commands that were left over ended, in tasks of their own."""
    looking = _Looking(backend)
    count = 0
    async with journal.orphans() as orphans:
        async for owned in orphans:
            told = told_by(owned.entries)
            runner.adopt(owned, _Recovery(looking, owned, told), told.callid)
            count += 1
    if count:
        logger.warning("commands that ran when the daemon before this one died: %d", count)


def told_by(entries: Sequence[Entry]) -> Told:
    """Return what a command told, of how it is kept."""
    texts = [msgspec.json.decode(entry.event) for entry in entries]
    return Told([(text["event"], text.get("data")) for text in texts])


class _Looking:
    """What those who look have in common.

    Attributes:
        turn: Held by those whose turn it is.
    """

    def __init__(self, backend: Backend) -> None:
        self.turn = asyncio.Semaphore(AT_A_TIME)
        self._backend = backend
        self._until = asyncio.get_running_loop().time() + READY_WITHIN

    async def ready(self) -> None:
        """Return when the back end is ready, or has had the time to be."""
        loop = asyncio.get_running_loop()
        while self._backend.is_ready() is not None and loop.time() < self._until:  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_EVERY)


class _Recovery:
    """What is run for one command that was left over."""

    def __init__(self, looking: _Looking, owned: Owned, told: Told) -> None:
        self._looking = looking
        self._owned = owned
        self._told = told

    async def run(self, backend: Backend, emit: Emit) -> None:
        """Find out what became of it, and tell what is missing.

        Raises:
            OwnerLost: It is not done, or nobody can tell.
        """
        if self._told.has_failed:
            return
        callid: CallId = self._told.callid or self._owned.callid
        async with self._looking.turn:
            await self._looking.ready()
            try:
                command = self._command()
                callid = self._told.callid or _about(command) or callid
                async with asyncio.timeout(FOUND_OUT_WITHIN):
                    await command.take_over(backend, self._told, emit)
            except OwnerLost:
                raise
            except (CallApiError, TimeoutError, KeyError, msgspec.MsgspecError) as exc:
                logger.warning("what became of it is not known: %r", exc)
                raise OwnerLost(callid, "unknown") from exc

    def _command(self) -> Command:
        """Return the command.

        Raises:
            KeyError, MsgspecError: It is not known any more; its daemon was another version.
        """
        record = self._owned.record
        params: dict[str, Any] = msgspec.json.decode(record.params)
        return COMMANDS[record.method].from_params(params)


def _about(command: Command) -> CallId | None:
    """Return the call that a command is to change; None: it makes one, or needs none."""
    callid: CallId | None = getattr(command, "callid", None) or getattr(command, "callid_a", None)
    return callid


_LOOK_EVERY: Final = 0.2  # seconds
