"""Every frame of the v1 flows, member by member, on real calls between PJSIP phones."""

import pytest

from tests.live import frames
from tests.live.calls import keep_silent, start, talk
from tests.live.client import Client
from tests.live.phones import Phone


async def test_call_start(v1: Client, alice: Phone, bob: Phone) -> None:
    parties = {"caller": alice.uri, "callee": bob.uri}

    command = await v1.begin("CallStart", parties)
    await command.end()

    callid = command.frames[2]["params"]["details"]["callid"]
    assert command.frames == frames.of(
        command.cmd_id,
        frames.v1("CallerAnswered", "CALL_ANSWER", **parties),
        frames.v1("Transferring", "TRANSFER_ACCEPT", caller=alice.uri, destination=bob.uri),
        frames.v1("TransferStart", "CALL_START", callid=callid, **parties),
        frames.v1("CalleeAnswered", "CALL_ANSWER", callid=callid, **parties),
        frames.v1_ended(callid=callid),
    )
    assert (await alice.in_call()).callid == callid
    await talk(alice, bob)


@pytest.mark.parametrize("leg", ["caller", "callee"])
async def test_call_blind_transfer(
    v1: Client, alice: Phone, bob: Phone, carol: Phone, leg: str
) -> None:
    callid = await start(v1, alice, bob)
    goes, stays_not = (alice, bob) if leg == "caller" else (bob, alice)

    params = {"callid": callid, "leg": leg, "destination": carol.uri}
    command = await v1.begin("CallBlindTransfer", params)
    await command.end()

    called = command.frames[1]["params"]["details"]["callid"]
    assert command.frames == frames.of(
        command.cmd_id,
        frames.v1("Transferring", "TRANSFER_ACCEPT", destination=carol.uri),
        frames.v1("TransferStart", "CALL_START", callid=called, destination=carol.uri),
        frames.v1_ended(callid=called),
    )
    await stays_not.idle()
    await talk(goes, carol)
    assert [call["callid"] for call in (await v1.result("CallList"))["calls"]] == [called]


@pytest.mark.parametrize("leg_a", ["caller", "callee"])
@pytest.mark.parametrize("leg_b", ["caller", "callee"])
async def test_call_attended_transfer(
    v1: Client, phones: dict[str, Phone], leg_a: str, leg_b: str
) -> None:
    call_a = {"caller": phones["alice"], "callee": phones["bob"]}
    call_b = {"caller": phones["carol"], "callee": phones["dave"]}
    callid_a = await start(v1, call_a["caller"], call_a["callee"])
    callid_b = await start(v1, call_b["caller"], call_b["callee"])
    one, other = call_a.pop(leg_a), call_b.pop(leg_b)

    legs = {"callid_a": callid_a, "leg_a": leg_a, "callid_b": callid_b, "leg_b": leg_b}
    command = await v1.begin("CallAttendedTransfer", legs)
    await command.end()

    called = command.frames[1]["params"]["details"]["callid"]
    assert command.frames == frames.of(
        command.cmd_id,
        frames.v1("Transferring", "TRANSFER_ACCEPT"),
        frames.v1("TransferStart", "CALL_START", callid=called, destination=other.uri),
        frames.v1_ended(callid=called),
    )
    for released in (*call_a.values(), *call_b.values()):
        await released.idle()
    await talk(one, other)


@pytest.mark.parametrize("legs", [["caller", "callee"], ["caller"], ["callee"]])
async def test_call_hold_and_unhold(v1: Client, alice: Phone, bob: Phone, legs: list[str]) -> None:
    callid = await start(v1, alice, bob)
    params = {"callid": callid} if len(legs) == 2 else {"callid": callid, "leg": legs[0]}

    hold = await v1.begin("CallHold", params)
    await hold.end()
    await keep_silent(alice, bob)
    unhold = await v1.begin("CallUnHold", params)
    await unhold.end()

    assert hold.frames == frames.of(
        hold.cmd_id,
        frames.v1("CallHoldSuccessful", "CALL_HOLD", legs=legs),
        frames.v1_ended(),
    )
    assert unhold.frames == frames.of(
        unhold.cmd_id,
        frames.v1("CallUnholdSuccessful", "CALL_UNHOLD", legs=legs),
        frames.v1_ended(),
    )
    await talk(alice, bob)


async def test_call_end(v1: Client, alice: Phone, bob: Phone) -> None:
    callid = await start(v1, alice, bob)

    command = await v1.begin("CallEnd", {"callid": callid})
    await command.end()

    assert command.frames == frames.of(command.cmd_id, frames.v1_ended())
    await alice.idle()
    await bob.idle()


async def test_echo(v1: Client) -> None:
    command = await v1.begin("Echo", {"text": "hello", "list": [1, None]})
    await command.end()

    assert command.frames == frames.of(
        command.cmd_id,
        frames.v1("Reply", "REPLY", text="hello", list=[1, None]),
        frames.v1_ended(),
    )


async def test_an_error(v1: Client, alice: Phone, bob: Phone) -> None:
    await bob.behave(answer=486)
    parties = {"caller": alice.uri, "callee": bob.uri}

    command = await v1.begin("CallStart", parties)
    await command.end()

    callid = command.frames[2]["params"]["details"]["callid"]
    assert command.frames == frames.of(
        command.cmd_id,
        frames.v1("CallerAnswered", "CALL_ANSWER", **parties),
        frames.v1("Transferring", "TRANSFER_ACCEPT", caller=alice.uri, destination=bob.uri),
        frames.v1("TransferStart", "CALL_START", callid=callid, **parties),
        frames.v1_error(
            "486 Busy Here",
            code=-32020,
            name="CallFailed",
            status=486,
            reason="Busy Here",
            leg="callee",
        ),
        frames.v1_ended(),
    )
    await alice.idle()
