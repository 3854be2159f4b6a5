"""What is on the far side of a daemon that dies: phones, or a proxy. It outlives the daemon.

    python -m tests.faults.far_side phones PORT     phones of the daemon that takes SIP there
    python -m tests.faults.far_side proxy           a scripted OpenSIPS; says where it takes MI

A line on stdin is answered by a line of JSON: ``register`` has the phones register, ``report``
tells what was begun how often and what is left of it, ``clear`` ends all of that. Ends with stdin.
"""

import asyncio
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

from bench.far_phones import FarPhones
from tests.fakes.opensips.manners import Manner
from tests.fakes.proxy import FakeProxy

USERS = 48
"""Phones; of an embedded back end there are ``u0``, ``u1`` and so on."""

RINGS_FOR = 0.25  # seconds, at most


class Phones(FarPhones):
    """Phones that ring for a while before they answer, and know who called them.

    Attributes:
        begun: Calls that were begun, by user: each of them has a Call-ID.
        ringing: INVITEs that are not answered yet, by Call-ID.
        up: Call-IDs of calls that were answered and not ended.
    """

    def __init__(self) -> None:
        super().__init__(USERS)
        self.begun: dict[str, set[bytes]] = {}
        self.ringing: dict[bytes, bytes] = {}
        self.up: set[bytes] = set()

    def datagram_received(self, data: bytes, addr: object) -> None:
        if data.startswith(b"SIP/2.0 "):
            self.answered(data)
            return
        method, uri, _ = data.split(b" ", 2)
        callid = _header(data, b"call-id")
        is_first = b";tag=" not in _header(data, b"to")
        if method == b"INVITE" and is_first:
            self._ring(uri, callid, data)
            return
        if method == b"CANCEL" and (invite := self.ringing.pop(callid, None)):
            self._send(self.answer(method, uri, data))
            self._send(self.answer(b"", uri, invite).replace(b"200 OK", b"487 Cancelled", 1))
            return
        if method == b"BYE":
            self.up.discard(callid)
        super().datagram_received(data, addr)

    def _ring(self, uri: bytes, callid: bytes, invite: bytes) -> None:
        user = uri.partition(b":")[2].partition(b"@")[0].decode()
        calls = self.begun.setdefault(user, set())
        if callid in calls:
            return  # the same once more
        calls.add(callid)
        self.ringing[callid] = invite
        self._send(self.answer(b"", uri, invite).replace(b"200 OK", b"180 Ringing", 1))
        delay = random.uniform(0.01, RINGS_FOR)
        asyncio.get_running_loop().call_later(delay, self._answer, uri, callid)

    def _answer(self, uri: bytes, callid: bytes) -> None:
        invite = self.ringing.pop(callid, None)
        if invite is not None:
            self.up.add(callid)
            self._send(self.answer(b"INVITE", uri, invite))

    def _send(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.sendto(data)

    async def registering(self) -> dict[str, Any]:
        self.missing, self.registered = set(range(USERS)), asyncio.Event()
        async with asyncio.timeout(30.0):
            while not self.registered.is_set():
                self.register()
                await asyncio.sleep(0.05)
        return {}

    def report(self) -> dict[str, Any]:
        begun = {user: len(calls) for user, calls in self.begun.items()}
        return {"begun": begun, "ringing": len(self.ringing), "half_made": 0, "up": len(self.up)}

    def clear(self) -> dict[str, Any]:
        self.begun.clear()
        self.ringing.clear()
        self.up.clear()
        return {}


def _header(data: bytes, name: bytes) -> bytes:
    found = re.search(rb"^" + name + rb": *([^\r]*)", data, re.MULTILINE | re.IGNORECASE)
    return found[1] if found else b""


class Proxy:
    """A scripted OpenSIPS whose phones ring for a while."""

    BEGIN = ("t_uac_dlg", "call_transfer", "call_hold", "call_unhold", "dlg_send_sequential")

    def __init__(self, proxy: FakeProxy) -> None:
        self._proxy = proxy

    async def registering(self) -> dict[str, Any]:
        return {}

    def report(self) -> dict[str, Any]:
        begun: Counter[str] = Counter()
        for asked in self._proxy.asked:
            params = asked.params
            if asked.method in self.BEGIN and params.get("method") != "BYE":
                begun[f"{asked.method} {params.get('ruri') or params['callid']}"] += 1
        live = self._proxy.switch.live
        return {
            "begun": begun,
            "ringing": sum(dialog.state < 3 for dialog in live),
            "half_made": sum(dialog.is_first_leg for dialog in live),
            "up": sum(dialog.state >= 3 for dialog in live),
        }

    def clear(self) -> dict[str, Any]:
        self._proxy.asked.clear()
        for dialog in tuple(self._proxy.switch.live):
            self._proxy.switch.hang_up(dialog.callid)
        for number in range(USERS):
            rings_for = random.uniform(0.01, RINGS_FOR)
            self._proxy.switch.phones[f"u{number}"] = Manner(rings_for=rings_for)
        return {}


async def serve(far: Phones | Proxy) -> None:
    """Answer line by line, until there are no more."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    answers: dict[str, Callable[[], dict[str, Any]]] = {"report": far.report, "clear": far.clear}
    while line := (await reader.readline()).decode().strip():
        answer = await far.registering() if line == "register" else answers[line]()
        print(json.dumps(answer), flush=True)


async def main() -> None:
    if sys.argv[1] == "proxy":
        async with FakeProxy() as proxy:
            far = Proxy(proxy)
            far.clear()
            print(proxy.mi_url, flush=True)
            await serve(far)
        return
    loop = asyncio.get_running_loop()
    _, protocol = await loop.create_datagram_endpoint(
        Phones, remote_addr=("127.0.0.1", int(sys.argv[2]))
    )
    print("", flush=True)
    await serve(protocol)


if __name__ == "__main__":
    asyncio.run(main())
