"""OpenSIPS is killed and comes back; with several proxies the others are not concerned."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.live.calls import start, talk
from tests.live.client import Client, Command, connected
from tests.live.conftest import fixture
from tests.live.daemon import DOMAIN
from tests.live.phones import Phone, start_phone
from tests.live.waiting import until
from tests.opensips_live.calls import begin, succeeds, transfer
from tests.opensips_live.conftest import RING_FOR
from tests.opensips_live.daemon import ProxyDaemon
from tests.opensips_live.opensips import OpenSips

TOLD_WITHIN = 10.0
"""Seconds until every command of a proxy that is gone has said so."""

Office: TypeAlias = tuple[ProxyDaemon, list[OpenSips], dict[str, Phone]]


async def _phone(name: str, proxy: OpenSips, folder: Path) -> Phone:
    phone = await start_phone(
        name, registrar=proxy.registrar, domain=DOMAIN, transport="udp", log=folder / "phones.log"
    )
    await phone.until(lambda state: state.registration == 200)
    return phone


@fixture(params=[1])
async def office(folder: Path, request: pytest.FixtureRequest) -> AsyncIterator[Office]:
    """Proxies, a daemon and phones of the test's own; all phones are at the first proxy, and
    those of alice and bob also at the second one, if there is one."""
    proxies = [OpenSips(folder) for _ in range(request.param)]
    daemon = ProxyDaemon(folder, *proxies)
    phones: dict[str, Phone] = {}
    try:
        for proxy in proxies:
            await proxy.launch()
        await daemon.launch({}, sip={"ring_for": RING_FOR})
        for name in ("alice", "bob", "carol"):
            phones[name] = await _phone(name, proxies[0], folder)
        for name in ("alice", "bob") if len(proxies) > 1 else ():
            phones[f"{name} 2"] = await _phone(name, proxies[1], folder)
        yield daemon, proxies, phones
    finally:
        for phone in phones.values():
            await phone.close()
        status = await daemon.end()
        for proxy in proxies:
            await proxy.end()
    assert status == 0
    assert daemon.complaints() == []


async def ready(daemon: ProxyDaemon, status: int) -> None:
    async def says_so() -> bool:
        return await daemon.get("/readyz") == status

    await until(says_so, f"/readyz is {status}", 20.0)


async def fails_soon(command: Command) -> None:
    began = time.monotonic()
    error = await command.error()
    assert error["name"] == "ProxyUnreachable", error
    assert time.monotonic() < began + TOLD_WITHIN


async def test_what_runs_is_told_and_all_is_well_when_it_is_back(office: Office) -> None:
    daemon, (proxy,), phones = office
    alice, bob, carol = (phones[name] for name in ("alice", "bob", "carol"))
    async with connected(daemon.url, "v2") as client:
        callid = await start(client, alice, bob)
        await carol.behave(answer=0)
        moving = await transfer(client, callid, "caller", carol.uri)
        await carol.ringing()

        await proxy.kill()

        await fails_soon(moving)
        await ready(daemon, 503)
        for method, params in (
            ("CallStart", {"caller": alice.uri, "callee": bob.uri}),
            ("CallHold", {"callid": callid}),
            ("CallEnd", {"callid": callid}),
        ):
            await fails_soon(await client.begin(method, params))

        await proxy.restart()
        await ready(daemon, 200)
        await _start_over(client, proxy, phones)


async def test_a_caller_that_rings_when_it_dies_is_told(office: Office) -> None:
    daemon, (proxy,), phones = office
    await phones["alice"].behave(answer=0)
    async with connected(daemon.url, "v1") as client:
        command = await begin(client, phones["alice"].uri, phones["bob"].uri)
        await phones["alice"].ringing()

        await proxy.kill()

        await fails_soon(command)
        await proxy.restart()
        await ready(daemon, 200)
        await phones["alice"].behave()
        await _start_over(client, proxy, phones)


async def test_a_restart_between_two_looks_is_noticed(office: Office) -> None:
    """Its calls and subscriptions are gone, although it seems never to have been away."""
    daemon, (proxy,), phones = office
    async with connected(daemon.url, "v2") as client:
        await start(client, phones["alice"], phones["bob"])
        await phones["carol"].behave(answer=0)
        command = await begin(client, phones["carol"].uri, phones["bob"].uri)
        await phones["carol"].ringing()

        await proxy.kill()
        await proxy.restart()

        await fails_soon(command)

        async def is_noticed() -> bool:
            return bool(await proxy.subscribers())

        await until(is_noticed, "the daemon has subscribed anew")
        await ready(daemon, 200)
        await phones["carol"].behave()
        await _start_over(client, proxy, phones)


async def test_what_begins_after_a_restart_is_not_told_that_it_is_lost(office: Office) -> None:
    """The daemon looks every five seconds: by then these calls belong to the new proxy."""
    daemon, (proxy,), phones = office
    async with connected(daemon.url, "v2") as client:
        await proxy.kill()
        await proxy.restart()
        await ready(daemon, 200)
        for phone in phones.values():
            await phone.ask("register", renew=True)
        for name in phones:
            await proxy.has_user(name)
        await phones["bob"].behave(after=1.0)

        async def is_noticed() -> bool:
            callid = await start(client, phones["alice"], phones["bob"])
            await succeeds(await client.begin("CallEnd", {"callid": callid}))
            return bool(await proxy.subscribers())

        assert not await proxy.subscribers()
        await until(is_noticed, "the daemon has subscribed anew")
        await succeeds(await begin(client, phones["alice"].uri, phones["bob"].uri))


@pytest.mark.parametrize("office", [2], indirect=True)
async def test_one_of_two_proxies_that_dies_takes_only_its_own_calls(office: Office) -> None:
    daemon, (first, second), phones = office
    async with connected(daemon.url, "v2") as client:
        parties = {"caller": phones["alice"].uri, "callee": phones["bob"].uri}
        callids = [await succeeds(await client.begin("CallStart", parties)) for _ in range(2)]
        homes = [await _home(callid, first, second) for callid in callids]
        assert {home is first for home in homes} == {True, False}
        kept, lost = callids if homes[0] is first else reversed(callids)
        assert len((await client.result("CallList"))["calls"]) == 2

        await second.kill()

        await fails_soon(await client.begin("CallHold", {"callid": lost}))
        await succeeds(await client.begin("CallHold", {"callid": kept}))
        await succeeds(await client.begin("CallUnhold", {"callid": kept}))
        await talk(phones["alice"], phones["bob"])
        assert await daemon.get("/readyz") == 200
        await succeeds(await client.begin("CallEnd", {"callid": kept}))
        for _ in range(2):  # every new call is made by the one that lives
            callid = await succeeds(await client.begin("CallStart", parties))
            assert await first.calls() == [callid]
            await succeeds(await client.begin("CallEnd", {"callid": callid}))

        await second.restart()
        await ready(daemon, 200)


@pytest.mark.parametrize("office", [2], indirect=True)
async def test_what_runs_at_the_other_of_two_proxies_goes_on(office: Office) -> None:
    daemon, proxies, phones = office
    callers = [phones["alice"], phones["alice 2"]]
    for phone in callers:
        await phone.behave(answer=0)
    async with connected(daemon.url, "v2") as client:
        # Each new call is made by the next proxy.
        commands = [await begin(client, callers[0].uri, phones["bob"].uri) for _ in proxies]
        ringing = [await phone.ringing() for phone in callers]
        first, second = proxies
        began = time.monotonic()

        await second.kill()
        await callers[0].ask("answer", callid=ringing[0].callid, status=200)

        ends = [await command.end() for command in commands]
        assert time.monotonic() < began + TOLD_WITHIN
        problems = [
            frame["params"]["error"]["name"]
            for end in ends
            for frame in end[-2:-1]
            if frame["params"]["event"] == "Error"
        ]
        assert problems == ["ProxyUnreachable"], ends
        told = (await client.result("CommandStatus", {"cmd_id": commands[0].cmd_id}))["proxies"]
        assert told[first.mi_url] == "up"
        assert told[second.mi_url] != "up"
        await second.restart()
        await ready(daemon, 200)

        async def is_up() -> bool:
            status = await client.result("CommandStatus", {"cmd_id": commands[0].cmd_id})
            return set(status["proxies"].values()) == {"up"}

        await until(is_up, "both proxies are up", 20.0)


async def test_a_phone_that_never_answers_a_hold_does_not_hang_the_command(office: Office) -> None:
    """OpenSIPS 3.6 dies of it: then that is what is told."""
    daemon, (proxy,), phones = office
    has_died = await proxy.major() < 4
    async with connected(daemon.url, "v2") as client:
        callid = await start(client, phones["alice"], phones["bob"])
        phones["bob"].die()

        error = await (await client.begin("CallHold", {"callid": callid})).error()

        if error["name"] == "CallFailed":
            assert (error["status"], error["leg"]) == (408, "callee")
        else:
            assert (error["name"], has_died) == ("ProxyUnreachable", True)


async def test_a_daemon_that_stops_leaves_no_subscription(folder: Path, office: Office) -> None:
    daemon, (proxy,), _ = office
    before = await proxy.subscribers()
    other = ProxyDaemon(folder, proxy)
    await other.launch({})
    both = await proxy.subscribers()
    assert await other.end() == 0

    async def is_as_before() -> bool:
        return sorted(await proxy.subscribers()) == sorted(before)

    assert len(both) > len(before) > 0
    await until(is_as_before, "only the other daemon's subscriptions are there")
    assert await daemon.get("/readyz") == 200


async def _home(callid: str, *proxies: OpenSips) -> OpenSips:
    for proxy in proxies:
        if callid in await proxy.calls():
            return proxy
    raise AssertionError(f"no proxy has {callid}")


async def _start_over(client: Client, proxy: OpenSips, phones: dict[str, Phone]) -> None:
    """Phones register anew, as they do by themselves after a while; then everything works."""
    for phone in phones.values():
        await phone.ask("hangup_all")
        await phone.ask("register", renew=True)
        await phone.idle()
    for name in phones:
        await proxy.has_user(name)
    callid = await start(client, phones["alice"], phones["bob"])
    await succeeds(await client.begin("CallHold", {"callid": callid}))
    await succeeds(await client.begin("CallUnhold", {"callid": callid}))
    await succeeds(await client.begin("CallEnd", {"callid": callid}))
