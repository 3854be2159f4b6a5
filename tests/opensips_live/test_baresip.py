"""The commands with a phone of another make: baresip calls, is called, held and referred.

baresip 1.0 does not know Replaces (RFC 3891): joined, it makes or takes one more call, and the
replaced one is hung up for it.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.live.baresip import Baresip
from tests.live.calls import talk
from tests.live.client import Client
from tests.live.conftest import fixture
from tests.live.phones import Phone
from tests.opensips_live.calls import begin, succeeds, transfer
from tests.opensips_live.opensips import OpenSips


@fixture(scope="module", name="barry_of_all")
async def _barry_of_all(proxy_of_all: OpenSips, folder: Path) -> AsyncIterator[Baresip]:
    barry = Baresip("barry")
    try:
        await barry.launch(proxy_of_all.registrar, folder)
        yield barry
    finally:
        await barry.end()


@fixture()
async def barry(barry_of_all: Baresip, proxy: OpenSips) -> AsyncIterator[Baresip]:
    """Without calls before and after."""
    await barry_of_all.has_calls(0)
    yield barry_of_all
    await barry_of_all.hang_up_all()


async def is_all_there_is(proxy: OpenSips, barry: Baresip, other: Phone, callid: str) -> None:
    """See that these two are in this call, and that nothing else is left."""
    await proxy.has_only(callid)
    await barry.has_calls(1)
    await other.until(lambda state: [call.callid for call in state.calls] == [callid] or None)
    await other.in_call(callid)


async def test_baresip_is_the_caller(
    client: Client, proxy: OpenSips, barry: Baresip, bob: Phone
) -> None:
    callid = await succeeds(await begin(client, barry.uri, bob.uri))

    await is_all_there_is(proxy, barry, bob, callid)
    assert barry.uri in (await bob.in_call()).remote


async def test_baresip_is_the_callee(
    client: Client, proxy: OpenSips, barry: Baresip, alice: Phone
) -> None:
    callid = await succeeds(await begin(client, alice.uri, barry.uri))

    await is_all_there_is(proxy, barry, alice, callid)


async def test_a_callee_that_is_busy_releases_baresip(
    client: Client, proxy: OpenSips, barry: Baresip, bob: Phone
) -> None:
    await bob.behave(answer=486)

    command = await begin(client, barry.uri, bob.uri)

    assert (await command.error())["status"] == 486
    await barry.has_calls(0)
    await proxy.has_only()


@pytest.mark.parametrize("leg", ["caller", "callee"])
async def test_baresip_is_transferred(
    client: Client, proxy: OpenSips, barry: Baresip, alice: Phone, carol: Phone, leg: str
) -> None:
    pair = (barry.uri, alice.uri) if leg == "caller" else (alice.uri, barry.uri)
    callid = await succeeds(await begin(client, *pair))

    callid = await succeeds(await transfer(client, callid, leg, carol.uri))

    await is_all_there_is(proxy, barry, carol, callid)
    await alice.idle()


async def test_baresip_is_transferred_to(
    client: Client, proxy: OpenSips, barry: Baresip, alice: Phone, bob: Phone
) -> None:
    callid = await succeeds(await begin(client, alice.uri, bob.uri))

    callid = await succeeds(await transfer(client, callid, "caller", barry.uri))

    await is_all_there_is(proxy, barry, alice, callid)
    await bob.idle()


@pytest.mark.parametrize("leg", ["caller", "callee"])
@pytest.mark.parametrize("end", ["a", "b"])
async def test_baresip_is_joined_with_the_party_of_another_call(
    client: Client, proxy: OpenSips, barry: Baresip, phones: dict[str, Phone], leg: str, end: str
) -> None:
    alice, carol, dave = (phones[name] for name in ("alice", "carol", "dave"))
    pair = (barry.uri, alice.uri) if leg == "caller" else (alice.uri, barry.uri)
    barrys = await succeeds(await begin(client, *pair))
    other = await succeeds(await begin(client, carol.uri, dave.uri))
    sides = [(barrys, leg), (other, "callee")]
    (callid_a, leg_a), (callid_b, leg_b) = sides if end == "a" else reversed(sides)

    legs = {"callid_a": callid_a, "leg_a": leg_a, "callid_b": callid_b, "leg_b": leg_b}
    command = await client.begin("CallAttendedTransfer", legs)

    await is_all_there_is(proxy, barry, dave, await succeeds(command))
    await alice.idle()
    await carol.idle()


@pytest.mark.parametrize("leg", ["caller", "callee"])
async def test_baresip_is_not_joined_with_one_who_takes_no_second_call(
    client: Client, proxy: OpenSips, barry: Baresip, phones: dict[str, Phone], leg: str
) -> None:
    alice, carol, dave = (phones[name] for name in ("alice", "carol", "dave"))
    pair = (barry.uri, alice.uri) if leg == "caller" else (alice.uri, barry.uri)
    barrys = await succeeds(await begin(client, *pair))
    other = await succeeds(await begin(client, carol.uri, dave.uri))
    await dave.behave(answer=486)

    command = await client.begin(
        "CallAttendedTransfer",
        {"callid_a": barrys, "leg_a": leg, "callid_b": other, "leg_b": "callee"},
    )

    error = await command.error()
    assert (error["name"], error["status"]) == ("CallFailed", 486)
    await proxy.has_only(barrys, other)
    await barry.has_calls(1)
    await talk(alice, carol, dave)


async def test_baresip_is_put_on_hold(
    client: Client, proxy: OpenSips, barry: Baresip, alice: Phone
) -> None:
    callid = await succeeds(await begin(client, alice.uri, barry.uri))

    await alice.hears()
    await succeeds(await client.begin("CallHold", {"callid": callid}))
    await alice.hears_nothing()
    await succeeds(await client.begin("CallUnhold", {"callid": callid}))

    await is_all_there_is(proxy, barry, alice, callid)
    await succeeds(await client.begin("CallEnd", {"callid": callid}))
    await barry.has_calls(0)
