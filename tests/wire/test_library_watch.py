"""The library watches calls at a real daemon, over a connection that breaks again and again."""

import asyncio
import random

import pytest

from call_api.backends.base import CallInfo
from call_api.model import CallChangeName, CallId
from call_api_client import connect
from call_api_client.changes import Changes
from tests.fakes.call_changes import change
from tests.fakes.cutting_proxy import CuttingProxy, cutting_proxy
from tests.fakes.scripted_backend import ScriptedBackend
from tests.wire.api import address, running

NEXT: dict[str, CallChangeName] = {
    "created": "ringing",
    "ringing": "answered",
    "answered": "ended",
}
"""What happens to a call next, by its state."""

ORDER = ["created", "ringing", "answered", "ended"]
LAST = CallId("the-last-one")


class World:
    """Calls that come, change and go, while connections break."""

    def __init__(self, seed: int) -> None:
        self.backend = ScriptedBackend()
        self.calls: dict[str, CallInfo] = {}
        self._dice = random.Random(seed)

    async def live(self, proxy: CuttingProxy) -> None:
        """Have many things happen, and then the last one."""
        for number in range(400):
            self._go_on(f"call-{number}")
            if self._dice.random() < 0.1:
                proxy.cut()
            await asyncio.sleep(self._dice.choice((0, 0, 0.01)))
        self._tell(LAST, "created")

    def _go_on(self, new: str) -> None:
        if self.calls and self._dice.random() < 0.6:
            callid = self._dice.choice([*self.calls])
            self._tell(callid, NEXT[self.calls[callid].state])
        else:
            self._tell(new, "created")

    def _tell(self, callid: str, event: CallChangeName) -> None:
        one = change(callid, event)
        self.calls[callid] = one.call
        if event == "ended":
            del self.calls[callid]
        self.backend.show(*self.calls.values())
        self.backend.tell(one)


@pytest.mark.parametrize("seed", range(3))
async def test_it_is_right_in_the_end_and_doubles_nothing_however_often_it_breaks(
    seed: int,
) -> None:
    world = World(seed)
    async with (
        asyncio.timeout(60),
        running(world.backend) as daemon,
        cutting_proxy(address(daemon)) as proxy,
        connect(proxy.url, reconnect_within=60) as api,
        api.watch() as changes,
        asyncio.TaskGroup() as group,
    ):
        group.create_task(world.live(proxy), name="live")
        heard = [await anext(changes)]
        # The last call may be told before what comparing has found of the others.
        while LAST not in {one.callid for one in heard} or states(changes) != states(world):
            heard.append(await anext(changes))

    assert states(changes) == states(world)
    assert len(proxy.passed) > 5
    for callid in {one.callid for one in heard}:
        events = [one.event for one in heard if one.callid == callid]
        assert events == [event for event in ORDER if event in events], callid


def states(of: Changes | World) -> dict[str, str]:
    return {callid: call.state for callid, call in of.calls.items()}
