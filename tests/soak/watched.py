"""The daemon with a window into it: `python -m tests.soak.watched CONFIG T1 leak|tight`.

It prints where it listens, as `call-api` does. Each line on stdin is then answered by one line of
JSON that says what it holds. It lives until stdin ends.

T1 is that of its SIP timers (RFC 3261), in seconds. With ``leak`` it leaks something of everything
with each question: what looks for leaks has to find that.
"""

import asyncio
import gc
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import _lru_cache_wrapper, partial
from pathlib import Path
from typing import Any

import uvloop

from call_api.backends.base import Backend
from call_api.backends.embedded.backend import EmbeddedBackend, embedded_backend
from call_api.backends.opensips.backend import OpenSipsBackend
from call_api.backends.opensips.opening import open_backend as open_opensips
from call_api.config import Config
from call_api.daemon import Daemon, run
from call_api.logs import set_up
from call_api.settings import load
from call_api.sip.timers import Timers
from call_api.transports.websocket_server import WebSocketServer
from tests.faults.outside import descriptors, memory_kib


async def serve(config: Config, timers: Timers, leak: Callable[[], None]) -> None:
    """Serve until stdin ends, and answer questions meanwhile."""

    def open_backend(config: Config) -> AbstractAsyncContextManager[Backend]:
        if config.backend_name == "opensips":
            return open_opensips(config)
        return embedded_backend(config.embedded, timers=timers)

    await run(
        config,
        open_backend,
        beside=partial(answering, leak=leak),
        on_ready=lambda daemon: print("ready", *daemon.urls, flush=True),
    )


@asynccontextmanager
async def answering(daemon: Daemon, leak: Callable[[], None]) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        pulse = Pulse()
        task = group.create_task(answer(daemon, leak, pulse), name="window")
        try:
            yield
        finally:
            task.cancel()
            pulse.stop()


class Pulse:
    """Sees how long the loop computes before it turns to what waits, whatever else runs here.

    Attributes:
        longest: Seconds of the thread's own time between two beats, at most.
    """

    def __init__(self) -> None:
        self.longest = 0.0
        self._loop = asyncio.get_running_loop()
        self._last = time.thread_time()
        self._beat()

    def restart(self) -> None:
        """Forget what was."""
        self.longest, self._last = 0.0, time.thread_time()

    def stop(self) -> None:
        self._timer.cancel()

    def _beat(self) -> None:
        now = time.thread_time()
        self.longest, self._last = max(self.longest, now - self._last), now
        self._timer = self._loop.call_later(BEAT_EVERY, self._beat)


BEAT_EVERY = 0.02


async def answer(daemon: Daemon, leak: Callable[[], None], pulse: Pulse) -> None:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.readline():
        leak()
        longest_ms = round(pulse.longest * 1000)
        print(json.dumps({**await state(daemon), "longest_ms": longest_ms}), flush=True)
        pulse.restart()
    signal.raise_signal(signal.SIGTERM)


async def state(daemon: Daemon) -> dict[str, Any]:
    """Return what the daemon holds; ``left`` is of commands, calls and clients, by kind.

    Its caches are emptied first: they are bounded, but it takes a while until they are full.
    """
    for cached in [one for one in gc.get_objects() if isinstance(one, _lru_cache_wrapper)]:
        cached.cache_clear()
    gc.collect()
    return {
        "tasks": len(asyncio.all_tasks()),
        "descriptors": descriptors(),
        "objects": len(gc.get_objects()),
        "memory_kib": memory_kib(),
        "left": {
            "running": daemon.runner.running,
            "kept": len(await daemon.journal.commands(None)),
            "connections": sum(len(one._connections) for one in servers(daemon)),
            **left_in(daemon.backend),
        },
    }


def servers(daemon: Daemon) -> list[WebSocketServer]:
    return [one for one in daemon.listeners if isinstance(one, WebSocketServer)]


def left_in(backend: Backend) -> dict[str, int]:
    if isinstance(backend, EmbeddedBackend):
        board = backend._board
        return {
            "calls": len(board.calls),
            "legs": len(board.calls.all_legs()),
            "operations": len(board._running),
            "transactions": board.agent.transactions,
        }
    assert isinstance(backend, OpenSipsBackend)
    shared = backend._shared
    return {
        "listeners": len(shared.table),
        "requests": sum(client.waiting for client in shared.proxies.clients),
        "cleaning up": shared.keeper.finishing,
        "claims": len(shared.changing),
        "first legs": len(shared.starting),
    }


_leaked: list[object] = []


def leak() -> None:
    """Let tasks, descriptors, objects and memory grow."""
    loop = asyncio.get_running_loop()
    _leaked.append(loop.create_task(asyncio.Event().wait(), name="leaked"))
    _leaked.append(os.dup(sys.stdin.fileno()))
    _leaked.extend([number] for number in range(20_000))
    _leaked.append(os.urandom(8_000_000))


def tight() -> None:
    """Leak nothing."""


def main() -> None:
    path, timer, does_leak = sys.argv[1:]
    config = load(Config, Path(path)).config
    set_up(config.log)
    uvloop.run(serve(config, Timers(t1=float(timer)), leak if does_leak == "leak" else tight))


if __name__ == "__main__":
    main()
