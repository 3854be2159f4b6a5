"""CallBlindTransfer: when the destination does not come, and what is left of the call."""

import pytest

from tests.live.calls import start, talk
from tests.live.client import Client
from tests.live.phones import Phone
from tests.live.test_blind_transfer import (  # noqa: F401  they are tests of this back end too
    LEGS,
    test_a_cancelled_transfer_leaves_the_call_as_it_was,
    test_a_destination_that_is_not_registered_leaves_the_call_as_it_was,
    test_a_destination_that_never_answers_leaves_the_call_as_it_was,
    test_a_destination_that_refuses_leaves_the_call_as_it_was,
    test_a_transfer_cancelled_at_any_time_leaves_the_old_call_or_the_new_one,
    test_a_transfer_from_udp_to_a_phone_on_tcp,
    test_a_transfer_of_a_call_on_hold_brings_it_back,
    test_a_transferred_call_takes_further_commands,
    test_an_unknown_call_is_an_error_of_the_started_command,
    test_the_party_that_goes_may_hang_up_while_the_destination_rings,
)
from tests.opensips_live.calls import NOBODY, succeeds, transfer
from tests.opensips_live.opensips import OpenSips


@LEGS
async def test_nothing_is_left_of_the_old_call(
    client: Client, proxy: OpenSips, alice: Phone, bob: Phone, carol: Phone, leg: str
) -> None:
    callid = await start(client, alice, bob)
    goes, stays_not = (alice, bob) if leg == "caller" else (bob, alice)

    new = await succeeds(await transfer(client, callid, leg, carol.uri))

    await proxy.has_only(new)
    await stays_not.idle()
    await goes.until(lambda state: [call.callid for call in state.calls] == [new] or None)
    await talk(goes, carol)


async def test_a_destination_that_is_nobody_is_told_with_the_true_status(
    client: Client, proxy: OpenSips, alice: Phone, bob: Phone
) -> None:
    callid = await start(client, alice, bob)

    command = await transfer(client, callid, "caller", NOBODY)

    error = await command.error()
    assert (error["name"], error["status"], error["reason"]) == ("CallFailed", 404, "Not Found")
    await proxy.has_only(callid)


@LEGS
@pytest.mark.parametrize(("status", "reason"), [(603, "Decline"), (501, "Not Implemented")])
async def test_a_phone_that_refuses_the_refer_is_told_with_its_own_words(
    client: Client,
    proxy: OpenSips,
    alice: Phone,
    bob: Phone,
    carol: Phone,
    leg: str,
    status: int,
    reason: str,
) -> None:
    callid = await start(client, alice, bob)
    await (alice if leg == "caller" else bob).behave(refer=status)

    command = await transfer(client, callid, leg, carol.uri)

    error = await command.error()
    assert (error["name"], error["status"], error["reason"]) == ("CallFailed", status, reason)
    await talk(alice, bob)
    await proxy.has_only(callid)


async def test_a_phone_that_never_answers_the_refer_ends_it_in_time(
    client: Client, proxy: OpenSips, alice: Phone, mortal: Phone, carol: Phone
) -> None:
    callid = await start(client, alice, mortal)
    mortal.die()

    error = await (await transfer(client, callid, "callee", carol.uri)).error()

    assert (error["name"], error["status"]) == ("CallFailed", 408)
    assert (await carol.state()).endings == []
    await proxy.has_only(callid)
    await succeeds(await client.begin("CallEnd", {"callid": callid}))
    await alice.idle()


@LEGS
async def test_a_phone_that_wakes_up_after_the_refer_was_given_up_calls_nobody(
    client: Client, proxy: OpenSips, bob: Phone, mortal: Phone, carol: Phone, leg: str
) -> None:
    pair = (mortal, bob) if leg == "caller" else (bob, mortal)
    callid = await start(client, *pair)
    await carol.behave(answer=0)
    mortal.freeze()
    error = await (await transfer(client, callid, leg, carol.uri)).error()
    assert (error["name"], error["status"]) == ("CallFailed", 408)

    mortal.thaw()

    await mortal.until(lambda state: [one for one in state.endings if one.status == 487])
    assert [one.status for one in (await carol.idle()).endings] == [487]
    await talk(bob, mortal)
    await proxy.has_only(callid)
    await succeeds(await client.begin("CallHold", {"callid": callid}))
    await succeeds(await client.begin("CallEnd", {"callid": callid}))


@pytest.mark.parametrize("failure", ["busy", "nobody", "silent", "refused"])
async def test_a_second_transfer_works_after_one_that_failed(
    client: Client, proxy: OpenSips, phones: dict[str, Phone], failure: str
) -> None:
    alice, bob, carol, dave = (phones[name] for name in ("alice", "bob", "carol", "dave"))
    callid = await start(client, alice, bob)
    await carol.behave(answer=486 if failure == "busy" else 0)
    if failure == "refused":
        await alice.behave(refer=603)
    destination = NOBODY if failure == "nobody" else carol.uri
    await (await transfer(client, callid, "caller", destination)).error()
    await alice.behave()

    command = await transfer(client, callid, "caller", dave.uri)

    if await proxy.version() < (3, 6):  # callops lets a call be transferred once, whatever comes
        error = await command.error()
        assert (error["name"], error["status"]) == ("ProxyRefused", 491)
        await talk(alice, bob)
        return
    new = await succeeds(command)
    await proxy.has_only(new)
    await bob.idle()
    await talk(alice, dave)


async def test_two_transfers_of_one_call_at_once(
    client: Client, proxy: OpenSips, phones: dict[str, Phone]
) -> None:
    alice, bob, carol, dave = (phones[name] for name in ("alice", "bob", "carol", "dave"))
    callid = await start(client, alice, bob)

    one = await transfer(client, callid, "caller", carol.uri)
    other = await transfer(client, callid, "callee", dave.uri)

    assert (await other.error())["name"] == "CallBusy"
    await proxy.has_only(await succeeds(one))
    await talk(alice, carol)
