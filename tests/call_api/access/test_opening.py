import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from call_api.access.access import EXPIRED
from call_api.access.opening import open_access
from call_api.access.tokens import digest_of
from call_api.config import Config, WsServer
from call_api.config_access import Auth, Token


async def test_a_token_that_expires_sends_its_clients_away_in_time() -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    token = Token(sha256=digest_of("x"), expires=soon)
    gone: asyncio.Queue[str] = asyncio.Queue()

    async with open_access(Config(auth=Auth(tokens={"desk": token}))) as access:
        standing = access.admit("x", "127.0.0.1")
        standing.dismiss = gone.put_nowait
        async with asyncio.timeout(5):
            assert await gone.get() == EXPIRED


async def test_nobody_is_let_in_from_elsewhere_by_oversight() -> None:
    with pytest.raises(ValueError, match=r"ws_server\.host"):
        async with open_access(Config(ws_server=WsServer(host="0.0.0.0"))):
            pass
