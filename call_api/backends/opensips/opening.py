"""Puts the back end together: proxies, their events, and what keeps both alive."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final, Protocol

from call_api.backends.opensips.addresses import (
    BadAddress,
    EventsAddress,
    MiAddress,
    is_address,
    parse_events_url,
    parse_mi_url,
)
from call_api.backends.opensips.backend import OpenSipsBackend
from call_api.backends.opensips.client import Connect, MiChannel, ProxyClient
from call_api.backends.opensips.event_framing import EventFraming
from call_api.backends.opensips.event_table import EventTable
from call_api.backends.opensips.keeper import Keeper
from call_api.backends.opensips.patience import Patience
from call_api.backends.opensips.proxies import Proxies
from call_api.backends.opensips.recent_dialogs import RecentDialogs
from call_api.backends.opensips.shared import Shared
from call_api.config import Config
from call_api.model import SipUri
from call_api.sip.uri import BadUri, parse_target
from call_api.spare_timers import SpareTimers
from call_api.transports.event_stream import open_event_stream
from call_api.transports.event_udp import open_event_udp
from call_api.transports.mi_http import MiHttp
from call_api.transports.mi_udp import open_mi_udp
from call_api.transports.mi_unix import open_mi_unix

logger = logging.getLogger(__name__)

_FIRST_LOOK_WITHIN: Final = 1.0
"""Seconds for the proxies to answer before the daemon goes on without them."""


class _Listener(Protocol):
    @property
    def port(self) -> int: ...

    def close(self) -> None: ...


class Events:
    """Where the events of all proxies come in."""

    def __init__(self, address: EventsAddress, senders: set[str], listener: _Listener) -> None:
        self._address = address
        self._senders = senders
        self._listener = listener

    def socket(self, local_host: str) -> str:
        """Return where a proxy is to send them; it reaches us as ``local_host``."""
        return self._address.socket(local_host, self._listener.port)

    def expect(self, host: str) -> None:
        """Take in those of the proxy with this address."""
        self._senders.add(host)

    def close(self) -> None:
        """Take in no more."""
        self._listener.close()


@asynccontextmanager
async def open_backend(config: Config) -> AsyncIterator[OpenSipsBackend]:
    """Entered: proxies that answer are subscribed to. Left: nothing is left at any proxy.

    A proxy that does not answer does not keep the daemon from starting: `is_ready` says so.

    Raises:
        BadAddress: A setting is no address.
        OSError: Events cannot be listened for.
    """
    async with AsyncExitStack() as stack:
        keeper = await stack.enter_async_context(Keeper())
        clients = open_clients(config, keeper)
        loop = asyncio.get_running_loop()
        table, recent = EventTable(), RecentDialogs(loop.time)
        table.listen_to_all(recent.receive)
        events = await open_events(config, table)
        stack.callback(events.close)
        for client in clients:
            stack.callback(client.close)
        await _first_look(clients, events)
        for client in clients:
            if not client.waits_beside:
                logger.warning("%s: CallStart is not supported over mi_http", client.name)
            keeper.spawn(client.look_after(events), f"look after {client.name}")
        patience = Patience(ring_for=config.sip.ring_for)
        shared = Shared(
            proxies=Proxies(clients),
            table=table,
            recent=recent,
            keeper=keeper,
            patience=patience,
            timers=SpareTimers(loop),
        )
        try:
            yield OpenSipsBackend(shared)
        finally:
            await keeper.finish_all()
            await asyncio.gather(*(client.unsubscribe(events) for client in clients))


async def try_settings(config: Config) -> None:
    """Fail if `open_backend` would because of a setting; nothing is asked, nothing stays open.

    Raises:
        BadAddress: A setting is no address.
        OSError: Events cannot be listened for.
    """
    _places(config)
    (await open_events(config, EventTable())).close()


def open_clients(config: Config, keeper: Keeper) -> list[ProxyClient]:
    """Return a client for each proxy of the settings. Nothing is asked yet.

    Raises:
        BadAddress: A setting is no address.
    """
    return [
        ProxyClient(
            name=address.name,
            sip_uri=sip_uri,
            connect=_connect(address, keeper),
            reply_within=config.mi.reply_within,
            # mi_http answers one request after the other, and waits for phones.
            waits_beside=address.kind != "http",
        )
        for address, sip_uri in _places(config)
    ]


def _places(config: Config) -> list[tuple[MiAddress, SipUri]]:
    """Return where each proxy takes MI requests and SIP requests.

    Raises:
        BadAddress: One of them is none, or there are more of one than of the other.
    """
    urls = (config.mi.url,) if isinstance(config.mi.url, str) else config.mi.url
    uris = (config.sip.uri,) if isinstance(config.sip.uri, str) else config.sip.uri
    if len(urls) != len(uris):
        raise BadAddress(f"sip.uri: expected {len(urls)} URIs, one for each of mi.url")
    for uri in uris:
        try:
            parse_target(uri)
        except BadUri as exc:
            raise BadAddress(f"sip.uri: {uri!r} {exc.problem}") from exc
    return [(parse_mi_url(url), SipUri(uri)) for url, uri in zip(urls, uris, strict=True)]


def _connect(address: MiAddress, keeper: Keeper) -> Connect:
    async def connect(client: ProxyClient) -> MiChannel:
        receive, fail = client.receive, client.fail
        if address.kind == "udp":
            return await open_mi_udp(address.host, address.port, receive, fail)
        if address.kind == "unix":
            return open_mi_unix(address.path, receive, fail)
        return MiHttp(address.host, address.port, address.path, receive, fail, keeper.spawn)

    return connect


async def open_events(config: Config, table: EventTable) -> Events:
    """Listen for events where the settings say.

    Raises:
        BadAddress: That is no address.
        OSError: It cannot be.
    """
    address = parse_events_url(config.events.url)
    host = address.host if is_address(address.host) or address.host == "localhost" else ""
    senders: set[str] = set()
    listener: _Listener
    if address.kind == "udp":
        listener = open_event_udp(host, address.port, senders, table.receive)
    else:
        listener = await open_event_stream(
            host, address.port, senders, lambda: EventFraming(table.receive)
        )
    return Events(address, senders, listener)


async def _first_look(clients: list[ProxyClient], events: Events) -> None:
    try:
        async with asyncio.timeout(_FIRST_LOOK_WITHIN):
            await asyncio.gather(*(client.look(events, renew=True) for client in clients))
    except TimeoutError:
        pass
    for client in clients:
        if client.down is not None:
            logger.warning("%s", client.down)
