"""A daemon, as programs use it: commands, questions, and what happens to calls.

docs/library.md tells how.
"""

import uuid
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path

from call_api.transports.tls import ClientTls
from call_api_client import client, queries
from call_api_client.call import Call
from call_api_client.changes import Changes
from call_api_client.client import Client
from call_api_client.events import CallInfo
from call_api_client.link import Link
from call_api_client.queries import CommandInfo
from call_api_client.urls import dialect_of, with_dialect

PREFERRED = "v2"
"""The dialect to ask for where the URL names none: it tells more."""


@asynccontextmanager
async def opened(
    url: str,
    *,
    token: str | None,
    token_file: str | Path | None,
    ca_file: str | Path | None,
    reconnect_within: float,
    open_within: float,
    answer_within: float,
) -> AsyncIterator["Api"]:
    """Return the daemon at ``url``: what `call_api_client.connect` does."""
    if token is not None and token_file is not None:
        raise ValueError("either token or token_file")
    # What is no URL at all is told as it was given.
    is_open = "://" in url and dialect_of(url) is None
    asked = with_dialect(url, PREFERRED) if is_open else url
    tls = ClientTls(ca_file=str(ca_file or ""))
    make = partial(client.connect, asked, open_within=open_within, answer_within=answer_within)

    def connect() -> AbstractAsyncContextManager[Client]:
        # Read each time: a token that is renewed lets us in again.
        fresh = token if token_file is None else Path(token_file).read_text("ascii").strip()
        return make(token=fresh, tls=tls)

    link = Link(connect, reconnect_within)
    await link.open()
    try:
        yield Api(link)
    finally:
        await link.close()


class Api:
    """One daemon; any number of commands, questions and watches at a time over one connection."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def call(
        self,
        method: str,
        /,
        *,
        cmd_id: str | None = None,
        timeout: float | None = None,
        **params: object,
    ) -> Call:
        """Return a command, which is sent when it is read for the first time.

        Args:
            method: As in ``CallStart``; docs/commands.md has all of them and their ``params``.
            cmd_id: The command's name; by default a new one. The same name with the same
                parameters never starts a second command, it follows the first one.
            timeout: Seconds that the command may take; by default the daemon's own limit.
        """
        name = str(uuid.uuid4()) if cmd_id is None else cmd_id
        order: dict[str, object] = {**params, "cmd_id": name}
        if timeout is not None:
            order["timeout"] = timeout
        return Call(self._link, name, (method, order))

    def attach(self, cmd_id: str, *, after: int = 0) -> Call:
        """Return a command that has been started already.

        Args:
            after: The ``seq`` of the last event that is known, in the same dialect.
        """
        return Call(self._link, cmd_id, None, after)

    async def ask(self, method: str, /, **params: object) -> object:
        """Ask something that is answered at once, and return the answer.

        Raises:
            CallApiError: The daemon refuses.
            ConnectionLost, ConnectForbidden, BadReply, NoAnswer: There is no answer.
        """
        return await self._link.ask(method, **params)

    def calls(self) -> AsyncIterator[CallInfo]:
        """Yield every call, oldest first. Raises the same as `ask`."""
        return queries.every_call(self._link.ask)

    async def command(self, cmd_id: str) -> CommandInfo:
        """Return how far a command has come.

        Raises:
            UnknownCommand: The daemon does not know it (any more).
            CallApiError, ConnectionLost, ConnectForbidden, BadReply, NoAnswer: As in `ask`.
        """
        return await queries.command(self._link.ask, cmd_id)

    async def commands(self) -> list[CommandInfo]:
        """Return the commands that run, and the ended ones that the daemon still knows.

        Raises:
            CallApiError, ConnectionLost, ConnectForbidden, BadReply, NoAnswer: As in `ask`.
        """
        return await queries.commands(self._link.ask)

    def watch(self, callid: str | None = None) -> Changes:
        """Return what happens to all calls, or to one until it ends: to be entered, then read.

        Args:
            callid: That call, under the name that `calls` shows.
        """
        return Changes(self._link, callid)
