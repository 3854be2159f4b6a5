"""Every frame of the v2 flows, member by member, on real calls between PJSIP phones."""

import pytest

from tests.live import frames
from tests.live.calls import keep_silent, start, talk
from tests.live.client import Client
from tests.live.phones import Phone


async def test_call_start(v2: Client, alice: Phone, bob: Phone) -> None:
    parties = {"caller": alice.uri, "callee": bob.uri}
    asked = {"caller": alice.uri, "destination": bob.uri}

    command = await v2.begin("CallStart", parties)
    await command.end()

    call = {"callid": command.frames[2]["params"]["data"]["callid"], **parties}
    told = frames.pending(command.frames)
    assert "180 Ringing" in told
    assert command.frames == frames.of(
        command.cmd_id,
        frames.v2("CallStart", "CallerAnswered", **parties),
        frames.v2("CallStart", "Transferring", **asked),
        frames.v2("CallStart", "TransferStart", **call),
        *(frames.v2("CallStart", "TransferPending", **call, extra=extra) for extra in told),
        frames.v2("CallStart", "CalleeAnswered", **call),
        frames.v2("CallStart", "Ended", callid=call["callid"]),
    )
    assert (await alice.in_call()).callid == call["callid"]
    await talk(alice, bob)


@pytest.mark.parametrize("leg", ["caller", "callee"])
async def test_call_blind_transfer(
    v2: Client, alice: Phone, bob: Phone, carol: Phone, leg: str
) -> None:
    callid = await start(v2, alice, bob)
    goes, stays_not = (alice, bob) if leg == "caller" else (bob, alice)

    params = {"callid": callid, "leg": leg, "destination": carol.uri}
    command = await v2.begin("CallBlindTransfer", params)
    await command.end()

    method = "CallBlindTransfer"
    called = {"callid": command.frames[1]["params"]["data"]["callid"], "destination": carol.uri}
    told = frames.pending(command.frames)
    assert "180 Ringing" in told
    assert command.frames == frames.of(
        command.cmd_id,
        frames.v2(method, "Transferring", destination=carol.uri),
        frames.v2(method, "TransferStart", **called),
        *(frames.v2(method, "TransferPending", **called, extra=extra) for extra in told),
        frames.v2(method, "TransferSuccessful", **called),
        frames.v2(method, "Ended", callid=called["callid"]),
    )
    await stays_not.idle()
    await talk(goes, carol)


@pytest.mark.parametrize("with_destination", [False, True])
async def test_call_attended_transfer(
    v2: Client, phones: dict[str, Phone], with_destination: bool
) -> None:
    alice, bob, carol, dave = (phones[name] for name in ("alice", "bob", "carol", "dave"))
    callid_a = await start(v2, alice, bob)
    callid_b = await start(v2, carol, dave)

    params = {"callidA": callid_a, "legA": "caller", "callidB": callid_b, "legB": "callee"}
    if with_destination:
        params["destination"] = "sip:the-boss@localhost"
    command = await v2.begin("CallAttendedTransfer", params)
    await command.end()

    method = "CallAttendedTransfer"
    callid = command.frames[1]["params"]["data"]["callid"]
    called = {"callid": callid, "destination": params.get("destination", dave.uri)}
    told = frames.pending(command.frames)
    assert command.frames == frames.of(
        command.cmd_id,
        frames.v2(method, "Transferring"),
        frames.v2(method, "TransferStart", **called),
        *(frames.v2(method, "TransferPending", **called, extra=extra) for extra in told),
        frames.v2(method, "TransferSuccessful", **called),
        frames.v2(method, "Ended", callid=called["callid"]),
    )
    await bob.idle()
    await carol.idle()
    await talk(alice, dave)


@pytest.mark.parametrize("leg", ["caller", "callee"])
async def test_call_hold_and_unhold_of_one_leg(
    v2: Client, alice: Phone, bob: Phone, leg: str
) -> None:
    callid = await start(v2, alice, bob)

    hold = await v2.begin("CallHold", {"callid": callid, "leg": leg})
    await hold.end()
    await keep_silent(alice, bob)
    unhold = await v2.begin("CallUnhold", {"callid": callid, "leg": leg})
    await unhold.end()

    assert hold.frames == frames.of(
        hold.cmd_id,
        frames.v2("CallHold", "CallHolding"),
        frames.v2("CallHold", "CallHoldStart", leg=leg),
        frames.v2("CallHold", "CallHoldSuccessful", leg=leg),
        frames.v2("CallHold", "Ended"),
    )
    assert unhold.frames == frames.of(
        unhold.cmd_id,
        frames.v2("CallUnhold", "CallUnholding"),
        frames.v2("CallUnhold", "CallUnholdStart", leg=leg),
        frames.v2("CallUnhold", "CallUnholdSuccessful", leg=leg),
        frames.v2("CallUnhold", "Ended"),
    )
    await talk(alice, bob)


@pytest.mark.parametrize("method", ["CallHold", "CallUnhold"])
async def test_call_hold_and_unhold_of_both_legs(
    v2: Client, alice: Phone, bob: Phone, method: str
) -> None:
    callid = await start(v2, alice, bob)
    if method == "CallUnhold":
        await v2.run("CallHold", {"callid": callid})

    command = await v2.begin(method, {"callid": callid})
    await command.end()

    first, *both, last = command.frames
    assert [first] == frames.of(command.cmd_id, frames.v2(method, f"{method}ing"))
    assert last["params"] == {"cmd_id": command.cmd_id, "seq": 6, "event": "Ended"}
    for leg in ("caller", "callee"):
        of_leg = [frame for frame in both if frame["params"]["data"] == {"leg": leg}]
        seqs = [frame["params"].pop("seq") for frame in of_leg]
        assert seqs == sorted(seqs)
        assert of_leg == [
            {**frame, "params": {"cmd_id": command.cmd_id, **frame["params"]}}
            for frame in (
                frames.v2(method, f"{method}Start", leg=leg),
                frames.v2(method, f"{method}Successful", leg=leg),
            )
        ]


async def test_call_end(v2: Client, alice: Phone, bob: Phone) -> None:
    callid = await start(v2, alice, bob)

    command = await v2.begin("CallEnd", {"callid": callid})
    await command.end()

    assert command.frames == frames.of(command.cmd_id, frames.v2("CallEnd", "Ended"))
    await alice.idle()
    await bob.idle()


async def test_echo(v2: Client) -> None:
    command = await v2.begin("Echo", {"text": "hello", "timeout": 5})
    await command.end()

    assert command.frames == frames.of(
        command.cmd_id, frames.v2("Echo", "Reply", text="hello"), frames.v2("Echo", "Ended")
    )


async def test_an_error(v2: Client, alice: Phone, bob: Phone) -> None:
    await alice.behave(answer=486)
    failure = {
        "code": -32020,
        "name": "CallFailed",
        "status": 486,
        "reason": "Busy Here",
        "leg": "caller",
    }

    command = await v2.begin("CallStart", {"caller": alice.uri, "callee": bob.uri})
    await command.end()

    assert command.frames == frames.of(
        command.cmd_id,
        frames.v2_error("CallStart", "486 Busy Here", **failure),
        frames.v2("CallStart", "Ended"),
    )
    assert (await bob.state()).endings == []
