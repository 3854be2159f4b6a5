"""What phones do by themselves: register, call each other, hold, transfer, replace."""

from pathlib import Path

import pytest

from tests.live.calls import start, talk
from tests.live.client import Client
from tests.live.daemon import DOMAIN, Daemon
from tests.live.phones import Phone, PhoneState, start_phone

PAIRS = pytest.mark.parametrize(
    ("one", "other"), [("alice", "bob"), ("tina", "tom"), ("alice", "tom"), ("tina", "bob")]
)


def over(state: PhoneState) -> list[int] | None:
    """The last statuses of the calls that are over, once all are."""
    return None if state.calls else [ending.status for ending in state.endings] or None


async def call(caller: Phone, callee: Phone) -> tuple[str, str]:
    """Call by hand; return the Call-ID on either side."""
    callid = await caller.ask("call", to=callee.uri)
    await caller.in_call(callid)
    return callid, (await callee.in_call()).callid


@PAIRS
async def test_phones_call_each_other_through_the_registrar(
    phones: dict[str, Phone], one: str, other: str
) -> None:
    callid, _ = await call(phones[one], phones[other])
    await talk(phones[one], phones[other])

    await phones[one].ask("hangup", callid=callid)

    await phones[other].idle()


async def test_a_wrong_password_does_not_register(daemon: Daemon, folder: Path) -> None:
    liar = await start_phone(
        "alice",
        registrar=daemon.registrar,
        domain=DOMAIN,
        transport="udp",
        password="guessed",
        log=folder / "liar.log",
    )
    try:
        status = await liar.until(lambda state: abs(state.registration))
    finally:
        await liar.close()

    assert status in {401, 403}


async def test_a_phone_that_signs_off_cannot_be_called_until_it_is_back(
    v2: Client, alice: Phone, bob: Phone
) -> None:
    await bob.ask("register", renew=False)
    await bob.until(lambda state: state.registration <= 0)

    command = await v2.begin("CallStart", {"caller": alice.uri, "callee": bob.uri})
    error = await command.error()
    await bob.ask("register", renew=True)
    await bob.until(lambda state: state.registration == 200)

    assert error["status"] in {404, 480}
    await start(v2, alice, bob)


@pytest.mark.parametrize("status", [486, 603])
async def test_a_refusal_reaches_the_caller(alice: Phone, bob: Phone, status: int) -> None:
    await bob.behave(answer=status)

    await alice.ask("call", to=bob.uri)

    assert await alice.until(over) == [status]


async def test_a_call_to_nobody_is_refused(alice: Phone) -> None:
    await alice.ask("call", to="sip:nobody@localhost")

    (status,) = await alice.until(over)
    assert status in {404, 480}


async def test_a_call_that_nobody_answers_is_given_up(alice: Phone, bob: Phone) -> None:
    await bob.behave(answer=0)

    await alice.ask("call", to=bob.uri)

    (status,) = await alice.until(over)
    assert status in {408, 480, 487}
    assert await bob.until(over) == [487]


async def test_a_caller_that_hangs_up_while_it_rings_stops_the_ringing(
    alice: Phone, bob: Phone
) -> None:
    await bob.behave(answer=0)
    callid = await alice.ask("call", to=bob.uri)
    await bob.ringing()

    await alice.ask("hangup", callid=callid)

    assert await bob.until(over) == [487]
    assert await alice.until(over) == [487]


async def test_commands_work_on_a_call_that_a_phone_made(
    v2: Client, alice: Phone, bob: Phone, carol: Phone
) -> None:
    callid, _ = await call(alice, bob)
    (listed,) = (await v2.result("CallList"))["calls"]
    assert listed["callid"] == callid
    assert (alice.uri in listed["caller"], bob.uri in listed["callee"]) == (True, True)

    await v2.run("CallHold", {"callid": callid})
    await alice.hears_nothing()
    await v2.run("CallUnhold", {"callid": callid})
    await talk(alice, bob)
    params = {"callid": callid, "leg": "callee", "destination": carol.uri}
    await v2.run("CallBlindTransfer", params)

    await alice.idle()
    await talk(bob, carol)


@PAIRS
async def test_a_phone_holds_a_call_and_takes_it_back(
    phones: dict[str, Phone], one: str, other: str
) -> None:
    callid, _ = await call(phones[one], phones[other])

    await phones[one].ask("hold", callid=callid)
    await phones[one].hears_nothing()
    await phones[one].ask("unhold", callid=callid)

    await talk(phones[one], phones[other])


@PAIRS
@pytest.mark.parametrize("who", ["caller", "callee"])
async def test_a_phone_transfers_its_call_by_refer(
    phones: dict[str, Phone], carol: Phone, one: str, other: str, who: str
) -> None:
    near, far = await call(phones[one], phones[other])
    referrer, stays = (one, other) if who == "caller" else (other, one)
    callid = near if who == "caller" else far

    await phones[referrer].ask("transfer", callid=callid, to=carol.uri)

    await carol.in_call()
    await talk(phones[stays], carol)
    (ending,) = (await phones[referrer].idle()).endings
    assert all(100 <= status < 300 for status in ending.transfer)


async def test_a_refer_to_nobody_is_told_and_the_call_goes_on(alice: Phone, bob: Phone) -> None:
    callid, _ = await call(alice, bob)

    await alice.ask("transfer", callid=callid, to="sip:nobody@localhost")

    (status,) = await alice.until(
        lambda state: [told for call in state.calls for told in call.transfer if told > 299]
    )
    assert status in {404, 480}
    await talk(alice, bob)


@pytest.mark.parametrize("transferor", ["bob", "tina"])
async def test_a_phone_joins_its_two_calls_by_refer_with_replaces(
    phones: dict[str, Phone], transferor: str
) -> None:
    alice, carol, middle = phones["alice"], phones["carol"], phones[transferor]
    _, first = await call(alice, middle)
    await middle.ask("hold", callid=first)
    second = await middle.ask("call", to=carol.uri)
    await middle.in_call(second)
    await carol.in_call()

    await middle.ask("attended_transfer", callid=first, with_callid=second)

    await middle.idle()
    await alice.in_call()
    await carol.in_call()
    await talk(alice, carol)


async def test_a_phone_refers_a_call_that_a_command_made(
    v2: Client, alice: Phone, bob: Phone, carol: Phone
) -> None:
    await start(v2, alice, bob)
    callid = (await alice.in_call()).callid

    await alice.ask("transfer", callid=callid, to=carol.uri)

    await alice.idle()
    await talk(bob, carol)
