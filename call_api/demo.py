"""``call-api --demo``: three phones on this machine, and what to type to see them talk."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Protocol

from msgspec import structs

from call_api.backends.embedded.demo_phones import DEMO_USERS, demo_phones, random_passwords
from call_api.backends.embedded.phone import Phone
from call_api.backends.embedded.registration import RegistrationFailed
from call_api.config import CmdConfig, Config
from call_api.daemon import Daemon, HasAddress
from call_api.sip.uri import canonical_host

LOOK_EVERY = 0.5
"""Seconds between two looks at the phones' packet counters."""

logger = logging.getLogger(__name__)


class Counter(Protocol):
    """A phone, as far as its sound goes."""

    @property
    def received_packets(self) -> int:
        """RTP packets so far."""


def with_phones(config: Config) -> Config:
    """Return settings that let the phones register, with passwords that nobody knows."""
    users = {**config.embedded.users, **random_passwords()}
    return structs.replace(config, embedded=structs.replace(config.embedded, users=users))


@asynccontextmanager
async def phones(daemon: Daemon) -> AsyncIterator[Mapping[str, Phone]]:
    """Registered phones, whose sound is told in the log, for as long as the context is entered.

    Args:
        daemon: One with the embedded back end and settings from `with_phones`.

    Raises:
        OSError: There is no free port, or the back end does not let them register.
    """
    assert isinstance(daemon.backend, HasAddress)
    registrar = (daemon.backend.host, daemon.backend.port)
    users = {name: daemon.config.embedded.users[name] for name in DEMO_USERS}
    domain = canonical_host(_domain(daemon.config))
    async with AsyncExitStack() as stack:
        try:
            opened = await stack.enter_async_context(demo_phones(registrar, domain, users))
        except RegistrationFailed as exc:
            raise ConnectionError(f"a phone is {exc}") from exc
        watch = SoundWatch(opened)
        watch.start()
        try:
            yield opened
        finally:
            watch.stop()


class SoundWatch:
    """Tells in the log when a phone begins to hear something, and when it stops."""

    def __init__(self, phones: Mapping[str, Counter]) -> None:
        self._phones = phones
        self._counted = {name: phone.received_packets for name, phone in phones.items()}
        self._hearing: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Look every `LOOK_EVERY` seconds."""
        self.look()
        self._timer = asyncio.get_running_loop().call_later(LOOK_EVERY, self.start)

    def stop(self) -> None:
        """Look no more; tell what each phone has received in all."""
        if self._timer is not None:
            self._timer.cancel()
        for name, phone in self._phones.items():
            _tell(name, "received %d packets in all", phone.received_packets)

    def look(self) -> None:
        """Compare the counters with those of the last time."""
        for name, phone in self._phones.items():
            before, now = self._counted[name], phone.received_packets
            self._counted[name] = now
            if now > before and name not in self._hearing:
                self._hearing.add(name)
                _tell(name, "hears sound, %d packets so far", now)
            elif now == before and name in self._hearing:
                self._hearing.remove(name)
                _tell(name, "hears nothing any more, %d packets so far", now)


def what_to_type(daemon: Daemon) -> str:
    """Return what a newcomer reads and types in another terminal."""
    domain, url = _domain(daemon.config), daemon.urls[0]
    auth, tls = daemon.config.auth, daemon.config.ws_server.tls.certificate
    port = url.partition("//")[2].partition("/")[0].rpartition(":")[2]
    here = {
        "CALL_API_WS_SERVER_PORT": (port, str(CmdConfig().ws_server.port)),
        "CALL_API_WS_SERVER_HTTP_PATH": (
            daemon.config.ws_server.http_path,
            CmdConfig().ws_server.http_path,
        ),
        "CALL_API_SIP_DOMAIN": (domain, CmdConfig().sip.domain),
        "CALL_API_CLIENT_CA_FILE": ("FILE      # who signed the certificate" if tls else "", ""),
        "CALL_API_CLIENT_TOKEN_FILE": ("FILE   # a token" if auth.wants_token else "", ""),
    }
    exports = [f"  export {name}={its}\n" for name, (its, usual) in here.items() if its != usual]
    return _TEXT.format(exports="".join(exports))


_TEXT = """\
The phones of alice, bob and carol are registered. They ring, answer, and send silence.
In another terminal:

{exports}\
  call-cmd start alice bob
  call-cmd list
  call-cmd hold CALLID
  call-cmd unhold CALLID
  call-cmd transfer CALLID carol --leg caller
  call-cmd end CALLID

CALLID is what start and list say. Ctrl-C stops everything.
"""


def _domain(config: Config) -> str:
    return (*config.embedded.domains, config.embedded.host)[0]


def _tell(name: str, message: str, *args: object) -> None:
    logger.info(message, *args, extra={"subject": name})
