"""The way to a daemon. Imports nothing at once that the command lines do not need at once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from call_api_client.api import Api


@asynccontextmanager
async def connect(
    url: str,
    *,
    token: str | None = None,
    token_file: "str | Path | None" = None,
    ca_file: "str | Path | None" = None,
    reconnect_within: float = 60.0,
    open_within: float = 10.0,
    answer_within: float = 30.0,
) -> "AsyncIterator[Api]":
    """Return the daemon at ``url``; leaving it closes the connection, and ends no command.

    Args:
        url: As in ``ws://localhost:5059/call-api``. Where the path names no dialect, v2 is asked
            for.
        token: Says to the daemon who we are.
        token_file: A file with the token, read anew for each connection.
        ca_file: A PEM file: whom to trust with a wss URL; by default whom the system does.
        reconnect_within: Seconds that a lost connection may take to come back; 0: it stays lost.
        open_within: Seconds until there is a connection.
        answer_within: Seconds that the daemon has to answer a request. (A command's own time is
            its ``timeout``.)

    Raises:
        ValueError: The token can be none.
        OSError: ``token_file`` cannot be read.
        ConnectFailed: There is no connection; each subclass says why.
    """
    from call_api_client.api import opened

    async with opened(
        url,
        token=token,
        token_file=token_file,
        ca_file=ca_file,
        reconnect_within=reconnect_within,
        open_within=open_within,
        answer_within=answer_within,
    ) as api:
        yield api
