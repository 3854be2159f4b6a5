"""A network that loses datagrams, between one program and the daemon.

    python -m bench.lossy_relay PORT LOSS SEED

Prints the port at which it stands for ``127.0.0.1:PORT``, and relays what one peer sends there, and
what is answered, but for the share ``LOSS`` of it in either direction. Ends with its stdin.
"""

import asyncio
import random
import sys
from typing import TypeAlias, cast

Address: TypeAlias = tuple[str, int]

HOST = "127.0.0.1"


class Way(asyncio.DatagramProtocol):
    """One direction: what comes in here goes out there, most of the time.

    Attributes:
        peer: Who sent last.
        onward: The socket it goes out by, and to whom; None: to whom that socket is connected.
    """

    def __init__(self, loss: float, chance: random.Random) -> None:
        self.peer: Address | None = None
        self.transport: asyncio.DatagramTransport | None = None
        self.onward: Way | None = None
        self._loss = loss
        self._chance = chance

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)  # uvloop's is no subclass

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self.peer = addr
        if self._chance.random() >= self._loss and self.onward is not None:
            self.onward.send(data)

    def error_received(self, exc: Exception) -> None:
        """Let it be: a program at one of the ends is gone."""

    def send(self, data: bytes) -> None:
        assert self.transport is not None
        if self.peer is not None:
            self.transport.sendto(data, self.peer)


async def main() -> None:
    port, loss, seed = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    chance = random.Random(seed)
    loop = asyncio.get_running_loop()
    here, there = Way(loss, chance), Way(loss, chance)
    here.onward, there.onward = there, here
    there.peer = (HOST, port)
    await loop.create_datagram_endpoint(lambda: there, local_addr=(HOST, 0))
    await loop.create_datagram_endpoint(lambda: here, local_addr=(HOST, 0))
    assert here.transport is not None
    print(here.transport.get_extra_info("sockname")[1], flush=True)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()


if __name__ == "__main__":
    asyncio.run(main())
