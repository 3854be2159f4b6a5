"""What a shell may complete an argument to: calls and commands that there are, people to call.

It is asked for while somebody types: it must be quick, and nothing that goes wrong may be shown.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TypeAlias

import click
from click.shell_completion import CompletionItem

from call_api.config import CmdConfig
from call_api.transports.websocket_failures import ConnectFailed, ConnectionLost
from call_api_client.client import Client, NoAnswer, Refused, connect
from call_api_client.keys import Keys, read_keys
from call_api_client.messages import BadReply, members
from call_api_client.target import BadCommandLine, Target, read_settings
from call_cmd.callids import every_call
from call_cmd.names import PhoneBook

Items: TypeAlias = list[CompletionItem[str]]
Rows: TypeAlias = list[Mapping[str, object]]

WITHIN = 2.0
"""Seconds that somebody who has pressed Tab waits."""

_NO_HELP = (
    BadCommandLine,
    ConnectFailed,
    ConnectionLost,
    NoAnswer,
    Refused,
    BadReply,
    TimeoutError,
)


def callids(ctx: click.Context, incomplete: str) -> Items:
    """Return the Call-IDs that start like ``incomplete``, each with the parties of its call."""
    book, calls = _ask(ctx, _calls)
    found = []
    for call in calls:
        caller, callee = (book.name(str(call.get(party))) for party in ("caller", "callee"))
        found.append((str(call.get("callid")), f"{caller} -> {callee}, {call.get('state')}"))
    return _starting(incomplete, found)


def cmd_ids(ctx: click.Context, incomplete: str) -> Items:
    """Return the ids of the commands that are known, each with what it is; newest first."""
    _, commands = _ask(ctx, _commands)
    found = [
        (str(one.get("cmd_id")), f"{one.get('method')}, {one.get('outcome') or one.get('state')}")
        for one in reversed(commands)
    ]
    return _starting(incomplete, found)


def parties(ctx: click.Context, incomplete: str) -> Items:
    """Return the contacts, and those who are in a call now."""
    book, calls = _ask(ctx, _calls)
    talking = {
        book.name(str(call.get(party))): "in a call"
        for call in calls
        for party in ("caller", "callee")
    }
    known = {**talking, **{name: book.uri(name) for name in book.contacts}}
    return _starting(incomplete, sorted(known.items()))


def _starting(incomplete: str, found: Iterable[tuple[str, str]]) -> Items:
    return [
        CompletionItem(value, help=about)
        for value, about in found
        if value.startswith(incomplete) and value.isprintable() and not set(value) & _BREAKING
    ]


_BREAKING = frozenset(" ,\t\"'\\$`;|&<>(){}*?!#")
"""What a shell or the protocol between it and click would take apart."""


def _ask(
    ctx: click.Context, question: Callable[[Client], Awaitable[Rows]]
) -> tuple[PhoneBook, Rows]:
    """Return who has which name, and the answer of the daemon: nothing if there is none."""
    target, book, rows = Target.of(ctx), PhoneBook("localhost", {}), Rows()
    with contextlib.suppress(*_NO_HELP):
        config = read_settings(CmdConfig, target.config)
        book = PhoneBook(config.sip.domain, config.contacts)
        url, keys = target.websocket_url(config, "v2"), read_keys(target, config.client)
        rows = asyncio.run(_answer(url, keys, question))
    return book, rows


async def _answer(url: str, keys: Keys, question: Callable[[Client], Awaitable[Rows]]) -> Rows:
    connecting = connect(url, token=keys.token, tls=keys.tls, open_within=WITHIN)
    async with asyncio.timeout(WITHIN), connecting as client:
        return await question(client)


async def _calls(client: Client) -> Rows:
    return [call async for call in every_call(client)]


async def _commands(client: Client) -> Rows:
    commands = members(await client.ask("CommandList")).get("commands")
    return list(map(members, commands)) if isinstance(commands, list) else []
