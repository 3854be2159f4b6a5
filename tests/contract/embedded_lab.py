"""The embedded back end on loopback, with the demo phones."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from call_api.backends.base import Backend
from call_api.backends.embedded.backend import embedded_backend
from call_api.backends.embedded.demo_phones import demo_phones
from call_api.backends.embedded.phone import Phone
from call_api.config import Embedded
from call_api.model import SipUri
from tests.contract.lab import NAMES, WITHIN, Lab, LabPhone

RING_FOR = 1.0
A_WHILE = 0.15
"""Seconds: long enough for several packets."""


class DemoPhone:
    """A demo phone as the suite sees it."""

    def __init__(self, phone: Phone) -> None:
        self._phone = phone
        self.uri = SipUri(phone.uri)

    async def behave(
        self,
        *,
        answer_after: float | None = 0.05,
        refuse_with: int | None = None,
        refuse_changes_with: int | None = None,
    ) -> None:
        behaviour = self._phone.behaviour
        behaviour.answer_after = answer_after
        behaviour.refuse_with = refuse_with
        behaviour.refuse_reinvites_with = refuse_changes_with

    async def call(self, uri: str) -> None:
        self._phone.call(uri)

    async def hang_up(self) -> None:
        for call in self._phone.calls:
            call.hang_up()

    async def rings(self) -> None:
        phone = self._phone
        await phone.until(lambda: any(call.state == "ringing" for call in phone.calls), WITHIN)

    async def talks(self) -> None:
        phone = self._phone
        before = phone.received_packets
        await phone.until(
            lambda: (
                [call.state for call in phone.calls] == ["up"]
                and phone.received_packets > before + 2
            ),
            WITHIN,
        )

    async def is_silent(self) -> None:
        async with asyncio.timeout(WITHIN):
            before = -1
            while self._phone.received_packets != before:
                before = self._phone.received_packets
                await asyncio.sleep(A_WHILE)
        assert self._phone.calls

    async def is_idle(self) -> None:
        await self._phone.until(lambda: not self._phone.calls, WITHIN)

    async def callids(self) -> list[str]:
        return [call.callid for call in self._phone.calls]


@dataclass
class EmbeddedLab:
    backend: Backend
    phones: Mapping[str, LabPhone]
    nobody: SipUri
    ring_for: float


@asynccontextmanager
async def embedded_lab() -> AsyncIterator[Lab]:
    """The back end with a registered phone for each of the names."""
    users = {name: f"{name}'s own" for name in NAMES}
    settings = Embedded(port=0, users=users, ring_for=RING_FOR)
    async with (
        embedded_backend(settings) as backend,
        demo_phones(("127.0.0.1", backend.port), "localhost", users) as phones,
    ):
        made = {name: DemoPhone(phone) for name, phone in phones.items()}
        for phone in made.values():
            await phone.behave()
        yield EmbeddedLab(backend, made, SipUri("sip:nobody@localhost"), RING_FOR)
