"""Clients that vanish, freeze, dawdle or do not read."""

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.faults.outside import Outside, daemon, until
from tests.faults.sockets import open_websocket, reset
from tests.wire.api import ALICE, BOB, JsonClient
from tests.wire.raw_client import PING, TEXT, frame

PING_EVERY, SILENT_FOR = 0.3, 0.6
NOT_READING = 2


@pytest.fixture(scope="module")
def outside() -> Iterator[Outside]:
    with daemon(
        CALL_API_WS_SERVER_PING_EVERY=str(PING_EVERY),
        CALL_API_WS_SERVER_SILENT_FOR=str(SILENT_FOR),
    ) as outside:
        yield outside


def request(method: str, **params: object) -> bytes:
    text = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    return frame(TEXT, text.encode())


async def all_have_ended(outside: Outside, cmd_ids: set[str]) -> None:
    """Fail unless each of these commands has run, and ended once."""
    async with await JsonClient.open(outside.address, "/call-api/v2") as client:
        for cmd_id in sorted(cmd_ids):
            attached = await client.answer("CommandAttach", {"cmd_id": cmd_id})
            assert attached["result"]["cmd_id"] == cmd_id
            told = [await client.json()]
            while told[-1]["params"]["event"] != "Ended":
                told.append(await client.json())
            assert [one["params"]["seq"] for one in told] == list(range(1, len(told) + 1))


@pytest.mark.parametrize("how", ["reset", "closed", "half closed"])
async def test_a_client_that_vanishes_ends_no_command(outside: Outside, how: str) -> None:
    with ExitStack() as stack:
        cmd_ids = set()
        for number in range(8):
            client = open_websocket(outside.address)
            ids = [f"{how} {number} {kind}".replace(" ", "-") for kind in ("echo", "start")]
            client.sendall(
                request("Echo", cmd_id=ids[0], x="y" * 1000)
                + request("CallStart", cmd_id=ids[1], caller=ALICE, callee=BOB)
            )
            cmd_ids.update(ids)
            if how == "half closed":
                client.shutdown(socket.SHUT_WR)
                stack.enter_context(client)
            await heard(outside, ids[1])
            (reset if how == "reset" else socket.socket.close)(client)
        await all_have_ended(outside, cmd_ids)
    await outside.has_let_go()


async def heard(outside: Outside, cmd_id: str) -> None:
    """Wait until the daemon has read what was sent: a reset takes along what it has not."""
    await until(lambda: f"[{cmd_id}]" in outside.log.read_text("utf-8"))


async def test_a_client_that_freezes_is_dropped_in_time(outside: Outside) -> None:
    with open_websocket(outside.address) as frozen:
        began = time.monotonic()
        await outside.has_let_go()
        assert PING_EVERY + SILENT_FOR - 0.1 < time.monotonic() - began < 3.0
        ping = frame(PING, masked=False)
        assert frozen.recv(100) in (ping, ping * 2, ping * 3)
    await outside.still_serves()


async def test_a_client_that_never_ends_its_frame_is_dropped_in_time(outside: Outside) -> None:
    with open_websocket(outside.address) as slow:
        began = time.monotonic()
        try:
            for byte in request("Echo", x="y" * 1000):
                slow.sendall(bytes([byte]))
                await asyncio.sleep(0.02)
        except ConnectionError:
            pass
        else:
            raise AssertionError("it was not dropped")
        assert time.monotonic() - began < 3.0
    await outside.has_let_go()


async def test_a_client_that_does_not_read_is_turned_away_and_costs_little() -> None:
    limits = {"CALL_API_WS_SERVER_SILENT_FOR": "0.5", "CALL_API_WS_SERVER_MAX_QUEUE": "65536"}
    with daemon(CALL_API_COMMANDS_KEEP="10", **limits) as outside, ExitStack() as stack:
        before = outside.memory_kib
        for _ in range(NOT_READING):
            flood(stack.enter_context(open_websocket(outside.address, buffers=65536)))
        await until(lambda: outside.log.read_text("utf-8").count("does not read") == NOT_READING)
        assert outside.memory_kib - before < 20_000, "each has asked for 60 MB"
        await outside.has_let_go()
        await outside.still_serves()


def flood(client: socket.socket) -> None:
    """Ask for large answers until nobody listens any more."""
    client.settimeout(0.2)
    try:
        for _ in range(1000):
            client.sendall(request("Echo", x="y" * 60_000))
    except OSError:
        return
    raise AssertionError("the daemon read all of it")
