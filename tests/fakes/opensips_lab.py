"""The OpenSIPS back end on a scripted proxy, and clients that command it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from call_api.backends.opensips.backend import OpenSipsBackend
from call_api.backends.opensips.opening import open_backend
from call_api.config import Config, Events, Mi, Sip
from call_api.conversation import Api
from call_api.model import DialectName
from tests.fakes.fake_client import FakeClient, serving
from tests.fakes.opensips.trouble import Trouble
from tests.fakes.proxy import FakeProxy


@dataclass
class Lab:
    """A proxy, the back end on it, and everything but the sockets of a daemon."""

    proxy: FakeProxy
    backend: OpenSipsBackend
    api: Api
    _ids: list[str] = field(default_factory=list)

    def client(self, dialect: DialectName = "v2") -> FakeClient:
        """Return a client that has just connected."""
        return FakeClient(self.api, dialect, within=400.0)

    async def story(self, method: str, params: dict[str, Any]) -> list[dict[str, Any]]:
        """Run one command; return the params of its notifications in v2."""
        client = self.client()
        cmd_id = str(params.get("cmd_id") or f"cmd-{len(self._ids)}")
        self._ids.append(cmd_id)
        started = await client.result(client.ask(method, **(params | {"cmd_id": cmd_id})))
        assert started == {"cmd_id": cmd_id, "status": "Started", "event": "Started"}
        return await client.story(cmd_id)


def config(*proxies: FakeProxy, events: str = "udp", ring_for: float = 60.0) -> Config:
    """Return the settings of a daemon in front of these proxies."""
    urls = tuple(proxy.mi_url for proxy in proxies)
    uris = tuple("sip:127.0.0.1:5060" for _ in proxies)
    return Config(
        mi=Mi(url=urls if len(urls) > 1 else urls[0]),
        events=Events(url=events),
        sip=Sip(uri=uris if len(uris) > 1 else uris[0], ring_for=ring_for),
    )


@asynccontextmanager
async def lab(
    *,
    seed: int = 0,
    version: str = "4.1.0-dev",
    trouble: Trouble | None = None,
    events: str = "udp",
    ring_for: float = 60.0,
    path: Path | None = None,
    script_event: bool = False,
) -> AsyncIterator[Lab]:
    """A daemon without its sockets, on one scripted proxy.

    Args:
        path: Of a Unix socket to take MI requests on, instead of UDP.
        script_event: Whether the proxy's script raises an event when a REFER is refused.
    """
    made = FakeProxy(seed=seed, version=version, trouble=trouble, path=path)
    made.switch.script_event = script_event
    async with (
        made as proxy,
        open_backend(config(proxy, events=events, ring_for=ring_for)) as backend,
        serving(backend) as api,
    ):
        yield Lab(proxy, backend, api)
