"""Ten thousand clients at once, and thousands that come and go; what they cost.

python -m tests.faults.many_connections [--clients 10000] [--changes 20000]
"""

import argparse
import asyncio
import resource
import socket
import statistics
import sys
import time

from tests.faults.outside import Outside, daemon
from tests.faults.sockets import open_websocket, reset
from tests.wire.api import JsonClient
from tests.wire.raw_client import TEXT, frame

QUESTION = frame(TEXT, b'{"jsonrpc":"2.0","id":1,"method":"CommandStatus","params":{"cmd_id":"x"}}')
SPARE = 200
"""Descriptors that are needed besides."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="many_connections")
    parser.add_argument("--clients", type=int, default=10_000, help="at the same time")
    parser.add_argument("--changes", type=int, default=20_000, help="that come and go")
    asked = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most < asked.clients + SPARE:
        sys.exit(f"many_connections: only {most} descriptors are allowed here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # the daemon inherits it
    with daemon(CALL_API_LOG_LEVEL="WARN", **UNLIMITED) as outside:
        for _ in range(2):  # the memory that the first round needed serves the second
            asyncio.run(at_once(outside, asked.clients))
        asyncio.run(come_and_go(outside, asked.changes))


UNLIMITED = {
    "CALL_API_WS_SERVER_MAX_CONNECTIONS": "1000000",
    "CALL_API_WS_SERVER_PING_EVERY": "86400",  # nobody here answers pings
}


async def at_once(outside: Outside, count: int) -> None:
    """Open so many, ask with each of them, have a command run meanwhile, and let them go."""
    before, cpu, began = outside.memory_kib, outside.cpu_seconds, time.monotonic()
    clients = [open_websocket(outside.address) for _ in range(count)]
    tell("clients at once", len(clients))
    tell("opened a second", round(count / (time.monotonic() - began)))
    tell("CPU to open one, us", round((outside.cpu_seconds - cpu) / count * 1e6))
    tell("memory of one, KiB", round((outside.memory_kib - before) / count, 2))
    tell("latency of an Echo among them, ms", await latency(outside))
    began = time.monotonic()
    for client in clients:
        client.sendall(QUESTION)
    for client in clients:
        assert b"-32005" in answer(client)
    tell("all asked and answered, a second", round(count / (time.monotonic() - began)))
    began = time.monotonic()
    for client in clients:
        reset(client)
    await outside.has_let_go()
    tell("seconds until all were let go", round(time.monotonic() - began, 2))
    tell("memory left over, KiB", outside.memory_kib - before)
    await outside.still_serves()


async def come_and_go(outside: Outside, count: int) -> None:
    """Open and reset so many, 100 at a time; the first fifth warms up."""
    await turn_over(outside, count // 5)
    before, began = outside.memory_kib, time.monotonic()
    await turn_over(outside, count)
    tell("came and went", count)
    tell("a second", round(count / (time.monotonic() - began)))
    tell("memory left over, KiB", outside.memory_kib - before)
    await outside.still_serves()


async def turn_over(outside: Outside, count: int) -> None:
    for _ in range(count // 100):
        for client in [open_websocket(outside.address) for _ in range(100)]:
            reset(client)
    await outside.has_let_go()


async def latency(outside: Outside) -> float:
    """Return the median of 200 commands, one after the other, in milliseconds."""
    took = []
    async with await JsonClient.open(outside.address) as client:
        for _ in range(200):
            began = time.perf_counter()
            await client.story("Echo")
            took.append(time.perf_counter() - began)
    return round(statistics.median(took) * 1000, 2)


def answer(client: socket.socket) -> bytes:
    """Return one text frame of at most 64 KiB."""
    head = client.recv(2, socket.MSG_WAITALL)
    size = head[1]
    if size == 126:
        size = int.from_bytes(client.recv(2, socket.MSG_WAITALL))
    return client.recv(size, socket.MSG_WAITALL)


def tell(what: str, value: object) -> None:
    print(f"{what:<36}{value:>10}", flush=True)


if __name__ == "__main__":
    main()
