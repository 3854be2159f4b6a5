import asyncio
import socket
from typing import TypeVar

import pytest

from call_api.transports.mi_udp import open_mi_udp

T = TypeVar("T")


class Told:
    """What the channel has told."""

    def __init__(self) -> None:
        self.answers: asyncio.Queue[bytes] = asyncio.Queue()
        self.failures: asyncio.Queue[tuple[int | None, str]] = asyncio.Queue()

    def fail(self, request_id: int | None, reason: str) -> None:
        self.failures.put_nowait((request_id, reason))


async def soon(queue: asyncio.Queue[T]) -> T:
    async with asyncio.timeout(5):
        return await queue.get()


async def test_requests_and_answers_are_datagrams() -> None:
    told = Told()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as proxy:
        proxy.setblocking(False)
        proxy.bind(("127.0.0.1", 0))
        channel = await open_mi_udp(
            "127.0.0.1", proxy.getsockname()[1], told.answers.put_nowait, told.fail
        )
        channel.send(1, b"request")
        async with asyncio.timeout(5):
            data, address = await asyncio.get_running_loop().sock_recvfrom(proxy, 100)
        proxy.sendto(b"answer", address)
        answer = await soon(told.answers)
        channel.forget(1)
        channel.close()

    assert (data, answer) == (b"request", b"answer")
    assert (channel.local_host, channel.peer_host) == ("127.0.0.1", "127.0.0.1")


async def test_a_proxy_that_is_gone_fails_all_requests() -> None:
    told = Told()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
    channel = await open_mi_udp("127.0.0.1", port, told.answers.put_nowait, told.fail)
    channel.send(1, b"request")

    assert await soon(told.failures) == (None, "Connection refused")
    channel.close()


async def test_a_host_that_does_not_exist_is_said_so() -> None:
    told = Told()
    with pytest.raises(OSError, match=r".+"):
        await open_mi_udp("no-such-host.invalid", 9, told.answers.put_nowait, told.fail)


async def test_an_address_without_a_way_to_it_is_said_so() -> None:
    told = Told()
    with pytest.raises(OSError, match=r".+"):
        # A datagram socket may not connect to a broadcast address unasked.
        await open_mi_udp("255.255.255.255", 9, told.answers.put_nowait, told.fail)
