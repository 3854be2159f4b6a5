"""CallBlindTransfer: when the destination does not come, and what is left of the call."""

import asyncio

import pytest

from tests.live.calls import start, talk
from tests.live.client import Client, Command
from tests.live.phones import Phone

LEGS = pytest.mark.parametrize("leg", ["caller", "callee"])


async def begin(client: Client, callid: str, leg: str, destination: str) -> Command:
    params = {"callid": callid, "leg": leg, "destination": destination}
    return await client.begin("CallBlindTransfer", params)


@LEGS
@pytest.mark.parametrize(("status", "reason"), [(486, "Busy Here"), (603, "Decline")])
async def test_a_destination_that_refuses_leaves_the_call_as_it_was(
    client: Client, alice: Phone, bob: Phone, carol: Phone, leg: str, status: int, reason: str
) -> None:
    callid = await start(client, alice, bob)
    await carol.behave(answer=status)

    command = await begin(client, callid, leg, carol.uri)

    error = await command.error()
    assert (error["name"], error["status"], error["reason"]) == ("CallFailed", status, reason)
    await talk(alice, bob)
    assert [call["callid"] for call in (await client.result("CallList"))["calls"]] == [callid]


@LEGS
async def test_a_destination_that_is_not_registered_leaves_the_call_as_it_was(
    v2: Client, alice: Phone, bob: Phone, leg: str
) -> None:
    callid = await start(v2, alice, bob)

    command = await begin(v2, callid, leg, "sip:nobody@localhost")

    error = await command.error()
    assert (error["name"], error["status"]) in {("CallFailed", 404), ("CallFailed", 480)}
    await talk(alice, bob)


async def test_a_destination_that_never_answers_leaves_the_call_as_it_was(
    client: Client, alice: Phone, bob: Phone, carol: Phone
) -> None:
    callid = await start(client, alice, bob)
    await carol.behave(answer=0)

    command = await begin(client, callid, "caller", carol.uri)

    assert (await command.error())["status"] == 408
    await carol.idle()
    await talk(alice, bob)


async def test_a_cancelled_transfer_leaves_the_call_as_it_was(
    client: Client, alice: Phone, bob: Phone, carol: Phone
) -> None:
    callid = await start(client, alice, bob)
    await carol.behave(answer=0)
    command = await begin(client, callid, "caller", carol.uri)
    await carol.ringing()

    await client.result("CommandCancel", {"cmd_id": command.cmd_id})

    assert (await command.error())["name"] == "CommandCancelled"
    await carol.idle()
    await talk(alice, bob)


@pytest.mark.parametrize("wait", [0.0, 0.005, 0.05, 0.1, 0.12, 0.15, 0.2])
async def test_a_transfer_cancelled_at_any_time_leaves_the_old_call_or_the_new_one(
    v2: Client, alice: Phone, bob: Phone, carol: Phone, wait: float
) -> None:
    callid = await start(v2, alice, bob)
    command = await begin(v2, callid, "caller", carol.uri)
    await asyncio.sleep(wait)

    await v2.result("CommandCancel", {"cmd_id": command.cmd_id})

    frames = await command.end()
    if "Error" in [frame["params"]["event"] for frame in frames]:
        await carol.idle()
        await talk(alice, bob)
    else:
        await bob.idle()
        await talk(alice, carol)


async def test_a_transferred_call_takes_further_commands(
    v2: Client, phones: dict[str, Phone]
) -> None:
    alice, bob, carol, dave = (phones[name] for name in ("alice", "bob", "carol", "dave"))
    callid = await start(v2, alice, bob)

    frames = await v2.run(
        "CallBlindTransfer", {"callid": callid, "leg": "caller", "destination": carol.uri}
    )
    callid = frames[-2]["params"]["data"]["callid"]
    await v2.run("CallHold", {"callid": callid})
    await v2.run("CallUnhold", {"callid": callid})
    await talk(alice, carol)
    (call,) = (await v2.result("CallList"))["calls"]
    leg = "callee" if carol.uri in call["callee"] else "caller"
    frames = await v2.run(
        "CallBlindTransfer", {"callid": callid, "leg": leg, "destination": dave.uri}
    )
    await talk(carol, dave)
    await alice.idle()
    await v2.run("CallEnd", {"callid": frames[-2]["params"]["data"]["callid"]})

    for phone in (alice, bob, carol, dave):
        await phone.idle()


async def test_a_transfer_of_a_call_on_hold_brings_it_back(
    v2: Client, alice: Phone, bob: Phone, carol: Phone
) -> None:
    callid = await start(v2, alice, bob)
    await v2.run("CallHold", {"callid": callid})

    await v2.run("CallBlindTransfer", {"callid": callid, "leg": "caller", "destination": carol.uri})

    await bob.idle()
    await talk(alice, carol)


async def test_a_transfer_from_udp_to_a_phone_on_tcp(
    v2: Client, alice: Phone, bob: Phone, phones: dict[str, Phone]
) -> None:
    callid = await start(v2, alice, bob)

    params = {"callid": callid, "leg": "callee", "destination": phones["tina"].uri}
    await v2.run("CallBlindTransfer", params)

    await alice.idle()
    await talk(bob, phones["tina"])


async def test_the_party_that_goes_may_hang_up_while_the_destination_rings(
    client: Client, alice: Phone, bob: Phone, carol: Phone
) -> None:
    callid = await start(client, alice, bob)
    await carol.behave(answer=0)
    command = await begin(client, callid, "caller", carol.uri)
    await carol.ringing()

    await alice.ask("hangup_all")

    await command.error()
    await carol.idle()
    await bob.idle()


async def test_an_unknown_call_is_an_error_of_the_started_command(
    client: Client, carol: Phone
) -> None:
    command = await begin(client, "never-heard-of", "caller", carol.uri)

    error = await command.error()
    assert (error["code"], error["name"]) == (-32012, "UnknownCall")
