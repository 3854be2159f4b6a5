"""Commands on calls of phones whose network loses a tenth of all messages, either way."""

import asyncio
import os
from collections import Counter

from call_api.errors import CallApiError
from call_api.model import SipUri
from tests.fakes.lossy_link import LossyLink
from tests.fakes.scripted_phone import ScriptedPhone
from tests.fakes.sip_office import Office, read, sip_office
from tests.fakes.virtual_time import in_virtual_time

CALLS = int(os.environ.get("LOSSY_CALLS") or 150)
"""``make loss`` runs it with 1,500."""
AT_A_TIME = 15
ENOUGH = 0.995


class Caller:
    """Makes calls one after the other, and does with each what can be done with it."""

    def __init__(self, office: Office, number: int) -> None:
        self.office = office
        self.names = [f"{name}{number}" for name in ("alice", "bob", "carol")]
        self.outcomes: Counter[str] = Counter()

    async def run(self, calls: int) -> None:
        alice, bob, carol = [await self.office.phone(name) for name in self.names]
        for _ in range(calls):
            try:
                await self.call(alice, bob, carol)
            except CallApiError as exc:
                self.outcomes[str(exc)] += 1
                await asyncio.sleep(90.0)  # until all phones have noticed, too
            else:
                self.outcomes["complete"] += 1

    async def call(self, alice: ScriptedPhone, bob: ScriptedPhone, carol: ScriptedPhone) -> None:
        """Start, hold, take back, transfer and end a call."""
        backend = self.office.backend
        callid = await self.office.start(alice, bob)
        await read(backend.hold(callid, ["caller", "callee"]))
        await read(backend.unhold(callid, ["caller", "callee"]))
        steps = await read(backend.transfer(callid, "caller", SipUri(carol.uri)))
        await backend.end(steps[-1].callid)


@in_virtual_time
async def test_nearly_all_commands_succeed_and_no_call_is_left_over() -> None:
    def network(loop: asyncio.AbstractEventLoop) -> LossyLink:
        return LossyLink(loop, loss=0.1, delay=(0.01, 0.06))

    async with sip_office(link=network) as office:
        callers = [Caller(office, number) for number in range(AT_A_TIME)]
        async with asyncio.TaskGroup() as group:
            for caller in callers:
                group.create_task(caller.run(CALLS // AT_A_TIME))
        outcomes = sum((caller.outcomes for caller in callers), Counter[str]())

        await office.gone()

    assert outcomes.total() == CALLS
    assert outcomes["complete"] >= ENOUGH * CALLS, outcomes
