"""A scripted OpenSIPS on loopback: MI and events by UDP, dialogs, and phones behind it.

It answers as OpenSIPS 4.1 does, word by word, and on order it loses, doubles and delays what it
gets and sends, is started anew, dies, and has phones that are busy, absent, silent or odd. Given
a tape, it behaves as it once was recorded.
"""

import asyncio
import random
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Self

from tests.fakes.opensips.commands import Commands
from tests.fakes.opensips.mi_text import NO_ID, Asked, Killed, MiRefusal, answer, read, text
from tests.fakes.opensips.steps import Answer
from tests.fakes.opensips.switch import Switch
from tests.fakes.opensips.trouble import Rule, Trouble

_MAX = 65536 * 2


class FakeProxy:
    """One OpenSIPS. Entered: it runs; left: nothing of it is left.

    Args:
        path: Of a Unix socket to take MI requests on, instead of UDP.
        version: ``4.1`` or a 3.x: what commands take and answer differs.

    Attributes:
        switch: Its calls and phones.
        trouble: What happens to datagrams.
        asked: Every request that it got, in order.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        path: Path | None = None,
        version: str = "4.1.0-dev",
        trouble: Trouble | None = None,
    ) -> None:
        self.trouble = trouble or Trouble(seed=seed)
        self.asked: list[Asked] = []
        self._loop = asyncio.get_running_loop()
        self._path = path
        self.switch = Switch(random.Random(seed), self._send_event, version=version)
        self._commands = Commands(self.switch)
        self._events = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._streams: dict[tuple[str, int], socket.socket] = {}
        self._timers: set[asyncio.TimerHandle] = set()
        self._mi: socket.socket | None = None
        self._port = 0

    @property
    def mi_url(self) -> str:
        """Where it takes MI requests, as the setting has it."""
        return f"unix:{self._path}" if self._path else f"udp:127.0.0.1:{self._port}"

    @property
    def port(self) -> int:
        """The UDP port that it takes MI requests on."""
        return self._port

    @property
    def now(self) -> float:
        """The time of day, on the loop's clock."""
        return self._loop.time()

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._mi is not None

    async def __aenter__(self) -> Self:
        self.revive()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.die()
        self._events.close()

    def die(self) -> None:
        """Stop at once: calls, subscriptions, what was asked and not answered, all is lost."""
        self.switch.restart()
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        for stream in self._streams.values():
            stream.close()
        self._streams.clear()
        if self._mi is not None:
            self._loop.remove_reader(self._mi)
            self._mi.close()
            self._mi = None

    def revive(self) -> None:
        """Start (again), at the same address."""
        if self._path is None:
            self._mi = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._mi.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            self._mi.bind(("127.0.0.1", self._port))
            self._port = self._mi.getsockname()[1]
        else:
            self._path.unlink(missing_ok=True)
            self._mi = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._mi.bind(str(self._path))
        self._mi.setblocking(False)
        self._loop.add_reader(self._mi, self._readable)

    def restart(self) -> None:
        """Be started anew."""
        self.die()
        self.revive()

    def order(self, rule: Rule) -> None:
        """Have something happen to the next datagrams of a kind."""
        self.trouble.order(rule)

    def asked_of(self, *methods: str) -> list[dict[str, Any]]:
        """Return the parameters of all requests for these methods."""
        return [one.params for one in self.asked if one.method in methods]

    def take(self, data: bytes, respond: Callable[[bytes], None]) -> None:
        """Take one request, from wherever it came; ``respond`` is called now, later or never."""
        try:
            asked = read(data, arrays_kill=self.switch.version.startswith("4"))
        except Killed:
            self.die()
            return
        if isinstance(asked, bytes):
            respond(asked)
            return
        for delay in self.trouble.deliveries("request", asked.method):
            self._later(delay, partial(self._carry_out, asked, respond))

    def _readable(self) -> None:
        while self._mi is not None:
            try:
                data, peer = self._mi.recvfrom(_MAX)
            except (BlockingIOError, ConnectionError):
                return
            self.take(data, partial(self._respond, peer))

    def _respond(self, peer: Any, data: bytes) -> None:
        if self._mi is None:
            return
        try:
            self._mi.sendto(data, peer)
        except OSError:  # nobody is there any more
            return

    def _carry_out(self, asked: Asked, respond: Callable[[bytes], None]) -> None:
        self.asked.append(asked)

        def tell(told: Answer) -> None:
            if asked.id is not NO_ID:
                data = answer(asked.id, told.body)
                for delay in self.trouble.deliveries("reply", asked.method):
                    self._later(delay, partial(respond, data))

        try:
            self._commands.run(asked.method, asked.params, tell)
        except MiRefusal as refusal:
            tell(Answer({"error": refusal.body}))

    def _send_event(self, name: str, params: dict[str, Any]) -> None:
        data = text({"jsonrpc": "2.0", "method": name, "params": params})
        for kind, host, port in self.switch.subscriptions.sockets(name, self._loop.time()):
            deliver = self._stream if kind == "tcp" else self._datagram
            for delay in self.trouble.deliveries("event", name):
                self._later(delay, partial(deliver, data, (host, port)))

    def _datagram(self, data: bytes, peer: tuple[str, int]) -> None:
        try:
            self._events.sendto(data, peer)
        except OSError:  # nobody is there any more
            return

    def _stream(self, data: bytes, peer: tuple[str, int]) -> None:
        try:
            if peer not in self._streams:
                self._streams[peer] = socket.create_connection(peer, timeout=1.0)
            self._streams[peer].sendall(data)
        except OSError:
            self._streams.pop(peer, None)

    def _later(self, delay: float, do: Callable[[], None]) -> None:
        if not delay:
            do()
            return

        def due() -> None:
            self._timers.discard(timer)
            do()

        timer = self._loop.call_later(delay, due)
        self._timers.add(timer)
