"""A recorded scenario with the product in it: a proxy that plays it, and clients that watch."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from tests.fakes.fake_client import FakeClient
from tests.fakes.opensips_lab import Lab, lab
from tests.wire_scenarios.expected import Told, v1_frames, v2_frames
from tests.wire_scenarios.tape import Tape

_METHODS = {
    "CallUnHold": "CallUnhold",
}
"""A method's other spelling -> how notifications spell it."""


class Command:
    """One command that two clients watch: one in each dialect.

    Both sent the same request with the same cmd_id.
    """

    def __init__(self, v1: FakeClient, v2: FakeClient, method: str, cmd_id: str) -> None:
        self.cmd_id = cmd_id
        self._v1 = v1
        self._v2 = v2
        self._method = _METHODS.get(method, method)

    async def tells(self, told: Sequence[Told]) -> None:
        """Wait for its end, and check all that both clients were told."""
        await self._v2.story(self.cmd_id)
        await self._v1.story(self.cmd_id)
        assert self.frames(self._v2) == v2_frames(self._method, self.cmd_id, told)
        assert self.frames(self._v1) == v1_frames(self.cmd_id, told)

    async def reaches(self, event: str) -> dict[str, Any]:
        """Wait until an event is told; return its params in v2."""
        text = await self._v2.until(
            lambda text: (
                text.get("params", {}).get("cmd_id") == self.cmd_id
                and text["params"]["event"] == event
            )
        )
        params: dict[str, Any] = text["params"]
        return params

    async def ends(self) -> list[dict[str, Any]]:
        """Wait for its end; return the params of what it told in v2."""
        return await self._v2.story(self.cmd_id)

    def frames(self, client: FakeClient) -> list[dict[str, Any]]:
        """Return the notifications of this command that a client got."""
        return [
            text
            for text in client.texts
            if "method" in text and text["params"]["cmd_id"] == self.cmd_id
        ]


class Scene:
    """A scenario that is being played.

    Attributes:
        made: The Call-IDs of the calls that phones make because they are referred.
    """

    def __init__(self, tape: Tape, stage: Lab) -> None:
        self.tape = tape
        self.lab = stage
        self.proxy = stage.proxy
        self.made = tape.made()
        self.v1 = FakeClient(stage.api, "v1", within=400.0)
        self.v2 = FakeClient(stage.api, "v2", within=400.0)
        self._commands = 0

    async def left(self, after: float = 30.0) -> list[str]:
        """Let everything come to its end; return the Call-IDs of the calls that are left."""
        await asyncio.sleep(after)
        return [dialog.callid for dialog in self.proxy.switch.live]

    def call(self, number: int = 0) -> str:
        """Return the Call-ID of a call that phones had made before."""
        callid: str = self.tape.calls[number]["callid"]
        return callid

    async def ask(self, method: str, **params: Any) -> Command:
        """Have both clients ask for the same command; check that both are answered."""
        self._commands += 1
        cmd_id = str(params.pop("cmd_id", f"cmd-{self._commands}"))
        started = {"cmd_id": cmd_id, "status": "Started", "event": "Started"}
        for client in (self.v2, self.v1):
            assert await client.result(client.ask(method, **params, cmd_id=cmd_id)) == started
        return Command(self.v1, self.v2, method, cmd_id)

    async def ask_again(self, number: int = 0, **more: Any) -> Command:
        """Ask for what the recorded client asked for, in its very words."""
        method, params = self.tape.asked[number]
        return await self.ask(method, **params, **more)


@asynccontextmanager
async def scene(name: str, **options: Any) -> AsyncIterator[Scene]:
    """Play a recorded scenario to a daemon without its sockets."""
    tape = Tape(name)
    async with lab(**options) as stage:
        stage.proxy.switch.tape = tape
        for call in tape.calls:
            dialog = stage.proxy.switch.call(
                call["caller"], call["callee"], call["callid"], call["did"]
            )
            dialog.state, dialog.answered = call["state"], call["state"] >= 3
        yield Scene(tape, stage)
