"""CallAttendedTransfer: either leg of either call, refusals, and what is left of both."""

import pytest

from tests.live.calls import start, talk
from tests.live.client import Client, Command
from tests.live.phones import Phone


async def begin(
    client: Client, callid_a: str, callid_b: str, leg_a: str = "caller", leg_b: str = "callee"
) -> Command:
    legs = {"callid_a": callid_a, "leg_a": leg_a, "callid_b": callid_b, "leg_b": leg_b}
    return await client.begin("CallAttendedTransfer", legs)


@pytest.mark.parametrize("leg_a", ["caller", "callee"])
@pytest.mark.parametrize("leg_b", ["caller", "callee"])
async def test_a_consultation_of_one_party_joins_the_two_others(
    v2: Client, alice: Phone, bob: Phone, carol: Phone, leg_a: str, leg_b: str
) -> None:
    """Bob is in both calls: once called or calling, once consulting or being consulted."""
    pair_a = (alice, bob) if leg_a == "caller" else (bob, alice)
    pair_b = (carol, bob) if leg_b == "caller" else (bob, carol)
    callid_a = await start(v2, *pair_a)
    (first,) = (await bob.state()).calls
    await v2.run("CallHold", {"callid": callid_a})
    frames = await v2.run("CallStart", {"caller": pair_b[0].uri, "callee": pair_b[1].uri})
    callid_b = frames[-2]["params"]["data"]["callid"]
    await bob.until(
        lambda state: [c.state for c in state.calls if c != first].count("CONFIRMED") == 2 or None
    )

    command = await begin(v2, callid_a, callid_b, leg_a, leg_b)

    frames = await command.end()
    assert "Error" not in [frame["params"]["event"] for frame in frames]
    await bob.idle()
    await talk(alice, carol)


async def test_a_phone_that_refuses_the_join_leaves_both_calls_talking(
    client: Client, phones: dict[str, Phone]
) -> None:
    alice, bob, carol, dave = (phones[name] for name in ("alice", "bob", "carol", "dave"))
    callid_a = await start(client, alice, bob)
    callid_b = await start(client, carol, dave)
    await dave.behave(reinvite=488)

    command = await begin(client, callid_a, callid_b)

    error = await command.error()
    assert (error["name"], error["status"]) == ("CallFailed", 488)
    await dave.behave()
    await talk(alice, bob, carol, dave)
    listed = {call["callid"] for call in (await client.result("CallList"))["calls"]}
    assert listed == {callid_a, callid_b}


@pytest.mark.parametrize("unknown", ["a", "b"])
async def test_an_unknown_call_is_an_error_and_the_known_one_goes_on(
    client: Client, alice: Phone, bob: Phone, unknown: str
) -> None:
    callid = await start(client, alice, bob)
    ids = {"a": callid, "b": callid} | {unknown: "never-heard-of"}

    command = await begin(client, ids["a"], ids["b"])

    error = await command.error()
    assert (error["code"], error["callid"]) == (-32012, "never-heard-of")
    await talk(alice, bob)


async def test_calls_of_phones_on_udp_and_on_tcp_are_joined(
    v2: Client, phones: dict[str, Phone]
) -> None:
    callid_a = await start(v2, phones["alice"], phones["tina"])
    callid_b = await start(v2, phones["bob"], phones["tom"])

    command = await begin(v2, callid_a, callid_b)

    await command.end()
    await phones["tina"].idle()
    await phones["bob"].idle()
    await talk(phones["alice"], phones["tom"])


async def test_the_joined_call_takes_further_commands(v2: Client, phones: dict[str, Phone]) -> None:
    alice, bob, carol, dave = (phones[name] for name in ("alice", "bob", "carol", "dave"))
    callid_a = await start(v2, alice, bob)
    callid_b = await start(v2, carol, dave)
    command = await begin(v2, callid_a, callid_b)
    callid = (await command.event("TransferSuccessful"))["data"]["callid"]
    await command.end()

    hold = await v2.run("CallHold", {"callid": callid})
    unhold = await v2.run("CallUnhold", {"callid": callid})

    assert "Error" not in [frame["params"]["event"] for frame in (*hold, *unhold)]
    await talk(alice, dave)
    await v2.run("CallEnd", {"callid": callid})
    await alice.idle()
    await dave.idle()
