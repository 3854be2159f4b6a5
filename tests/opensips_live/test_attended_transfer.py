"""CallAttendedTransfer: either leg of either call, refusals, and what is left of both."""

import asyncio

import pytest

from tests.live.calls import start, talk
from tests.live.client import Client
from tests.live.phones import Phone
from tests.live.test_attended_transfer import (  # noqa: F401  they are tests of this back end too
    begin,
    test_a_consultation_of_one_party_joins_the_two_others,
    test_an_unknown_call_is_an_error_and_the_known_one_goes_on,
    test_calls_of_phones_on_udp_and_on_tcp_are_joined,
    test_the_joined_call_takes_further_commands,
)
from tests.opensips_live.calls import succeeds
from tests.opensips_live.opensips import OpenSips

BOTH = ("caller", "callee")


@pytest.mark.parametrize("leg_a", BOTH)
@pytest.mark.parametrize("leg_b", BOTH)
async def test_nothing_is_left_of_either_call(
    client: Client, proxy: OpenSips, phones: dict[str, Phone], leg_a: str, leg_b: str
) -> None:
    call_a = {"caller": phones["alice"], "callee": phones["bob"]}
    call_b = {"caller": phones["carol"], "callee": phones["dave"]}
    callid_a = await start(client, call_a["caller"], call_a["callee"])
    callid_b = await start(client, call_b["caller"], call_b["callee"])
    one, other = call_a.pop(leg_a), call_b.pop(leg_b)

    callid = await succeeds(await begin(client, callid_a, callid_b, leg_a, leg_b))

    await proxy.has_only(callid)
    for released in (*call_a.values(), *call_b.values()):
        await released.idle()
    await talk(one, other)


@pytest.mark.parametrize(("status", "reason"), [(486, "Busy Here"), (603, "Decline")])
async def test_a_phone_that_refuses_the_join_leaves_both_calls_talking(
    client: Client, proxy: OpenSips, phones: dict[str, Phone], status: int, reason: str
) -> None:
    alice, bob, carol, dave = (phones[name] for name in ("alice", "bob", "carol", "dave"))
    callid_a = await start(client, alice, bob)
    callid_b = await start(client, carol, dave)
    await dave.behave(replace=status)

    command = await begin(client, callid_a, callid_b)

    error = await command.error()
    assert (error["name"], error["status"], error["reason"]) == ("CallFailed", status, reason)
    await talk(alice, bob, carol, dave)
    await proxy.has_only(callid_a, callid_b)


@pytest.mark.parametrize(("status", "reason"), [(603, "Decline"), (405, "Method Not Allowed")])
async def test_a_phone_that_refuses_the_refer_leaves_both_calls_talking(
    client: Client, proxy: OpenSips, phones: dict[str, Phone], status: int, reason: str
) -> None:
    alice, bob, carol, dave = (phones[name] for name in ("alice", "bob", "carol", "dave"))
    callid_a = await start(client, alice, bob)
    callid_b = await start(client, carol, dave)
    await alice.behave(refer=status)

    command = await begin(client, callid_a, callid_b)

    error = await command.error()
    assert (error["name"], error["status"], error["reason"]) == ("CallFailed", status, reason)
    await talk(alice, bob, carol, dave)
    await proxy.has_only(callid_a, callid_b)


@pytest.mark.parametrize("wait_ms", [0, 2, 4, 6, 8, 10, 15, 30])
async def test_cancelled_at_any_time_both_calls_go_on_or_their_parties_are_joined(
    client: Client, proxy: OpenSips, phones: dict[str, Phone], wait_ms: int
) -> None:
    """The phone answers Replaces within milliseconds: the cancellation meets every state."""
    alice, bob, carol, dave = (phones[name] for name in ("alice", "bob", "carol", "dave"))
    callid_a = await start(client, alice, bob)
    callid_b = await start(client, carol, dave)
    command = await begin(client, callid_a, callid_b)
    await asyncio.sleep(wait_ms / 1000)

    await client.result("CommandCancel", {"cmd_id": command.cmd_id})

    frames = await command.end()
    if "Error" in [frame["params"]["event"] for frame in frames]:
        await talk(alice, bob, carol, dave)
        await proxy.has_only(callid_a, callid_b)
    else:
        await talk(alice, dave)
        await bob.idle()
        await carol.idle()
        assert len(await proxy.calls()) == 1
