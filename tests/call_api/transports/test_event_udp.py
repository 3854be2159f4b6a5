import asyncio
import logging
import socket

import pytest

from call_api.transports.event_udp import open_event_udp, plain_host

Told = asyncio.Queue[bytes]


async def next_of(told: Told) -> bytes:
    async with asyncio.timeout(5):
        return await told.get()


def send(data: bytes, port: int, source: str = "127.0.0.1", to: str = "127.0.0.1") -> None:
    family = socket.AF_INET6 if ":" in to else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.bind((source, 0))
        sock.sendto(data, (to, port))


@pytest.mark.parametrize("host", ["127.0.0.1", ""])
async def test_datagrams_of_the_proxies_come_in(host: str) -> None:
    told: Told = asyncio.Queue()
    events = open_event_udp(host, 0, {"127.0.0.1"}, told.put_nowait)
    send(b"one", events.port)
    send(b"two", events.port)

    assert [await next_of(told), await next_of(told)] == [b"one", b"two"]
    events.close()


async def test_datagrams_from_elsewhere_are_dropped_and_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    told: Told = asyncio.Queue()
    events = open_event_udp("127.0.0.1", 0, {"127.0.0.1"}, told.put_nowait)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            send(b"evil", events.port, source="127.0.0.2")
        send(b"good", events.port)
        assert await next_of(told) == b"good"
    events.close()

    assert events.dropped == 3
    assert [record.getMessage() for record in caplog.records] == [
        "an event from 127.0.0.2, which is no proxy, is dropped"
    ]


async def test_strangers_on_ipv6_are_dropped_and_counted_too() -> None:
    told: Told = asyncio.Queue()
    senders = {"::2"}
    events = open_event_udp("::1", 0, senders, told.put_nowait)
    send(b"evil", events.port, source="::1", to="::1")
    for _ in range(3):  # turns, in which the loop looks at its sockets
        await asyncio.sleep(0)
    senders.add("::1")
    send(b"good", events.port, source="::1", to="::1")

    assert await next_of(told) == b"good"
    assert events.dropped == 1
    events.close()


async def test_a_proxy_may_be_known_later() -> None:
    told: Told = asyncio.Queue()
    senders: set[str] = set()
    events = open_event_udp("127.0.0.1", 0, senders, told.put_nowait)
    senders.add("127.0.0.2")
    send(b"good", events.port, source="127.0.0.2")

    assert await next_of(told) == b"good"
    events.close()


async def test_many_datagrams_at_once_all_come_in() -> None:
    told: Told = asyncio.Queue()
    events = open_event_udp("127.0.0.1", 0, {"127.0.0.1"}, told.put_nowait)
    for number in range(200):
        send(b"%d" % number, events.port)

    assert [await next_of(told) for _ in range(200)] == [b"%d" % n for n in range(200)]
    events.close()


async def test_a_port_that_is_taken_is_said_so() -> None:
    first = open_event_udp("127.0.0.1", 0, set(), lambda _: None)
    with pytest.raises(OSError, match="in use"):
        open_event_udp("127.0.0.1", first.port, set(), lambda _: None)
    first.close()


def test_an_address_of_ipv4_inside_ipv6_is_one_of_ipv4() -> None:
    assert plain_host("::ffff:10.0.0.1") == "10.0.0.1"
    assert plain_host("::1") == "::1"
