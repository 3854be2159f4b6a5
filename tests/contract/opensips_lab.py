"""The OpenSIPS back end on a scripted proxy, with the phones behind that."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from call_api.backends.base import Backend
from call_api.backends.opensips.opening import open_backend
from call_api.model import LegName, SipUri
from tests.contract.lab import NAMES, WITHIN, Lab, LabPhone
from tests.fakes.opensips.dialog import ANSWERED, DEAF, RINGING, Dialog
from tests.fakes.opensips.manners import REASONS, Manner
from tests.fakes.opensips.switch import Switch
from tests.fakes.opensips_lab import config
from tests.fakes.proxy import FakeProxy

RING_FOR = 1.0
_NOBODY = SipUri("sip:nobody@127.0.0.1")
_REASONS = {**REASONS, 480: "Temporarily Unavailable", 486: "Busy Here"}


class SwitchPhone:
    """A phone behind a scripted proxy: what it is in follows from the proxy's dialogs."""

    def __init__(self, switch: Switch, name: str) -> None:
        self._switch = switch
        self._name = name
        self.uri = SipUri(f"sip:{name}@127.0.0.1")

    async def behave(
        self,
        *,
        answer_after: float | None = 0.05,
        refuse_with: int | None = None,
        refuse_changes_with: int | None = None,
    ) -> None:
        changes = refuse_changes_with
        answer = "" if answer_after is None else "200 OK"
        self._switch.phones[self._name] = Manner(
            answers=answer if refuse_with is None else _line(refuse_with),
            rings_for=answer_after or 0.0,
            refers=changes or 202,
            holds=changes or 200,
            replaces="200 OK" if changes is None else _line(changes),
        )

    async def call(self, uri: str) -> None:
        self._switch.dial(self.uri, uri)

    async def hang_up(self) -> None:
        for dialog, leg in self._calls():
            if leg == "callee" and dialog.state < ANSWERED:
                self._switch.decline(dialog.callid)
            else:
                self._switch.hang_up(dialog.callid)

    async def rings(self) -> None:
        await self._until(
            lambda: any(
                leg == "callee" and dialog.state == RINGING for dialog, leg in self._calls()
            )
        )

    async def talks(self) -> None:
        await self._until(lambda: len(self._calls()) == 1 and self._hears())

    async def is_silent(self) -> None:
        await self._until(lambda: bool(self._calls()) and not self._hears())

    async def is_idle(self) -> None:
        await self._until(lambda: not self._calls())

    async def callids(self) -> list[str]:
        return [dialog.callid for dialog, _ in self._calls()]

    def _calls(self) -> list[tuple[Dialog, LegName]]:
        """Return its calls, and the leg that it is on."""
        found: list[tuple[Dialog, LegName]] = []
        for dialog in self._switch.live:
            if dialog.caller == self.uri and not dialog.is_first_leg:
                found.append((dialog, "caller"))
            elif dialog.callee.partition(";")[0] == self.uri and dialog.state >= RINGING:
                found.append((dialog, "callee"))
        return found

    def _hears(self) -> bool:
        return any(
            dialog.state >= ANSWERED and not dialog.is_first_leg and not dialog.held(leg) & DEAF
            for dialog, leg in self._calls()
        )

    async def _until(self, claim: Callable[[], bool]) -> None:
        async with asyncio.timeout(WITHIN):
            while not claim():
                await self._switch.changed()


@dataclass
class OpenSipsLab:
    backend: Backend
    phones: Mapping[str, LabPhone]
    nobody: SipUri = _NOBODY
    ring_for: float = RING_FOR


@asynccontextmanager
async def opensips_lab() -> AsyncIterator[Lab]:
    """The back end on a proxy with a phone for each of the names."""
    async with FakeProxy() as proxy:
        proxy.switch.phones["nobody"] = Manner(is_there=False)
        phones = {name: SwitchPhone(proxy.switch, name) for name in NAMES}
        for phone in phones.values():
            await phone.behave()
        async with open_backend(config(proxy, ring_for=RING_FOR)) as backend:
            yield OpenSipsLab(backend, phones)


def _line(status: int) -> str:
    return f"{status} {_REASONS[status]}"
