"""Clients that come and go by the thousand."""

from collections.abc import Iterator

import pytest

from tests.faults.outside import Outside, daemon, until
from tests.faults.sockets import connect, open_websocket, reset
from tests.wire.raw_client import CLOSE, frame

AT_ONCE = 50
GOODBYE = (1000).to_bytes(2)


@pytest.fixture(scope="module")
def outside() -> Iterator[Outside]:
    with daemon(CALL_API_LOG_LEVEL="WARN") as outside:
        yield outside


@pytest.mark.parametrize("how", ["goodbye", "reset", "no handshake"])
async def test_a_thousand_that_come_and_go_leave_nothing(outside: Outside, how: str) -> None:
    come_and_go(outside.address, how, 500)
    await outside.has_let_go()
    before = outside.memory_kib
    come_and_go(outside.address, how, 1000)
    await outside.has_let_go()
    assert outside.memory_kib - before < 2 * 1000, "2 KiB a connection: something of it is left"
    await outside.still_serves()


async def test_when_a_crowd_has_gone_its_memory_is_given_back() -> None:
    with daemon() as outside:
        for client in [open_websocket(outside.address) for _ in range(600)]:
            reset(client)
        await until(lambda: "600 clients have gone: " in outside.log.read_text())
        await outside.still_serves()


def come_and_go(address: tuple[str, int], how: str, count: int) -> None:
    for _ in range(count // AT_ONCE):
        opening = connect if how == "no handshake" else open_websocket
        clients = [opening(address) for _ in range(AT_ONCE)]
        for client in clients:
            if how == "goodbye":
                client.sendall(frame(CLOSE, GOODBYE))
                assert client.recv(4) == frame(CLOSE, GOODBYE, masked=False)
            if how == "reset":
                reset(client)
            client.close()
