"""The whole daemon in front of real proxies."""

from pathlib import Path
from typing import Any

from tests.live.daemon import Daemon
from tests.opensips_live.opensips import OpenSips


class ProxyDaemon(Daemon):
    """One daemon; phones register at the first of its proxies."""

    def __init__(self, folder: Path, *proxies: OpenSips) -> None:
        super().__init__(folder)
        self.proxies = proxies
        self._complaints_told = 0

    def complaints(self) -> list[str]:
        """What it failed at since this was asked last: one fault does not blame every test."""
        every = super().complaints()
        new, self._complaints_told = every[self._complaints_told :], len(every)
        return new

    @property
    def registrar(self) -> str:
        return self.proxies[0].registrar

    async def launch(self, users: dict[str, str], **settings: Any) -> None:
        """Start it; return when it is ready for commands."""
        sip = {"uri": _one_or_all([proxy.sip_uri for proxy in self.proxies])}
        mi = {"url": _one_or_all([proxy.mi_url for proxy in self.proxies])}
        await super().launch(
            users,
            mi=mi | settings.pop("mi", {}),
            sip=sip | settings.pop("sip", {}),
            **settings,
        )


def _one_or_all(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values
