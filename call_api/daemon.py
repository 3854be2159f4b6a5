"""The daemon: the one place where its parts are put together."""

import asyncio
import errno
import logging
import pkgutil
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
    nullcontext,
)
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias, runtime_checkable

from call_api.access.access import Access
from call_api.access.audit_file import AuditFile, audit_file
from call_api.access.opening import open_access
from call_api.access.owners import Owners
from call_api.access.policy import read_policy
from call_api.access.standing import Standing
from call_api.backends.base import Backend
from call_api.config import Config
from call_api.conversation import Api, Conversation, Limits
from call_api.errors import CallApiError
from call_api.journal import Journal
from call_api.logs import LogFile
from call_api.memory_journal import Bounds, MemoryJournal
from call_api.model import DialectName
from call_api.recovery import recover
from call_api.runner import Runner
from call_api.signals import Signals
from call_api.transports import LISTENERS
from call_api.transports.listener import CannotListen, Listener, authority
from call_api.watches import Watchers

logger = logging.getLogger(__name__)

BUILD: Final = (
    "plain Python" if str(sys.modules[Runner.__module__].__file__).endswith(".py") else "compiled"
)
"""How the way of a command through the daemon is run (``setup.py``)."""

OpenBackend: TypeAlias = Callable[[Config], AbstractAsyncContextManager[Backend]]
"""Opens a back end, as `call_api.backends.BACKENDS` has it.

Raises:
    OSError, CallApiError: What it needs is not there.
    ValueError: A setting is wrong; the message is ``key: what was expected``.
"""


class CannotStart(Exception):
    """The daemon cannot start. The message is one line.

    Attributes:
        key: The setting that is wrong, as in ``mi.url``; None: the machine or the proxy lacks
            something.
    """

    def __init__(self, problem: str, key: str | None = None) -> None:
        self.key = key
        super().__init__(problem)


@runtime_checkable
class HasAddress(Protocol):
    """A back end that phones register to."""

    host: str
    port: int


@dataclass(kw_only=True)
class Daemon:
    """A daemon that serves its clients.

    Attributes:
        listeners: Where they connect.
        is_draining: Whether it takes no new commands any more.
    """

    config: Config
    backend: Backend
    journal: Journal
    runner: Runner
    access: Access
    audit: AuditFile | None
    listeners: list[Listener] = field(default_factory=list)
    is_draining: bool = False

    @property
    def urls(self) -> list[str]:
        """Where clients find it, and then, as a SIP URI, where phones do."""
        urls = [url for listener in self.listeners for url in listener.urls]
        if isinstance(self.backend, HasAddress):
            urls.append(f"sip:{authority(self.backend.host, self.backend.port)}")
        return urls

    def is_ready(self) -> str | None:
        """Return None, or why commands would fail now, in one line."""
        if self.is_draining:
            return "the daemon shuts down"
        return self.journal.is_ready() or self.backend.is_ready()

    async def reload(self, config: Config) -> None:
        """Go by other settings from now on, as far as they are about who may do what.

        Nobody is dropped for it but those whose token is gone. The audit log is opened anew.

        Raises:
            ValueError: A setting is wrong; all is as it was: ``key: what was expected``.
        """
        if self.audit is not None:
            self.audit.reopen()
        policy = read_policy(config)
        for listener in self.listeners:
            await listener.reload(config.ws_server)
        self.access.renew(policy)

    async def drain(self) -> None:
        """Take no new commands; return when the running ones have ended, or were ended."""
        self.is_draining = True
        await self.runner.drain(self.config.shutdown_within)


Beside: TypeAlias = Callable[[Daemon], AbstractAsyncContextManager[object]]
"""Something that runs while the daemon serves, such as the phones of a demo."""


@asynccontextmanager
async def serving(config: Config, open_backend: OpenBackend) -> AsyncIterator[Daemon]:
    """Run a daemon for as long as the context is entered.

    Leaving it takes up to ``shutdown_within`` seconds for the commands and a few more for the
    sockets: no new command is taken, running ones end or are ended, clients are sent away.

    Raises:
        CannotStart: The journal or the back end cannot be opened, or a port is not to be had.
    """
    async with AsyncExitStack() as stack:
        with _explaining("access"):
            audit = await stack.enter_async_context(audit_file(config.audit.file_path))
            access = await stack.enter_async_context(open_access(config, audit))
        with _explaining("journal"):
            journal = await stack.enter_async_context(_journal(config))
        with _explaining(_place_of_backend(config)):
            backend = await stack.enter_async_context(open_backend(config))
        runner = await stack.enter_async_context(Runner(journal=journal, backend=backend))
        await recover(journal, runner, backend)
        daemon = Daemon(
            config=config,
            backend=backend,
            journal=journal,
            runner=runner,
            access=access,
            audit=audit,
        )
        await _listen(daemon, stack)
        try:
            yield daemon
        finally:
            await daemon.drain()


