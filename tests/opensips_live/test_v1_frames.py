"""Every frame of the v1 flows, member by member: those of the embedded back end."""

import pytest

from tests.live import frames
from tests.live.calls import start, talk
from tests.live.client import Client
from tests.live.phones import Phone
from tests.live.test_v1_frames import (  # noqa: F401  they are tests of this back end too
    test_an_error,
    test_call_attended_transfer,
    test_call_blind_transfer,
    test_call_end,
    test_call_start,
    test_echo,
)
from tests.opensips_live.opensips import OpenSips


@pytest.mark.parametrize("legs", [["caller", "callee"], ["caller"], ["callee"]])
async def test_call_hold_and_unhold(
    v1: Client, proxy: OpenSips, alice: Phone, bob: Phone, legs: list[str]
) -> None:
    callid = await start(v1, alice, bob)
    params = {"callid": callid} if len(legs) == 2 else {"callid": callid, "leg": legs[0]}

    hold = await v1.begin("CallHold", params)
    if len(legs) == 1 and await proxy.major() < 4:  # it knows both legs at once only
        assert (await hold.error())["name"] == "NotSupported"
        return
    await hold.end()
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
