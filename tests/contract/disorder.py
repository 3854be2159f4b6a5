"""An office in which everybody does anything at any time, on a network that loses packets."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from call_api.backends.base import Stream
from call_api.backends.embedded.operation import PhoneCall
from call_api.errors import CallApiError
from call_api.model import LEGS, CallId, LegName, SipUri
from tests.fakes.scripted_call import ScriptedCall
from tests.fakes.scripted_phone import ScriptedPhone
from tests.fakes.sip_office import Office, read, talk

COMMANDS = ("start", "start", "start", "hold", "hold one", "unhold", "transfer", "join", "end")
ACTS = ("dial", "hang up", "hold", "ask", "refer", "take over", "behave")
QUIET_FOR = 200.0
"""Seconds after which all that was begun has come to its end."""


class Disorder:
    """Commands and phones at random; what they do depends on the seed alone.

    Attributes:
        outcomes: How the commands ended: ``ok``, ``error`` or ``left``.
    """

    def __init__(self, office: Office, seed: int) -> None:
        self.office = office
        self.phones = list(office.phones.values())
        self.outcomes: Counter[str] = Counter()
        self._random = random.Random(seed)

    async def reign(self, rounds: int) -> None:
        """Let one command and one phone do something, again and again, without waiting."""
        async with asyncio.TaskGroup() as group:
            for number in range(rounds):
                group.create_task(self._command(), name=f"command {number}")
                group.create_task(self._act(), name=f"phone {number}")
                await asyncio.sleep(self._random.random() * 0.4)
        self.office.link.loss = 0.0
        for phone in self.phones:
            phone.answer_after, phone.refuse_with, phone.reinvites = 0.1, None, []
        await asyncio.sleep(QUIET_FOR)

    def faults(self) -> list[str]:
        """What is wrong now that nothing goes on any more."""
        faults = [
            f"{call.callid}: {fault}" for call in self._calls() if (fault := self._fault(call))
        ]
        legs = {(leg.callid, leg.tag) for leg in self.office.board.calls.all_legs()}
        for phone in self.phones:
            for side in phone.live:
                if side.dialog is None or (side.callid, side.dialog.remote_tag) not in legs:
                    faults.append(f"{phone.name} is alone in {side.callid}")
        return faults

    def _calls(self) -> list[PhoneCall]:
        return list(self.office.board.calls)

    def _fault(self, call: PhoneCall) -> str | None:
        sides = [side for leg in call.legs.values() for side in self._sides(leg.callid, leg.tag)]
        if call.owner or call.state != "answered" or len(sides) != 2 or call.branches:
            return f"{call.state}, {len(sides)} phones, {len(call.branches)} ring"
        if any(leg.turn.is_taken for leg in call.legs.values()):
            return "an INVITE is open"
        if call.held and any(side.sends_to for side in sides):
            return "sound in spite of the hold"
        by_themselves = any(side.wish != "sendrecv" for side in sides)
        if not call.on_hold() and not by_themselves and not talk(*sides):
            return "no sound"
        return None

    def _sides(self, callid: str, tag: str) -> list[ScriptedCall]:
        return [
            side
            for phone in self.phones
            for side in phone.live
            if side.callid == callid and side.dialog and side.dialog.remote_tag == tag
        ]

    # Commands.

    async def _command(self) -> None:
        within = self._random.choice([None, None, 3.0, 0.4])
        try:
            async with asyncio.timeout(within and self._random.random() * within):
                await self._chosen(self._random.choice(COMMANDS))
        except TimeoutError:
            self.outcomes["left"] += 1
        except CallApiError:
            self.outcomes["error"] += 1
        else:
            self.outcomes["ok"] += 1

    def _chosen(self, command: str) -> Awaitable[Any]:
        backend, callid, leg = self.office.backend, self._callid(), self._leg()
        one, other = (SipUri(phone.uri) for phone in self._random.sample(self.phones, 2))
        streams: dict[str, Callable[[], Stream[Any]]] = {
            "start": lambda: backend.start(one, other),
            "hold": lambda: backend.hold(callid, LEGS),
            "hold one": lambda: backend.hold(callid, [leg]),
            "unhold": lambda: backend.unhold(callid, LEGS),
            "transfer": lambda: backend.transfer(callid, leg, one),
            "join": lambda: backend.join(callid, leg, self._callid(), self._leg()),
        }
        return backend.end(callid) if command == "end" else read(streams[command]())

    def _callid(self) -> CallId:
        return self._random.choice([*self.office.callids, CallId("nobody's")])

    def _leg(self) -> LegName:
        return self._random.choice(LEGS)

    # Phones.

    async def _act(self) -> None:
        phone = self._random.choice(self.phones)
        act = self._random.choice(ACTS)
        up = [call for call in phone.live if call.state == "up"]
        if act == "behave":
            self._behave(phone)
        elif act == "dial" and len(phone.live) < 3:
            await self._dial(phone)
        elif up:
            with suppress(AssertionError):  # the call has ended meanwhile
                await self._use(self._random.choice(up), act)

    def _behave(self, phone: ScriptedPhone) -> None:
        choice = self._random.choice
        phone.answer_after = choice([0.1, 0.5, 2.0, None])
        phone.refuse_with = choice([None, None, None, (486, ()), (603, ())])
        phone.progress = choice([(), (180,), (183,), (180, 183)])
        answers = [(200, ()), (488, ()), (491, ()), (500, [("Retry-After", "1")])]
        phone.reinvites = [choice(answers) for _ in range(self._random.randrange(3))]

    async def _dial(self, phone: ScriptedPhone) -> None:
        to = self._random.choice(self.phones).uri
        call = phone.dial(to, offers=self._random.random() < 0.7)
        await asyncio.sleep(self._random.random() * 3.0)
        if call.state == "calling" and self._random.random() < 0.5:
            call.cancel()

    async def _make_good(self, call: ScriptedCall) -> None:
        """Say what it wishes now: it may have answered an offer while it wished otherwise.

        As phones do after a 491 (RFC 3261, section 14.1).
        """
        for _ in range(20):
            await asyncio.sleep(self._random.random() * 4.0)
            if call.state != "up" or await call.reinvite() == 200:
                return

    async def _use(self, call: ScriptedCall, act: str) -> None:
        somebody = self._random.choice(self.phones)
        if act == "hang up":
            await call.hang_up()
        elif act == "hold":
            before, call.wish = call.wish, self._random.choice(["sendonly", "sendrecv"])
            if await call.reinvite() != 200:
                call.wish = before
                await self._make_good(call)
        elif act == "ask":
            await call.reinvite(offers=False)
        elif act == "refer":
            await call.refer(somebody.uri)
        elif act == "take over":
            somebody.dial(call.phone.uri, headers=[("Replaces", call.replaces())])
