"""CallHold and CallUnhold beyond the frames: directions, refusals, the phones' own hold."""

import pytest

from tests.live.calls import keep_silent, start, talk
from tests.live.client import Client
from tests.live.phones import Phone


async def held(client: Client, callid: str) -> list[str]:
    calls = (await client.result("CallList"))["calls"]
    (call,) = [call for call in calls if call["callid"] == callid]
    legs: list[str] = call["held"]
    return sorted(legs)


async def directed(phone: Phone, direction: str) -> None:
    """Wait until the phone's one call has this direction."""
    await phone.until(lambda state: [c.direction for c in state.calls] == [direction] or None)


async def test_a_hold_of_both_legs_makes_both_phones_inactive(
    v2: Client, alice: Phone, bob: Phone
) -> None:
    callid = await start(v2, alice, bob)

    await v2.run("CallHold", {"callid": callid})

    await directed(alice, "inactive")
    await directed(bob, "inactive")
    assert await held(v2, callid) == ["callee", "caller"]


@pytest.mark.parametrize("leg", ["caller", "callee"])
async def test_a_hold_of_one_leg_silences_both_and_is_listed(
    v2: Client, alice: Phone, bob: Phone, leg: str
) -> None:
    callid = await start(v2, alice, bob)

    await v2.run("CallHold", {"callid": callid, "leg": leg})

    assert await held(v2, callid) == [leg]
    await keep_silent(alice, bob)
    await v2.run("CallUnhold", {"callid": callid, "leg": leg})
    assert await held(v2, callid) == []
    await talk(alice, bob)


async def test_legs_can_be_held_and_let_go_one_after_the_other(
    v2: Client, alice: Phone, bob: Phone
) -> None:
    callid = await start(v2, alice, bob)

    await v2.run("CallHold", {"callid": callid, "leg": "caller"})
    await v2.run("CallHold", {"callid": callid, "leg": "callee"})
    assert await held(v2, callid) == ["callee", "caller"]
    await v2.run("CallUnhold", {"callid": callid, "leg": "caller"})
    assert await held(v2, callid) == ["callee"]
    await keep_silent(alice, bob)
    await v2.run("CallUnhold", {"callid": callid, "leg": "callee"})

    assert await held(v2, callid) == []
    await talk(alice, bob)


@pytest.mark.parametrize(("leg", "refuser"), [("caller", "alice"), ("callee", "bob")])
async def test_a_phone_that_refuses_the_hold_is_named_and_the_call_goes_on(
    client: Client, phones: dict[str, Phone], leg: str, refuser: str
) -> None:
    callid = await start(client, phones["alice"], phones["bob"])
    await phones[refuser].behave(reinvite=488)

    command = await client.begin("CallHold", {"callid": callid})

    error = await command.error()
    assert (error["name"], error["status"], error["leg"]) == ("CallFailed", 488, leg)
    await phones[refuser].behave()
    await client.run("CallUnhold", {"callid": callid})
    await talk(phones["alice"], phones["bob"])


async def test_a_phone_holds_and_resumes_by_itself(v2: Client, alice: Phone, bob: Phone) -> None:
    await start(v2, alice, bob)
    call = await alice.in_call()

    await alice.ask("hold", callid=call.callid)
    await directed(bob, "recvonly")
    await alice.hears_nothing()
    await alice.ask("unhold", callid=call.callid)

    await directed(bob, "sendrecv")
    await talk(alice, bob)


async def test_a_hold_by_command_works_while_a_phone_holds_by_itself(
    v2: Client, alice: Phone, bob: Phone
) -> None:
    callid = await start(v2, alice, bob)
    call = await alice.in_call()
    await alice.ask("hold", callid=call.callid)
    await directed(bob, "recvonly")

    await v2.run("CallHold", {"callid": callid})
    await keep_silent(alice, bob)
    await v2.run("CallUnhold", {"callid": callid})
    await alice.ask("unhold", callid=call.callid)

    await talk(alice, bob)


@pytest.mark.parametrize("method", ["CallHold", "CallUnhold", "CallEnd"])
async def test_an_unknown_call_is_an_error_of_the_started_command(
    client: Client, method: str
) -> None:
    command = await client.begin(method, {"callid": "never-heard-of"})

    error = await command.error()
    assert (error["code"], error["name"]) == (-32012, "UnknownCall")
    assert len(command.frames) == 2


async def test_a_call_that_ends_while_it_is_put_on_hold_does_not_hang_the_command(
    v2: Client, alice: Phone, bob: Phone
) -> None:
    callid = await start(v2, alice, bob)

    command = await v2.begin("CallHold", {"callid": callid})
    await bob.ask("hangup_all")

    await command.end()
    await alice.idle()
