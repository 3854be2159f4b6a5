"""Clients of a daemon that is killed: what they sent, what they saw, and how that compares."""

import asyncio
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests.faults.outside import Outside
from tests.wire.api import JsonClient
from tests.wire.raw_client import CLOSE

GOING: Final = -32022
"""With which a daemon that shuts down refuses commands."""


class Broken(AssertionError):
    """A promise was broken."""


@dataclass
class Sent:
    """One command, as its client knows it."""

    method: str
    params: dict[str, Any]
    is_answered: bool = False
    is_refused: bool = False
    told: list[Any] = field(default_factory=list)

    @property
    def has_ended(self) -> bool:
        return bool(self.told) and self.told[-1]["params"]["event"] == "Ended"

    @property
    def is_over(self) -> bool:
        return self.has_ended or self.is_refused


class LeavingClient(JsonClient):
    """A client of a daemon that goes, with a word or without."""

    limit = 60.0

    async def next(self) -> tuple[int, bytes]:
        opcode, payload = await super().next()
        if opcode == CLOSE:
            raise ConnectionError
        return opcode, payload


class Killing:
    """A daemon that is going to be killed, and what was sent to it.

    Args:
        frames: It is killed right after so many; 0: by `kill` alone.
    """

    def __init__(
        self, daemon: Outside, sent: dict[str, Sent], frames: int, how: signal.Signals
    ) -> None:
        self.daemon = daemon
        self._how: signal.Signals | None = how
        self._sent = sent
        self._frames = frames

    def ask(self, client: JsonClient, cmd_id: str, method: str, params: dict[str, Any]) -> Sent:
        """Send a command."""
        command = self._sent[cmd_id] = Sent(method, {**params, "cmd_id": cmd_id})
        client.ask(method, command.params, id=cmd_id)
        return command

    def take(self, frame: Any) -> None:
        """Note what a client was sent."""
        self._frames -= 1
        if self._frames == 0:
            self.kill()
        take(frame, self._sent)

    def kill(self) -> None:
        how, self._how = self._how, None  # a second SIGTERM would end it at once
        if how is not None:
            self.daemon.program.process.send_signal(how)


def take(frame: Any, sent: Mapping[str, Sent]) -> None:
    """Note what a client was sent."""
    if "id" in frame:
        command = sent[frame["id"]]
        command.is_answered = "result" in frame
        command.is_refused = not command.is_answered
        if command.is_refused and frame["error"]["code"] != GOING:
            raise Broken(f"refused: {frame}")
    else:
        sent[frame["params"]["cmd_id"]].told.append(frame)


def check_end(daemon: Outside, sent: Mapping[str, Sent]) -> None:
    """Fail unless a daemon that was asked to go has gone, and has ended what it had begun."""
    status = daemon.program.process.wait(20.0)
    if status != 0:
        raise Broken(f"exit status {status}")
    for cmd_id, command in sent.items():
        if command.is_answered and not command.has_ended:
            raise Broken(f"{cmd_id} was answered Started, and told is {command.told}")


async def known(client: JsonClient) -> set[str]:
    listed = await client.answer("CommandList")
    return {one["cmd_id"] for one in listed["result"]["commands"]}


async def again(client: JsonClient, sent: Mapping[str, Sent]) -> dict[str, list[Any]]:
    """Send every command once more; return what is told of each, up to its end."""
    again = {cmd_id: Sent(command.method, command.params) for cmd_id, command in sent.items()}
    for cmd_id, command in again.items():
        client.ask(command.method, command.params, id=cmd_id)
    async with asyncio.timeout(60.0):
        while not all(command.has_ended and command.is_answered for command in again.values()):
            take(await client.json(), again)
    return {cmd_id: command.told for cmd_id, command in again.items()}


def check(cmd_id: str, seen: list[Any], told: list[Any]) -> None:
    """Compare what a client saw before the crash with what is told after it."""
    if told[: len(seen)] != seen:
        raise Broken(f"{cmd_id}: seen was {seen}, told is {told}")
    numbers = [frame["params"]["seq"] for frame in told]
    events = [frame["params"]["event"] for frame in told]
    if numbers != list(range(1, len(told) + 1)):
        raise Broken(f"{cmd_id}: numbers {numbers}")
    if events.count("Ended") != 1 or events.count("Error") > 1 or "Error" in events[:-2]:
        raise Broken(f"{cmd_id}: told is {events}")
