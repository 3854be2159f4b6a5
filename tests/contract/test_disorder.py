"""The embedded back end when everything happens at once, and packets get lost on top of it."""

import asyncio

import pytest

from call_api.backends.base import StartStep
from call_api.model import SipUri
from tests.contract.disorder import Disorder
from tests.fakes.lossy_link import LossyLink
from tests.fakes.offer_answer import OfferAnswer
from tests.fakes.sip_office import Office, read, sip_office, talk
from tests.fakes.virtual_time import in_virtual_time

USERS = [f"user{number}" for number in range(12)]


def network(seed: int) -> LossyLink:
    """A network that doubles and reorders; what it loses is set later."""
    loop = asyncio.get_running_loop()
    return LossyLink(loop, doubling=0.05, delay=(0.001, 0.08), seed=seed)


@pytest.mark.parametrize("loss", [0.0, 0.1])
@pytest.mark.parametrize("seed", range(4))
@in_virtual_time
async def test_whatever_everybody_does_every_command_ends_and_no_call_is_half_alive(
    seed: int, loss: float
) -> None:
    async with sip_office(*USERS, ring_for=10.0, link=lambda _: network(seed)) as office:
        office.link.loss = loss
        for phone in [*office.phones.values()][::3]:
            phone.has_video = True
        disorder = Disorder(office, seed)

        await disorder.reign(rounds=200)

        assert disorder.outcomes.total() == 200
        assert all(disorder.outcomes[outcome] for outcome in ("ok", "error", "left"))
        assert disorder.faults() == []
        OfferAnswer().check(office.link.carried)
        for callid in office.callids:
            await office.backend.end(callid)
        await office.gone()


@in_virtual_time
async def test_with_ten_percent_of_the_packets_lost_every_call_is_made_and_ended() -> None:
    calls = 100
    async with sip_office(*USERS, link=lambda _: network(7)) as office:
        office.link.loss = 0.1
        async with asyncio.TaskGroup() as group:
            stories = []
            for number in range(calls):
                stories.append(group.create_task(story(office, number), name=f"story {number}"))
                await asyncio.sleep(0.1)
        office.link.loss = 0.0

        assert sum(task.result() for task in stories) >= 0.99 * calls
        await office.gone()


async def story(office: Office, number: int) -> bool:
    """Make a call, hold it, let it go and end it; return whether all of it came true."""
    caller, callee = (office.phones[USERS[(number + n) % len(USERS)]] for n in (0, 5))
    steps: list[StartStep] = await read(
        office.backend.start(SipUri(caller.uri), SipUri(callee.uri))
    )
    callid = steps[-1].callid
    call = office.board.calls.find(callid)
    await read(office.backend.hold(callid, ["caller", "callee"]))
    await read(office.backend.unhold(callid, ["caller", "callee"]))
    await asyncio.sleep(20.0)  # an ACK may have to be sent again
    sides = [
        side
        for phone in (caller, callee)
        for side in phone.live
        if side.callid in {leg.callid for leg in call.legs.values()}
    ]
    do_talk = len(sides) == 2 and talk(*sides)
    await office.backend.end(callid)
    return do_talk
