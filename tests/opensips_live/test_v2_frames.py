"""Every frame of the v2 flows, member by member: those of the embedded back end."""

import pytest

from tests.live import frames
from tests.live.calls import start, talk
from tests.live.client import Client
from tests.live.phones import Phone
from tests.live.test_v2_frames import (  # noqa: F401  they are tests of this back end too
    test_an_error,
    test_call_blind_transfer,
    test_call_end,
    test_call_hold_and_unhold_of_both_legs,
    test_call_start,
    test_echo,
)
from tests.opensips_live.calls import call_of
from tests.opensips_live.opensips import OpenSips


@pytest.mark.parametrize("with_destination", [False, True])
async def test_call_attended_transfer(
    v2: Client, phones: dict[str, Phone], with_destination: bool
) -> None:
    alice, bob, carol, dave = (phones[name] for name in ("alice", "bob", "carol", "dave"))
    callid_a = await start(v2, alice, bob)
    callid_b = await start(v2, carol, dave)
    destination = "sip:dave@127.0.0.1" if with_destination else dave.uri

    params = {"callidA": callid_a, "legA": "caller", "callidB": callid_b, "legB": "callee"}
    if with_destination:
        params["destination"] = destination
    command = await v2.begin("CallAttendedTransfer", params)
    await command.end()

    method = "CallAttendedTransfer"
    callid = command.frames[1]["params"]["data"]["callid"]
    called = {"callid": callid, "destination": destination}
    told = frames.pending(command.frames)
    assert command.frames == frames.of(
        command.cmd_id,
        frames.v2(method, "Transferring"),
        frames.v2(method, "TransferStart", **called),
        *(frames.v2(method, "TransferPending", **called, extra=extra) for extra in told),
        frames.v2(method, "TransferSuccessful", **called),
        frames.v2(method, "Ended", callid=callid),
    )
    await bob.idle()
    await carol.idle()
    await talk(alice, dave)
    assert await call_of(v2) == callid


@pytest.mark.parametrize("leg", ["caller", "callee"])
async def test_call_hold_and_unhold_of_one_leg(
    v2: Client, proxy: OpenSips, phones: dict[str, Phone], leg: str
) -> None:
    callid = await start(v2, phones["alice"], phones["bob"])

    hold = await v2.begin("CallHold", {"callid": callid, "leg": leg})
    if await proxy.major() < 4:  # it knows both legs at once only
        assert (await hold.error())["name"] == "NotSupported"
        return
    await hold.end()
    held, other = ("alice", "bob") if leg == "caller" else ("bob", "alice")
    await phones[other].hears_nothing()
    await phones[held].hears()  # callops lets it hear music, if there is any
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
    await talk(phones["alice"], phones["bob"])
