"""Every command with phones of different makes on either side, over UDP, TCP and both.

Who is named first is the caller. PJSIP, baresip and SIPp each meet the two others.
"""

import itertools

import pytest

from tests.live.calls import keep_silent, start, talk
from tests.live.client import Client, Frame
from tests.live.conftest import TakePhone
from tests.live.makes import AnyPhone, Kind
from tests.live.phones import Phone

MAKES = ("pjsip", "baresip", "sipp")
TRANSPORTS = (("udp", "udp"), ("tcp", "tcp"), ("udp", "tcp"))


def pair(one: str, other: str, transports: tuple[str, str]) -> object:
    """One parameter set, marked by who is in it."""
    marks = [getattr(pytest.mark, make) for make in (one, other) if make != "pjsip"]
    kinds = (f"{one}-{transports[0]}", f"{other}-{transports[1]}")
    return pytest.param(*kinds, id="-".join(kinds), marks=marks)


EVERY_PAIR = [
    (*makes, transports) for makes in itertools.permutations(MAKES, 2) for transports in TRANSPORTS
]
PAIRS = pytest.mark.parametrize(("caller", "callee"), [pair(*each) for each in EVERY_PAIR])
LEGS = pytest.mark.parametrize("leg", ["caller", "callee"])


async def both(take: TakePhone, caller: Kind, callee: Kind) -> tuple[AnyPhone, AnyPhone]:
    return await take(caller), await take(callee)


async def succeeds(client: Client, method: str, **params: str) -> list[Frame]:
    """Run a command that has to end well."""
    frames = await client.run(method, params)
    assert "Error" not in [frame["params"]["event"] for frame in frames], frames
    return frames


@PAIRS
async def test_a_call_is_started_and_ended(
    v2: Client, take: TakePhone, caller: Kind, callee: Kind
) -> None:
    one, other = await both(take, caller, callee)

    callid = await start(v2, one, other)
    await talk(one, other)
    await succeeds(v2, "CallEnd", callid=callid)

    await one.idle()
    await other.idle()


@PAIRS
@pytest.mark.parametrize("legs", [{}, {"leg": "caller"}, {"leg": "callee"}], ids=str)
async def test_a_call_is_held_and_taken_back(
    v2: Client, take: TakePhone, caller: Kind, callee: Kind, legs: dict[str, str]
) -> None:
    one, other = await both(take, caller, callee)
    callid = await start(v2, one, other)
    await talk(one, other)

    await succeeds(v2, "CallHold", callid=callid, **legs)
    await keep_silent(one, other)
    await succeeds(v2, "CallUnhold", callid=callid, **legs)

    await talk(one, other)


@PAIRS
@LEGS
async def test_a_leg_is_transferred_to_a_phone_of_another_make(
    v2: Client, take: TakePhone, dave: Phone, caller: Kind, callee: Kind, leg: str
) -> None:
    goes, destination = await both(take, caller, callee)
    callid = await start(v2, *((goes, dave) if leg == "caller" else (dave, goes)))

    await succeeds(v2, "CallBlindTransfer", callid=callid, leg=leg, destination=destination.uri)

    await dave.idle()
    await goes.in_call()
    await destination.in_call()
    await talk(goes, destination)


@PAIRS
@LEGS
async def test_two_calls_are_joined(
    v2: Client,
    take: TakePhone,
    carol: Phone,
    dave: Phone,
    caller: Kind,
    callee: Kind,
    leg: str,
) -> None:
    one, other = await both(take, caller, callee)
    if leg == "caller":
        callid_a, callid_b = await start(v2, one, carol), await start(v2, dave, other)
        legs = {"leg_a": "caller", "leg_b": "callee"}
    else:
        callid_a, callid_b = await start(v2, carol, one), await start(v2, other, dave)
        legs = {"leg_a": "callee", "leg_b": "caller"}

    await succeeds(v2, "CallAttendedTransfer", callid_a=callid_a, callid_b=callid_b, **legs)

    await carol.idle()
    await dave.idle()
    await talk(one, other)


@PAIRS
async def test_commands_work_on_a_call_that_a_phone_made(
    v2: Client, take: TakePhone, carol: Phone, caller: Kind, callee: Kind
) -> None:
    one, other = await both(take, caller, callee)
    await one.dial(other.uri)
    await one.in_call()
    await other.in_call()
    (call,) = (await v2.result("CallList"))["calls"]

    await succeeds(v2, "CallHold", callid=call["callid"])
    await keep_silent(one, other)
    await succeeds(v2, "CallUnhold", callid=call["callid"])
    await talk(one, other)
    await succeeds(
        v2, "CallBlindTransfer", callid=call["callid"], leg="callee", destination=carol.uri
    )

    await one.idle()
    await talk(other, carol)