async def run(
    config: Config,
    open_backend: OpenBackend,
    *,
    log_file: LogFile | None = None,
    reread: Callable[[], Config] | None = None,
    beside: Beside | None = None,
    on_ready: Callable[[Daemon], None] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT comes; a second one exits the process at once.

    Args:
        log_file: Reopened on SIGHUP.
        reread: Reads the settings anew, on SIGHUP; raises a `ValueError` if they are wrong.
        on_ready: Called when commands can be sent.

    Raises:
        CannotStart: What it needs is not there.
    """
    try:
        with Signals() as signals:
            async with serving(config, open_backend) as daemon, AsyncExitStack() as stack:
                if beside is not None:
                    with _explaining("demo"):
                        await stack.enter_async_context(beside(daemon))
                logger.info("ready: %s", " ".join(daemon.urls))
                if on_ready is not None:
                    on_ready(daemon)
                while await signals.next() == "reload":
                    if log_file is not None:
                        log_file.reopen()
                    if reread is not None:
                        await _reload(daemon, reread)
                logger.info("stopping, while %d commands run", daemon.runner.running)
    except BaseExceptionGroup as group:  # a back end's own tasks wrap what goes through them
        if (cannot_start := _first(group)) is None:
            raise
        raise cannot_start from group
    logger.info("stopped")


async def _listen(daemon: Daemon, stack: AsyncExitStack) -> None:
    config, commands = daemon.config, daemon.config.commands
    api = Api(
        journal=daemon.journal,
        runner=daemon.runner,
        backend=daemon.backend,
        watchers=Watchers(daemon.backend),
        limits=Limits(ceiling=commands.timeout, batch=config.limits.batch),
        owners=Owners(
            daemon.backend,
            asyncio.get_running_loop().call_soon,
            are_needed=lambda: daemon.access.hides_calls,
        ),
    )

    def converse(
        dialect: DialectName, send: Callable[[bytes], None], peer: str, standing: Standing
    ) -> Conversation:
        return Conversation(dialect=dialect, api=api, send=send, peer=peer, standing=standing)

    for section, name in LISTENERS.items():
        with _explaining(section):
            listener = pkgutil.resolve_name(name)(
                getattr(config, section),
                converse,
                daemon.is_ready,
                daemon.backend.proxies,
                daemon.access.admit,
            )
            daemon.listeners.append(await stack.enter_async_context(listener))


def _journal(config: Config) -> AbstractAsyncContextManager[Journal]:
    """Open the journal of the settings.

    Raises:
        ValueError: ``journal.path`` cannot be one.
    """
    loop, commands = asyncio.get_running_loop(), config.commands
    bounds = Bounds(keep_for=commands.keep_for, keep_most=commands.keep, run_most=commands.running)
    within: dict[str, Any] = {
        "clock": loop.time,
        "call_soon": loop.call_soon,
        "wall": time.time,
        "bounds": bounds,
    }
    if not config.journal.path:
        return nullcontext(MemoryJournal(**within))
    sqlite_journal = pkgutil.resolve_name("call_api.journal_opening:sqlite_journal")
    path, sync = Path(config.journal.path), config.journal.sync
    opened: AbstractAsyncContextManager[Journal] = sqlite_journal(path, sync=sync, **within)
    return opened


@contextmanager
def _explaining(what: str) -> Iterator[None]:
    """Turn the failures of a start into one line."""
    try:
        yield
    except (OSError, CallApiError, CannotListen) as exc:
        raise CannotStart(f"{what}: {_in_one_line(exc)}") from exc
    except ValueError as exc:
        key, _, expected = str(exc).partition(": ")
        raise CannotStart(expected.removeprefix("expected "), key) from exc


def _place_of_backend(config: Config) -> str:
    name = config.backend_name
    settings = getattr(config, name, None)
    if isinstance(settings, HasAddress):
        return f"back end {name}, {authority(settings.host, settings.port)}"
    return f"back end {name}"


def _in_one_line(exc: Exception) -> str:
    if isinstance(exc, OSError) and exc.errno == errno.EADDRINUSE:
        return "another program has this port"
    said = exc.strerror if isinstance(exc, OSError) else None
    return " ".join((said or str(exc)).split()) or type(exc).__name__


def _first(group: BaseExceptionGroup[BaseException]) -> CannotStart | None:
    for exc in group.exceptions:
        found = _first(exc) if isinstance(exc, BaseExceptionGroup) else exc
        if isinstance(found, CannotStart):
            return found
    return None


async def _reload(daemon: Daemon, reread: Callable[[], Config]) -> None:
    try:
        await daemon.reload(reread())
    except ValueError as exc:
        logger.error("the settings stay as they are: %s", exc)
    else:
        logger.info("the settings were read anew")
