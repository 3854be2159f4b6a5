"""The ways to a proxy, several proxies at once, and proxies of other versions."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from call_api.backends.opensips.backend import OpenSipsBackend
from call_api.backends.opensips.opening import open_backend
from call_api.config import Config, Mi
from call_api.settings import load
from tests.fakes.fake_client import FakeClient, serving
from tests.fakes.jumping_time import in_jumping_time
from tests.fakes.opensips.http import mi_http
from tests.fakes.opensips.manners import Manner
from tests.fakes.opensips.trouble import Trouble, Way
from tests.fakes.opensips_daemon import ALICE, BOB, CINDY, daemon_on, outcome
from tests.fakes.opensips_lab import config, lab
from tests.fakes.proxy import FakeProxy
from tests.wire.api import JsonClient
from tests.wire_scenarios.tape import Tape

DAVE = "sip:dave@127.0.0.1"


@asynccontextmanager
async def two_proxies() -> AsyncIterator[tuple[FakeProxy, FakeProxy, OpenSipsBackend, FakeClient]]:
    """A daemon without its sockets in front of two proxies, and a client."""
    async with (
        FakeProxy(seed=1) as one,
        FakeProxy(seed=2) as two,
        open_backend(config(one, two)) as backend,
        serving(backend) as api,
    ):
        yield one, two, backend, FakeClient(api, "v2", within=100.0)


async def ends(client: FakeClient, method: str, **params: Any) -> str:
    """Run one command; return how it ended."""
    answer = await client.result(client.ask(method, **params))
    return outcome(await client.story(answer["cmd_id"]))


async def all_commands(proxy: FakeProxy, client: FakeClient) -> dict[str, str]:
    """Run every command once; return how each ended."""
    a, b, c = (proxy.switch.call(ALICE, BOB).callid for _ in range(3))
    join = {"callid_a": a, "leg_a": "caller", "callid_b": b, "leg_b": "callee"}
    return {
        "hold": await ends(client, "CallHold", callid=a),
        "unhold": await ends(client, "CallUnHold", callid=a),
        "join": await ends(client, "CallAttendedTransfer", **join),
        "move": await ends(client, "CallBlindTransfer", callid=c, leg="callee", destination=CINDY),
        "start": await ends(client, "CallStart", caller=ALICE, callee=BOB),
        "end": await ends(client, "CallEnd", callid=proxy.switch.live[-1].callid),
    }


@in_jumping_time
async def test_a_unix_socket_does_for_everything(tmp_path: Path) -> None:
    async with lab(path=tmp_path / "mi.sock") as stage:
        outcomes = await all_commands(stage.proxy, stage.client())

    assert set(outcomes.values()) == {"ok"}


@in_jumping_time
async def test_events_by_tcp_do_for_everything() -> None:
    async with lab(events="tcp:127.0.0.1:0") as stage:
        outcomes = await all_commands(stage.proxy, stage.client())

    assert set(outcomes.values()) == {"ok"}


@in_jumping_time
async def test_http_does_for_everything_but_making_calls() -> None:
    async with FakeProxy() as proxy, mi_http(proxy.take) as url:
        settings = structs.replace(config(proxy), mi=Mi(url=url))
        async with open_backend(settings) as backend, serving(backend) as api:
            outcomes = await all_commands(proxy, FakeClient(api, "v2", within=100.0))

    assert outcomes.pop("start").startswith("the back end cannot start calls over mi_http")
    assert set(outcomes.values()) == {"ok"}


@in_jumping_time
async def test_a_command_goes_to_the_proxy_that_has_the_call() -> None:
    async with two_proxies() as (one, two, backend, client):
        assert backend.proxies() == dict.fromkeys(backend.proxies(), "up")
        for proxy, other in ((one, two), (two, one)):
            callid = proxy.switch.call(ALICE, BOB).callid
            assert await ends(client, "CallHold", callid=callid) == "ok"
            assert await ends(client, "CallEnd", callid=callid) == "ok"
            assert proxy.switch.live == other.switch.live == []
            assert callid not in [p["callid"] for p in other.asked_of("call_hold")]
        assert (await ends(client, "CallEnd", callid="nobody's")).startswith("no call has")


@in_jumping_time
async def test_calls_are_made_on_each_proxy_in_turn_and_listed_together() -> None:
    async with two_proxies() as (one, two, _, client):
        for _call in range(4):
            assert await ends(client, "CallStart", caller=ALICE, callee=BOB) == "ok"
        await asyncio.sleep(1.0)
        assert (len(one.switch.live), len(two.switch.live)) == (2, 2)
        listed = await client.result(client.ask("CallList"))
        assert len(listed["calls"]) == 4


@in_jumping_time
async def test_the_death_of_one_proxy_leaves_the_commands_of_the_other_alone() -> None:
    async with two_proxies() as (one, two, backend, client):
        moving = {}
        for proxy in (one, two):
            proxy.switch.phones["slow"] = Manner(rings_for=6.0)
        for proxy in (one, two):
            callid = proxy.switch.call(ALICE, BOB).callid
            wanted = {"callid": callid, "leg": "callee", "destination": "sip:slow@127.0.0.1"}
            answer = await client.result(client.ask("CallBlindTransfer", **wanted))
            moving[proxy] = answer["cmd_id"]
        await asyncio.sleep(1.0)
        one.die()

        assert "no answer from the SIP proxy" in outcome(await client.story(moving[one]))
        assert outcome(await client.story(moving[two])) == "ok"
        assert backend.is_ready() is None
        assert sorted(state == "up" for state in backend.proxies().values()) == [False, True]
        for _ in range(3):
            assert await ends(client, "CallStart", caller=ALICE, callee=BOB) == "ok"


@pytest.mark.parametrize("version", ["3.4.18", "3.6.8"])
@in_jumping_time
async def test_version_3_does_all_but_holding_one_leg(version: str) -> None:
    async with lab(version=version) as stage:
        client = stage.client()
        outcomes = await all_commands(stage.proxy, client)
        assert set(outcomes.values()) == {"ok"}

        callid = stage.proxy.switch.call(ALICE, BOB).callid
        failed = await ends(client, "CallHold", callid=callid, leg="caller")
        assert failed.startswith("the back end cannot put one leg on hold")


@in_jumping_time
async def test_events_of_strangers_are_dropped() -> None:
    async with lab() as stage:
        stage.proxy.switch.phones["bob"] = Manner(answers="")
        client = stage.client()
        answer = await client.result(client.ask("CallStart", caller=ALICE, callee=BOB))
        await asyncio.sleep(1.0)
        first = stage.proxy.asked_of("call_transfer")[0]["callid"]
        forged = {"callid": first, "leg": "callee", "transfer_callid": "x", "state": "ok"}
        event = {"jsonrpc": "2.0", "method": "E_CALL_TRANSFER", "params": forged}
        sockets = stage.proxy.switch.subscriptions.sockets("E_CALL_TRANSFER", stage.proxy.now)
        ((_, host, port),) = sockets
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.bind(("127.0.0.2", 0))
            stranger.sendto(json.dumps(event).encode(), (host, port))
        await asyncio.sleep(1.0)

        assert [one["event"] for one in client.told(answer["cmd_id"])][-1] == "TransferPending"


SETTINGS = """\
ws_server:
  host: localhost
  port: 5059
  http_path: /call-api
  dialect: v2
