"""CallHold and CallUnhold beyond the frames: refusals, phones' own hold, several at once."""

from tests.live.calls import start, talk
from tests.live.client import Client
from tests.live.phones import Phone
from tests.live.test_hold import (  # noqa: F401  they are tests of this back end too
    held,
    test_a_call_that_ends_while_it_is_put_on_hold_does_not_hang_the_command,
    test_a_hold_by_command_works_while_a_phone_holds_by_itself,
    test_a_hold_of_both_legs_makes_both_phones_inactive,
    test_a_phone_holds_and_resumes_by_itself,
    test_a_phone_that_refuses_the_hold_is_named_and_the_call_goes_on,
    test_an_unknown_call_is_an_error_of_the_started_command,
)
from tests.opensips_live.calls import begin, succeeds
from tests.opensips_live.opensips import OpenSips


async def test_legs_can_be_held_and_let_go_one_after_the_other(
    v2: Client, proxy: OpenSips, alice: Phone, bob: Phone
) -> None:
    callid = await start(v2, alice, bob)
    if await proxy.major() < 4:
        return

    for method, leg, legs in (
        ("CallHold", "caller", ["caller"]),
        ("CallHold", "callee", ["callee", "caller"]),
        ("CallUnhold", "caller", ["callee"]),
        ("CallUnhold", "callee", []),
    ):
        await succeeds(await v2.begin(method, {"callid": callid, "leg": leg}))
        assert await held(v2, callid) == legs

    await talk(alice, bob)


async def test_two_holds_of_one_call_at_once_leave_it_sound(
    client: Client, alice: Phone, bob: Phone
) -> None:
    callid = await start(client, alice, bob)

    one = await client.begin("CallHold", {"callid": callid})
    other = await client.begin("CallHold", {"callid": callid})

    # The first one may be through before the second one is read: then nothing is left to hold.
    assert (await other.error())["name"] in {"CallBusy", "ProxyRefused"}
    await succeeds(one)
    await succeeds(await client.begin("CallUnhold", {"callid": callid}))
    await talk(alice, bob)


async def test_holds_of_two_calls_at_once_do_not_mix(
    client: Client, phones: dict[str, Phone]
) -> None:
    alice, bob, carol, dave = (phones[name] for name in ("alice", "bob", "carol", "dave"))
    callids = [await start(client, alice, bob), await start(client, carol, dave)]

    for method in ("CallHold", "CallUnhold"):
        commands = [await client.begin(method, {"callid": callid}) for callid in callids]
        for command in commands:
            await succeeds(command)

    await talk(alice, bob, carol, dave)


async def test_a_hold_goes_on_while_another_caller_rings(
    client: Client, phones: dict[str, Phone]
) -> None:
    alice, bob, carol, dave = (phones[name] for name in ("alice", "bob", "carol", "dave"))
    callid = await start(client, alice, bob)
    await carol.behave(answer=0)
    ringing = await begin(client, carol.uri, dave.uri)
    call = await carol.ringing()

    await succeeds(await client.begin("CallHold", {"callid": callid}))
    await succeeds(await client.begin("CallUnhold", {"callid": callid}))

    await carol.ask("answer", callid=call.callid, status=200)
    await succeeds(ringing)
    await talk(alice, bob, carol, dave)


async def test_a_call_that_is_held_twice_or_not_at_all_is_told_so(
    client: Client, alice: Phone, bob: Phone
) -> None:
    callid = await start(client, alice, bob)

    unhold = await client.begin("CallUnhold", {"callid": callid})
    error = await unhold.error()
    await succeeds(await client.begin("CallHold", {"callid": callid}))
    again = await client.begin("CallHold", {"callid": callid})

    assert (error["name"], error["status"]) == ("ProxyRefused", 480)
    assert (await again.error())["status"] == 480
    await succeeds(await client.begin("CallUnhold", {"callid": callid}))
    await talk(alice, bob)
