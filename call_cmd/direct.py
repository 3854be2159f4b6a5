"""``--direct``: a command is carried out at the SIP proxy by call-cmd itself, without a daemon.

The same back end, commands and words as in the daemon, less the sockets between them; so what is
told and how it ends is the same. Who leaves ends the command: nobody else runs it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from msgspec import structs

from call_api.backends import BACKENDS
from call_api.config import CmdConfig, Config, Events
from call_api.conversation import Api, Conversation, Limits
from call_api.memory_journal import MemoryJournal
from call_api.runner import Runner
from call_api.watches import Watchers
from call_api_client.client import Client
from call_api_client.target import BadCommandLine, read_settings
from call_cmd.options import TOOL

CLEAN_UP_WITHIN = 10.0
"""Seconds for a command that is left to cancel what rings and hang up what it built."""

_BACKEND = "opensips"


def connector(own: CmdConfig) -> Callable[[], AbstractAsyncContextManager[Client]]:
    """Return what makes a client that needs no daemon.

    Args:
        own: Says where the proxy is; without ``mi.url`` there, call-api.yml does.

    Raises:
        BadCommandLine: Neither does, or a setting is wrong.
    """
    config = _settings(own)
    return lambda: _client(config)


def _settings(own: CmdConfig) -> Config:
    if own.mi.url:
        sip = structs.replace(Config().sip, uri=own.sip.uri)
        return Config(mi=own.mi, sip=sip, backend=_BACKEND)
    config = read_settings(Config, None)
    if not config.mi.url:
        raise BadCommandLine("--direct needs mi.url in call-cmd.yml or call-api.yml: the SIP proxy")
    # A daemon may listen at the port that is named there.
    kind, _, place = config.events.url.partition(":")
    url = f"{kind}:{place.rpartition(':')[0]}:0" if place else kind
    return structs.replace(config, events=Events(url=url), backend=_BACKEND)


@asynccontextmanager
async def _client(config: Config) -> AsyncIterator[Client]:
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        try:
            backend = await stack.enter_async_context(BACKENDS[_BACKEND](config))
        except ValueError as exc:
            raise BadCommandLine(str(exc)) from exc
        journal = MemoryJournal(clock=loop.time, call_soon=loop.call_soon)
        runner = Runner(journal=journal, backend=backend, cleanup_within=CLEAN_UP_WITHIN)
        await stack.enter_async_context(runner)
        api = Api(
            journal=journal,
            runner=runner,
            backend=backend,
            watchers=Watchers(backend),
            limits=Limits(ceiling=config.commands.timeout),
        )
        client = Client()
        line = _Line(api, client)
        stack.callback(line.close)
        client.use(line)
        yield client


class _Line:
    """Stands for the connection between a client and a daemon."""

    def __init__(self, api: Api, client: Client) -> None:
        self._client = client
        self._conversation = Conversation(dialect="v2", api=api, send=self._told, peer=TOOL)

    def send(self, text: str) -> None:
        self._conversation.receive(text)

    def close(self) -> None:
        self._conversation.close()

    def _told(self, data: bytes) -> None:
        self._client.receive(data.decode())