mi:
  url: {mi}
sip:
  uri: sip:127.0.0.1:5060
log:
  level: INFO
"""


@in_jumping_time
async def test_clients_of_before_get_what_they_expect_from_the_settings_of_before(
    tmp_path: Path,
) -> None:
    async with FakeProxy() as proxy:
        file = tmp_path / "call-api.yml"
        file.write_text(SETTINGS.format(mi=f"127.0.0.1:{proxy.port}"))
        settings = load(Config, path=file, environ={}).config
        assert (settings.backend_name, settings.ws_server.dialect) == ("opensips", "v2")
        async with daemon_on(proxy, settings) as daemon, await JsonClient.to(daemon) as client:
            (method, params), *_ = Tape("call_start").asked
            client.say({"jsonrpc": "2.0", "id": "req-1", "method": method, "params": params})
            answer = await client.json()
            assert answer["id"] == "req-1"
            assert answer["result"]["event"] == "Started"
            frames = [await client.json() for _ in range(6)]

    assert {frame["method"] for frame in frames} == {"CallStart"}
    assert {frame["params"]["cmd_id"] for frame in frames} == {answer["result"]["cmd_id"]}
    new = frames[2]["params"]["data"]["callid"]
    parties = {"caller": ALICE, "callee": BOB}
    assert [(frame["params"]["event"], frame["params"].get("data")) for frame in frames[:5]] == [
        ("CallerAnswered", parties),
        ("Transferring", {"caller": ALICE, "destination": BOB}),
        ("TransferStart", {"callid": new, **parties}),
        ("TransferPending", {"callid": new, **parties, "extra": "180 Ringing"}),
        ("CalleeAnswered", {"callid": new, **parties}),
    ]
    assert frames[5]["params"]["event"] == "Ended"


@pytest.mark.parametrize("seed", range(10))
@in_jumping_time
async def test_commands_do_not_mind_any_disorder_of_replies_and_events(seed: int) -> None:
    ways: tuple[Way, ...] = ("reply", "event")
    trouble = Trouble(doubling=0.5, delay=0.05, seed=seed, ways=ways)
    async with lab(seed=seed, trouble=trouble) as stage:
        outcomes = await all_commands(stage.proxy, stage.client())

    assert set(outcomes.values()) == {"ok"}


@pytest.mark.parametrize("wait_ms", [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 20.0])
@in_jumping_time
async def test_a_join_that_is_cancelled_is_undone_or_completed(wait_ms: float) -> None:
    async with lab() as stage:
        switch, client = stage.proxy.switch, stage.client()
        old = [switch.call(ALICE, BOB).callid, switch.call(CINDY, DAVE).callid]
        join = {"callid_a": old[0], "leg_a": "caller", "callid_b": old[1], "leg_b": "callee"}
        answer = await client.result(client.ask("CallAttendedTransfer", **join))
        await asyncio.sleep(wait_ms / 1000)
        client.ask("CommandCancel", cmd_id=answer["cmd_id"])
        await client.story(answer["cmd_id"])
        await asyncio.sleep(15.0)

        left = [(dialog.uri("caller"), dialog.uri("callee")) for dialog in switch.live]
        assert left in ([(ALICE, BOB), (CINDY, DAVE)], [(ALICE, DAVE)])
