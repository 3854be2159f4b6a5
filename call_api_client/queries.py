"""What can be asked of a daemon, and its answers as values with types."""

from collections.abc import AsyncIterator, Awaitable, Mapping
from datetime import datetime
from typing import Literal, Protocol, TypeVar

import msgspec
from msgspec import Struct

from call_api.backends.base import CallInfo, CallPage
from call_api_client.messages import BadReply

T = TypeVar("T")

PAGE = 1000
"""Calls asked for at a time: the most that CallList gives."""


class Ask(Protocol):
    """Asks something, and returns the result."""

    def __call__(self, method: str, /, **params: object) -> Awaitable[object]:
        """Ask."""


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
    after: dict[str, object] = {}
    while True:
        page = _typed(await ask("CallList", limit=PAGE, **after), CallPage)
        for call in page.calls:
            yield call
        if page.next is None or page.next == after.get("after"):
            return
        after = {"after": page.next}


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
