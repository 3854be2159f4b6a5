"""Several proxies: which of them has a call, and which can make one."""

import asyncio
from collections.abc import Sequence
from typing import Final

from call_api.backends.opensips.client import ProxyClient
from call_api.errors import CallApiError, ProxyUnreachable, UnknownCall
from call_api.model import CallId

_REMEMBERED: Final = 10_000  # calls of which it is known who has them; beyond it the oldest goes


class Proxies:
    """Finds the proxy for a command. With only one there is nothing to find."""

    def __init__(self, clients: Sequence[ProxyClient]) -> None:
        self.clients = clients
        self._homes: dict[CallId, ProxyClient] = {}
        self._turn = 0

    def is_ready(self) -> str | None:
        """Return None, or why no proxy can be used: one line on each of them."""
        down = [client.down for client in self.clients if client.down is not None]
        return None if len(down) < len(self.clients) else "; ".join(down)

    def states(self) -> dict[str, str]:
        """Return ``up``, or what is wrong, for each proxy by its name."""
        return {
            client.name: (client.down or "up").removeprefix(f"{client.name}: ")
            for client in self.clients
        }

    def any_up(self) -> ProxyClient:
        """Return one that can make a call, each in its turn.

        Raises:
            ProxyUnreachable: There is none.
        """
        for _ in self.clients:
            client = self.clients[self._turn % len(self.clients)]
            self._turn += 1
            if client.down is None:
                return client
        raise ProxyUnreachable(self.is_ready() or "")

    def known(self, callid: CallId) -> ProxyClient | None:
        """Return the proxy that has a call; None: they have to be asked, by `find`.

        Raises:
            ProxyUnreachable: It is down.
        """
        home = self.clients[0] if len(self.clients) == 1 else self._homes.get(callid)
        if home is not None and home.down is not None:
            raise ProxyUnreachable(home.down)
        return home

    async def find(self, callid: CallId) -> ProxyClient:
        """Return the proxy that has a call.

        Raises:
            UnknownCall: None of them has it.
            ProxyUnreachable: Those that answer do not have it.
        """
        home = self.known(callid)
        if home is not None:
            return home
        found = await asyncio.gather(*(_has(client, callid) for client in self.clients))
        for client, answer in zip(self.clients, found, strict=True):
            if answer is True:
                self.remember(callid, client)
                return client
        for client, answer in zip(self.clients, found, strict=True):
            if answer is not False:
                raise ProxyUnreachable(client.down or f"{client.name}: {answer}")
        raise UnknownCall(callid)

    def remember(self, callid: CallId, client: ProxyClient) -> None:
        """A call is this proxy's."""
        if len(self.clients) == 1:
            return
        self._homes.pop(callid, None)
        self._homes[callid] = client
        if len(self._homes) > _REMEMBERED:
            del self._homes[next(iter(self._homes))]


async def _has(client: ProxyClient, callid: CallId) -> bool | CallApiError:
    if client.down is not None:
        return ProxyUnreachable(client.down)
    try:
        dialog = await client.dialog(callid)
    except CallApiError as exc:
        return exc
    return dialog is not None and not dialog.is_over
