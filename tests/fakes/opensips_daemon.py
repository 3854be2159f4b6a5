"""A whole daemon on a scripted proxy: settings from a file, WebSockets, everything."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from msgspec import structs

from call_api.backends.opensips.opening import open_backend
from call_api.config import Config
from call_api.daemon import Daemon, serving
from tests.fakes.opensips.manners import Manner
from tests.fakes.opensips_lab import config
from tests.fakes.proxy import FakeProxy
from tests.wire.api import JsonClient

ALICE, BOB, CINDY = (f"sip:{name}@127.0.0.1" for name in ("alice", "bob", "cindy"))

SHORT = 90.0
"""Seconds, of a clock that jumps, within which every command ends."""

_LONG = 86400.0
"""Seconds: the test's client does not answer pings, and the clock may jump."""


@asynccontextmanager
async def daemon_on(proxy: FakeProxy, settings: Config | None = None) -> AsyncIterator[Daemon]:
    """A daemon in front of a proxy, on a free port of loopback."""
    settings = settings or config(proxy)
    patient: dict[str, Any] = {"ping_every": _LONG, "silent_for": _LONG, "handshake_within": _LONG}
    server = structs.replace(settings.ws_server, host="127.0.0.1", port=0, **patient)
    async with serving(structs.replace(settings, ws_server=server), open_backend) as daemon:
        yield daemon


class PatientClient(JsonClient):
    """Waits as long as the daemon may take."""

    limit = SHORT


@asynccontextmanager
async def stage(**phones: Manner) -> AsyncIterator[tuple[FakeProxy, Daemon, JsonClient]]:
    """A proxy with such phones, a daemon, and a client in dialect v2."""
    async with FakeProxy() as proxy:
        proxy.switch.phones |= phones
        async with (
            daemon_on(proxy) as daemon,
            await PatientClient.to(daemon, "/call-api/v2") as client,
        ):
            yield proxy, daemon, client


async def told(client: JsonClient, method: str, **params: Any) -> list[dict[str, Any]]:
    """Run one command; return the params of its notifications."""
    async with asyncio.timeout(SHORT):
        _, frames = await client.story(method, params)
    return [frame["params"] for frame in frames]


def outcome(notifications: list[dict[str, Any]]) -> str:
    """Return how a command ended: its error, or ``ok``."""
    assert [one["event"] for one in notifications].count("Ended") == 1
    errors: list[str] = [one["data"] for one in notifications if one["event"] == "Error"]
    return errors[0] if errors else "ok"
