"""call-cmd --direct: at a real proxy, without a daemon.

Some phones make Call-IDs that begin with a hyphen: after ``--`` they are no options.
"""

import json
import signal

import pytest

from tests.live.calls import talk
from tests.live.client import Client
from tests.live.phones import Phone
from tests.opensips_live.opensips import OpenSips
from tests.opensips_live.programs import Ran, Running, begin, run, settings


def words(proxy: OpenSips, *rest: str) -> list[str]:
    values = {"mi": {"url": proxy.mi_url}, "sip": {"uri": proxy.sip_uri}}
    file = settings(proxy.folder, "call-cmd.yml", values)
    return ["--config", file, "--direct", "--json", *rest]


async def direct(proxy: OpenSips, *rest: str) -> Ran:
    return await run("call-cmd", *words(proxy, *rest))


async def begun(proxy: OpenSips, *rest: str) -> Running:
    return await begin("call-cmd", *words(proxy, *rest))


def events(ran: Ran) -> list[str]:
    return [json.loads(line)["event"] for line in ran.out.splitlines()]


async def started(proxy: OpenSips, caller: Phone, callee: Phone) -> str:
    ran = await direct(proxy, "start", caller.uri, callee.uri)
    assert ran.status == 0, ran
    return str(json.loads(ran.out.splitlines()[-1])["callid"])


async def test_a_call_from_start_to_end(
    proxy: OpenSips, alice: Phone, bob: Phone, carol: Phone
) -> None:
    callid = await started(proxy, alice, bob)
    await talk(alice, bob)

    assert events(await direct(proxy, "hold", "--", callid))[-1] == "Ended"
    await alice.hears_nothing()
    assert (await direct(proxy, "unhold", "--", callid)).status == 0
    moved = await direct(proxy, "transfer", "--leg", "caller", "--", callid, carol.uri)
    assert events(moved)[-2:] == ["TransferSuccessful", "Ended"], moved
    await talk(alice, carol)
    await bob.idle()
    listed = await direct(proxy, "list")
    assert [json.loads(line)["callid"] for line in listed.out.splitlines()] == await proxy.calls()
    (callid,) = await proxy.calls()
    assert (await direct(proxy, "end", "--", callid)).status == 0
    await alice.idle()
    await carol.idle()


async def test_a_failure_is_told_as_by_a_daemon(proxy: OpenSips, alice: Phone, bob: Phone) -> None:
    await bob.behave(answer=486)

    ran = await direct(proxy, "start", alice.uri, bob.uri)

    assert ran.status == 1
    assert events(ran)[-2:] == ["Error", "Ended"]
    await alice.idle()


@pytest.mark.parametrize("rings", ["caller", "callee"])
async def test_ctrl_c_leaves_nobody_ringing(
    proxy: OpenSips, alice: Phone, bob: Phone, rings: str
) -> None:
    who = alice if rings == "caller" else bob
    await who.behave(answer=0)
    running = await begun(proxy, "start", alice.uri, bob.uri)
    await who.ringing()

    running.interrupt(signal.SIGINT)

    assert (await running.ended()).status == 130
    await alice.idle()
    await bob.idle()
    await proxy.has_only()


async def test_it_works_beside_a_daemon_and_leaves_its_subscriptions(
    proxy: OpenSips, v2: Client, alice: Phone, bob: Phone
) -> None:
    callid = await started(proxy, alice, bob)
    assert (await direct(proxy, "end", "--", callid)).status == 0

    frames = await v2.run("CallStart", {"caller": alice.uri, "callee": bob.uri})

    assert "TransferPending" in [frame["params"]["event"] for frame in frames]  # by events alone
