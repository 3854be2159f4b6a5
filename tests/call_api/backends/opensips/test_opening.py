import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from call_api.backends.base import ACTING, Backend
from call_api.backends.opensips.addresses import BadAddress
from call_api.backends.opensips.backend import OpenSipsBackend
from call_api.backends.opensips.events import ProxyEvent
from call_api.backends.opensips.opening import open_backend
from call_api.config import Config, Events, Mi, Sip
from call_api.errors import ProxyUnreachable, UnknownCall
from call_api.model import CallId
from tests.fakes.mi_script import Acting


class TinyProxy:
    """Takes MI requests by UDP or on a Unix socket, and knows no call.

    Attributes:
        subscribed: What events are sent to, by the event's name.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.subscribed: dict[str, str] = {}
        self._sock = sock
        self._loop = asyncio.get_running_loop()
        sock.setblocking(False)
        self._loop.add_reader(sock, self._readable)

    def close(self) -> None:
        self._loop.remove_reader(self._sock)
        self._sock.close()

    def _readable(self) -> None:
        data, peer = self._sock.recvfrom(65536)
        request = json.loads(data)
        reply = {"jsonrpc": "2.0", "id": request["id"]}
        if request["method"] == "event_subscribe":
            params = request["params"]
            self.subscribed.pop(params["event"], None)
            if params["expire"]:
                self.subscribed[params["event"]] = params["socket"]
            reply["result"] = "OK"
        elif request["method"] == "uptime":
            reply["result"] = {"Up since": "yesterday"}
        else:
            reply["error"] = {"code": 404, "message": "No such dialog"}
        self._sock.sendto(json.dumps(reply).encode(), peer)


@asynccontextmanager
async def udp_proxy() -> AsyncIterator[tuple[TinyProxy, str]]:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    proxy = TinyProxy(sock)
    yield proxy, f"127.0.0.1:{sock.getsockname()[1]}"
    proxy.close()


def settings(*urls: str, events: str = "udp") -> Config:
    return Config(
        mi=Mi(url=urls[0] if len(urls) == 1 else urls, reply_within=1.0),
        sip=Sip(uri="sip:h" if len(urls) == 1 else tuple(f"sip:h{url[-2:]}" for url in urls)),
        events=Events(url=events),
    )


def one_held(proxy: TinyProxy) -> None:
    """Raise an event where the daemon wants it."""
    kind, host, port = proxy.subscribed["E_CALL_HOLD"].split(":")
    params = {"callid": "a", "leg": "caller", "action": "hold", "state": "ok"}
    data = json.dumps({"jsonrpc": "2.0", "method": "E_CALL_HOLD", "params": params}).encode()
    if kind == "udp":
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(data, (host, int(port)))
    else:
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(data + data)


async def heard(backend: Backend, proxy: TinyProxy) -> str | None:
    """Return whose leg an event told of, after it came all the way."""
    assert isinstance(backend, OpenSipsBackend)
    told: asyncio.Queue[ProxyEvent] = asyncio.Queue()
    table = backend._shared.table  # commands listen there
    table.listen(("E_CALL_HOLD",), ("a",), told.put_nowait)
    one_held(proxy)
    async with asyncio.timeout(5):
        return (await told.get()).params.leg


@pytest.mark.parametrize("events", ["udp", "udp:127.0.0.1:0", "udp:0.0.0.0:0", "tcp:127.0.0.1:0"])
async def test_events_come_in_and_nothing_is_left_subscribed(events: str) -> None:
    async with udp_proxy() as (proxy, url):
        async with open_backend(settings(url, events=events)) as backend:
            assert backend.is_ready() is None
            assert await heard(backend, proxy) == "caller"
            assert len(proxy.subscribed) == 4

        assert proxy.subscribed == {}


async def test_a_proxy_may_be_on_a_unix_socket(tmp_path: Path) -> None:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(str(tmp_path / "mi"))
    proxy = TinyProxy(sock)
    async with open_backend(settings(f"unix:{tmp_path}/mi")) as backend:
        assert backend.is_ready() is None
        assert await heard(backend, proxy) == "caller"
    proxy.close()


async def test_a_proxy_that_is_not_there_over_http_is_said_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/mi"
    async with open_backend(settings(url)) as backend:
        assert backend.is_ready() == f"{url}: Connection refused"
    assert f"{url}: CallStart is not supported over mi_http" in caplog.text


async def test_a_proxy_that_is_down_does_not_keep_the_daemon_from_starting() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"127.0.0.1:{nobody.getsockname()[1]}"
    async with open_backend(settings(url)) as backend:
        ACTING.set(Acting())
        assert backend.is_ready() == f"{url}: Connection refused"
        with pytest.raises(ProxyUnreachable):
            await backend.end(CallId("a"))


async def test_a_proxy_that_is_silent_does_not_keep_the_daemon_from_starting() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        url = f"127.0.0.1:{silent.getsockname()[1]}"
        async with open_backend(settings(url)) as backend:
            assert backend.is_ready() is not None


async def test_several_proxies_are_asked_for_a_call() -> None:
    async with (
        udp_proxy() as (first, one),
        udp_proxy() as (second, other),
        open_backend(settings(one, other)) as backend,
    ):
        ACTING.set(Acting())
        assert backend.proxies() == {one: "up", other: "up"}
        assert len(first.subscribed) == len(second.subscribed) == 4
        with pytest.raises(UnknownCall):
            await backend.end(CallId("a"))


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        (Config(mi=Mi(url="nonsense")), r"mi\.url: expected"),
        (Config(mi=Mi(url=("h:1", "h:2"))), r"sip\.uri: expected 2 URIs, one for each of mi\.url"),
        (Config(mi=Mi(url="h:1"), sip=Sip(uri="sip:h?x=y")), r"sip\.uri: .* has a header part"),
        (Config(mi=Mi(url="h:1"), events=Events(url="udp:h:99999")), r"events\.url: expected"),
    ],
)
async def test_a_setting_that_makes_no_sense_is_said_so(config: Config, problem: str) -> None:
    with pytest.raises(BadAddress, match=problem):
        async with open_backend(config):
            pass


async def test_events_that_cannot_be_listened_for_are_an_error() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            async with open_backend(settings("127.0.0.1:9", events=f"udp:127.0.0.1:{port}")):
                pass
