"""PJSIP phones as tests see them: behave, call, wait for a state, listen."""

import asyncio
import itertools
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from tests.live.processes import Program

T = TypeVar("T")

PROGRAM = Path(__file__).with_name("pjsip_phone.py")
ANSWER_WITHIN = 10.0
"""Seconds until something that has to happen must have happened, on a busy machine too."""


class PhoneCall(msgspec.Struct, frozen=True):
    """A call as its phone sees it; `rx` and `tx` count RTP packets of the present stream."""

    callid: str
    state: str
    remote: str
    role: str
    direction: str | None
    rx: int
    tx: int
    peer: str
    transfer: list[int]


class Ending(msgspec.Struct, frozen=True):
    """A call that is over, with its last SIP status.

    `confirmed_at` and `referred_at` are when its ACK and a REFER came in, on the monotonic clock.
    """

    callid: str
    status: int
    transfer: list[int]
    confirmed_at: float
    referred_at: float


class PhoneState(msgspec.Struct, frozen=True):
    """`registration` is the status of the last REGISTER, negative when it ended one."""

    address: str
    registration: int
    calls: list[PhoneCall]
    endings: list[Ending]


class PhoneRefused(Exception):
    """PJSIP did not do what it was asked for."""


class Phone(Program):
    """One phone, a process of its own."""

    def __init__(self, name: str, domain: str) -> None:
        super().__init__()
        self.name = name
        self.uri = f"sip:{name}@{domain}"
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._changed = asyncio.Event()

    def line_received(self, line: bytes) -> None:
        message = json.loads(line)
        waiter = self._waiting.pop(message.get("id"), None)
        if waiter is None or waiter.done():
            self._changed.set()
        elif "error" in message:
            waiter.set_exception(PhoneRefused(f"{self.name}: {message['error']}"))
        else:
            waiter.set_result(message["result"])

    def process_exited(self) -> None:
        super().process_exited()
        for waiter in self._waiting.values():
            if not waiter.done():
                waiter.set_exception(PhoneRefused(f"{self.name} is gone"))

    async def ask(self, do: str, **params: object) -> Any:
        """Have the phone do something (``do_NAME`` of the program) and return what it says."""
        if self.exited.done():
            raise PhoneRefused(f"{self.name} is gone")
        number = next(self._numbers)
        waiter = self._waiting[number] = asyncio.get_running_loop().create_future()
        self.write(json.dumps({"id": number, "do": do, **params}).encode() + b"\n")
        async with asyncio.timeout(ANSWER_WITHIN):
            return await waiter

    async def state(self) -> PhoneState:
        return msgspec.convert(await self.ask("state"), PhoneState)

    async def until(
        self, what: Callable[[PhoneState], T | None], within: float = ANSWER_WITHIN
    ) -> T:
        """Return what ``what`` makes of the phone's state, as soon as that is true."""
        seen: PhoneState | None = None
        try:
            async with asyncio.timeout(within):
                while True:
                    self._changed.clear()
                    seen = await self.state()
                    if found := what(seen):
                        return found
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"{self.name} never came to that: {seen}") from None

    async def behave(self, **behaviour: object) -> None:
        """Behave so from now on, and in all else as usual; forget calls that are over."""
        await self.ask("behave", **behaviour)

    async def dial(self, uri: str) -> None:
        """Call somebody by itself."""
        await self.ask("call", to=uri)

    async def in_call(self, callid: str | None = None) -> PhoneCall:
        """Wait until the phone's one call, or that call, is answered."""
        return await self.until(
            lambda state: next(
                (
                    call
                    for call in state.calls
                    if call.state == "CONFIRMED" and callid in (None, call.callid)
                ),
                None,
            )
        )

    async def ringing(self) -> PhoneCall:
        return await self.until(
            lambda state: next((call for call in state.calls if call.state == "EARLY"), None)
        )

    async def idle(self) -> PhoneState:
        """Wait until the phone has no call."""
        return await self.until(lambda state: None if state.calls else state)

    async def packets(self, callid: str | None = None) -> PhoneCall:
        calls = [call for call in (await self.state()).calls if callid in (None, call.callid)]
        assert len(calls) == 1, f"{self.name} has {calls}"
        return calls[0]

    async def hears(self, callid: str | None = None, packets: int = 10) -> None:
        """Wait until so many more packets of the call have come in."""
        first = now = await self.packets(callid)
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                while (now := await self.packets(callid)).rx - first.rx < packets:
                    first = first if now.rx >= first.rx else now  # a new stream counts from 0
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"{self.name} hears too little: {first}, then {now}") from None

    async def hears_nothing(self, callid: str | None = None, during: float = 0.4) -> None:
        """Measure that no packet of the call comes in for ``during`` seconds.

        What was sent before the far end agreed may still be on its way at first.
        """
        async with asyncio.timeout(ANSWER_WITHIN):
            before = await self.packets(callid)
            while True:
                await asyncio.sleep(during)
                after = await self.packets(callid)
                if after.rx == before.rx:
                    return
                before = after

    def freeze(self) -> None:
        """Stop the program where it is: the phone answers nothing at all, not even SIP."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on, with all that has come in meanwhile."""
        os.kill(self.pid, signal.SIGCONT)

    def die(self) -> None:
        """End the program at once, without a word to anybody."""
        os.kill(self.pid, signal.SIGKILL)

    async def close(self) -> None:
        self.transport.get_pipe_transport(0).close()  # type: ignore[union-attr]  # piped
        await self.wait(within=2.0)


async def start_phone(
    name: str, *, registrar: str, domain: str, transport: str, log: Path, **options: object
) -> Phone:
    """Start a phone; it registers on its own unless ``register=False``."""
    phone = Phone(name, domain)
    settings = {
        "name": name,
        "registrar": registrar,
        "domain": domain,
        "transport": transport,
        **options,
    }
    await phone.start([sys.executable, str(PROGRAM), json.dumps(settings)], log, piped=True)
    return phone
