"""The phones of ``--demo``: alice, bob and carol, on this machine, without anybody's doing."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from call_api.backends.embedded.phone import Behaviour, Line, Phone, phone
from call_api.backends.embedded.silence import Ticker
from call_api.sip.flow import Address, Transport
from call_api.sip.timers import Timers

DEMO_USERS = ("alice", "bob", "carol")
"""Who has a phone in the demo."""


def random_passwords() -> dict[str, str]:
    """Return a password for each demo user; it is needed by nobody but the phones."""
    return {name: secrets.token_urlsafe(16) for name in DEMO_USERS}


@asynccontextmanager
async def demo_phones(
    registrar: Address,
    domain: str,
    users: Mapping[str, str],
    *,
    transport: Transport = "UDP",
    host: str = "",
    timers: Timers | None = None,
) -> AsyncIterator[Mapping[str, Phone]]:
    """Registered phones, as long as the block runs, by user name.

    They ring for 0.3 s and answer; `Phone.behaviour` changes that. Their counters
    (`Phone.received_packets`) tell whether there is sound.

    Args:
        registrar: IP address and port that they register at.
        domain: What the users' URIs end in.
        users: Password of each user.
        host: Where the phones listen, as an IP address; by default on this machine's loopback
            address of the registrar's family.

    Raises:
        RegistrationFailed: The registrar refuses one of them, or does not answer.
        OSError: There is no free port.
    """
    host = host or ("::1" if ":" in registrar[0] else "127.0.0.1")
    ticker = Ticker(asyncio.get_running_loop())
    async with AsyncExitStack() as stack:
        phones: dict[str, Phone] = {}
        for name, password in users.items():
            line = Line(
                name=name,
                password=password,
                domain=domain,
                registrar=registrar,
                transport=transport,
                host=host,
            )
            opened = phone(line, behaviour=Behaviour(), ticker=ticker, timers=timers)
            phones[name] = await stack.enter_async_context(opened)
        yield phones
