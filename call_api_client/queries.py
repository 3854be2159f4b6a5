"""What can be asked of a daemon, and its answers as values with types."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Literal, TypeVar

import msgspec
from msgspec import Struct

from call_api.backends.base import CallInfo
from call_api_client.listing import Ask, call_list
from call_api_client.messages import BadReply

T = TypeVar("T")


class CommandInfo(Struct, frozen=True, kw_only=True):
    """How far a command has come.

    Attributes:
        method: As dialect v2 spells it.
        outcome: None while it runs.
        error: Why it failed: ``code``, ``name``, and what else is known; None unless it did.
        started: UTC.
        ended: UTC; None while it runs.
        seq: Number of its last event; 0: none yet.
        proxies: Each SIP proxy of the daemon: ``up``, or what is wrong with it now. Empty where
            there is none, and in a list of commands.
    """

    cmd_id: str
    method: str
    params: dict[str, object]
    state: Literal["running", "ended"]
    outcome: Literal["ok", "error"] | None
    error: dict[str, object] | None
    started: datetime
    ended: datetime | None
    seq: int
    proxies: Mapping[str, str] = {}


class _Commands(Struct):
    commands: list[CommandInfo]


async def every_call(ask: Ask) -> AsyncIterator[CallInfo]:
    """Yield every call, oldest first."""
    async for call in call_list(ask):
        yield _typed(call, CallInfo)


async def command(ask: Ask, cmd_id: str) -> CommandInfo:
    """Return how far a command has come."""
    return _typed(await ask("CommandStatus", cmd_id=cmd_id), CommandInfo)


async def commands(ask: Ask) -> list[CommandInfo]:
    """Return the commands that run, and the ended ones that the daemon still knows."""
    return _typed(await ask("CommandList"), _Commands).commands


def _typed(result: object, kind: type[T]) -> T:
    try:
        return msgspec.convert(result, kind)
    except msgspec.ValidationError as exc:
        raise BadReply(f"it is no {kind.__name__.strip('_')} ({exc})") from exc
