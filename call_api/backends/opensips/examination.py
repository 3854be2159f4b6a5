"""Examines all proxies of the settings, for ``call-api doctor``."""

import errno
from collections.abc import Sequence
from contextlib import AsyncExitStack

import msgspec

from call_api.backends.opensips.checkup import Checkup
from call_api.backends.opensips.client import ProxyClient
from call_api.backends.opensips.event_table import EventTable
from call_api.backends.opensips.keeper import Keeper
from call_api.backends.opensips.opening import Events, open_clients, open_events
from call_api.config import Config
from call_api.doctor import Finding


async def examine_proxies(config: Config) -> Sequence[Finding]:
    """Return what was found at every proxy, in the order of ``mi.url``.

    A daemon may run meanwhile: then events come in at another port than its own.

    Raises:
        BadAddress: A setting is no address.
        OSError: Events cannot be listened for.
    """
    findings: list[Finding] = []
    async with AsyncExitStack() as stack:
        keeper = await stack.enter_async_context(Keeper())
        table = EventTable()
        listening = await _listen(config, table)
        stack.callback(listening.close)
        for client in open_clients(config, keeper):
            stack.callback(client.close)
            findings.extend(await _examine(client, listening, table))
    return findings


async def _examine(client: ProxyClient, listening: Events, table: EventTable) -> Sequence[Finding]:
    try:
        await client.open()
    except OSError as exc:
        told = exc.strerror or str(exc)
        remedy = "is mi.url right, and OpenSIPS up?"
        return (
            Finding(proxy=client.name, check="reachable", state="wrong", told=told, remedy=remedy),
        )
    checkup = Checkup(client, listening)
    table.listen_to_all(checkup.receive)
    await checkup.run()
    return checkup.findings


async def _listen(config: Config, table: EventTable) -> Events:
    try:
        return await open_events(config, table)
    except OSError as exc:
        if exc.errno != errno.EADDRINUSE:
            raise
    kind, host = config.events.url.rpartition(":")[0].split(":", 1)
    elsewhere = msgspec.structs.replace(config.events, url=f"{kind}:{host}:0")
    return await open_events(msgspec.structs.replace(config, events=elsewhere), table)
