"""Every way to a real proxy: MI by a Unix socket and by HTTP, events by TCP."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.live.calls import start, talk
from tests.live.client import connected
from tests.live.conftest import fixture
from tests.live.daemon import DOMAIN
from tests.live.phones import Phone, start_phone
from tests.live.ports import HOST, server_port
from tests.opensips_live.calls import succeeds, transfer
from tests.opensips_live.daemon import ProxyDaemon
from tests.opensips_live.opensips import OpenSips
from tests.opensips_live.programs import run, settings

MI_DATAGRAM = 'loadmodule "mi_datagram.so"\n'


@dataclass
class Place:
    """A proxy, a daemon that reaches it in one way, and two phones."""

    proxy: OpenSips
    daemon: ProxyDaemon
    mi: str
    phones: dict[str, Phone]


def mi_by(kind: str, folder: Path) -> tuple[str, dict[str, str]]:
    """Return mi.url, and what changes in the example for it."""
    port = server_port()
    if kind == "unix":
        path = folder / f"mi-{port}.sock"
        by_udp = f'"socket_name", "udp:{HOST}:8080"'
        return f"unix:{path}", {by_udp: f'"socket_name", "{path}"'}
    if kind == "http":  # that by UDP stays, for the tests
        more = (
            'loadmodule "httpd.so"\n'
            f'modparam("httpd", "port", {port})\n'
            f'modparam("httpd", "ip", "{HOST}")\n'
            'loadmodule "mi_http.so"\n'
        )
        return f"http://{HOST}:{port}/mi", {MI_DATAGRAM: more + MI_DATAGRAM}
    return "", {}


@fixture(params=["unix udp", "udp tcp", "http udp", "http tcp"])
async def place(folder: Path, request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    kind, events = request.param.split()
    mi, changes = mi_by(kind, folder)
    proxy = OpenSips(folder, changes)
    if kind == "unix":
        proxy.mi_path = Path(mi.removeprefix("unix:"))
    daemon = ProxyDaemon(folder, proxy)
    phones: dict[str, Phone] = {}
    url = f"tcp:{HOST}:{server_port()}" if events == "tcp" else "udp"
    try:
        await proxy.launch()
        mi = mi or proxy.mi_url
        await daemon.launch({}, mi={"url": mi}, events={"url": url})
        for name in ("alice", "bob", "carol"):
            phones[name] = await start_phone(
                name,
                registrar=proxy.registrar,
                domain=DOMAIN,
                transport="udp",
                log=folder / "phones.log",
            )
            await phones[name].until(lambda state: state.registration == 200)
        yield Place(proxy, daemon, mi, phones)
    finally:
        for phone in phones.values():
            await phone.close()
        status = await daemon.end()
        await proxy.end()
    assert status == 0
    assert daemon.complaints() == []


async def test_every_command_goes_this_way(place: Place) -> None:
    alice, bob, carol = place.phones.values()
    async with connected(place.daemon.url, "v2") as client:
        if place.mi.startswith("http:"):
            parties = {"caller": alice.uri, "callee": bob.uri}
            *_, error, _ = await (await client.begin("CallStart", parties)).end()
            assert error["params"]["error"]["name"] == "NotSupported"
            assert "mi_http" in error["params"]["data"]
            callid = str(await alice.ask("call", to=bob.uri))
            await alice.in_call()
            await bob.in_call()
        else:
            callid = await start(client, alice, bob)
        await succeeds(await client.begin("CallHold", {"callid": callid}))
        await succeeds(await client.begin("CallUnhold", {"callid": callid}))
        callid = await succeeds(await transfer(client, callid, "caller", carol.uri))
        await talk(alice, carol)
        await bob.idle()
        assert [one["callid"] for one in (await client.result("CallList"))["calls"]] == [callid]
        await succeeds(await client.begin("CallEnd", {"callid": callid}))
        await alice.idle()
        await carol.idle()
    await place.proxy.has_only()


async def test_the_doctor_says_what_this_way_cannot_do(place: Place) -> None:
    values = {"mi": {"url": place.mi}, "sip": {"uri": place.proxy.sip_uri}}
    file = settings(place.proxy.folder, "doctor.yml", values)

    ran = await run("call-api", "doctor", "--config", file, "--json")

    checks = {one["check"]: one for one in json.loads(ran.out)["checks"]}
    assert ran.status == 0, ran.out
    if place.mi.startswith("http:"):
        assert checks["CallStart"]["state"] == "warning"
        assert "mi_datagram" in checks["CallStart"]["remedy"]
    else:
        assert "CallStart" not in checks
