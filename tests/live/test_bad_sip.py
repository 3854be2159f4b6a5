"""Bad SIP gets a 4xx or nothing: never a traceback, never a dead daemon."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from tests.live.calls import start, talk
from tests.live.client import Client
from tests.live.daemon import Daemon
from tests.live.phones import Phone

INVITE = (
    b"INVITE sip:nobody@localhost SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 127.0.0.1:5099;branch=z9hG4bK%(n)d;rport\r\n"
    b"Max-Forwards: 70\r\n"
    b"From: <sip:eve@localhost>;tag=%(n)d\r\n"
    b"To: <sip:nobody@localhost>\r\n"
    b"Call-ID: eve-%(n)d\r\n"
    b"CSeq: 1 INVITE\r\n"
    b"Contact: <sip:eve@127.0.0.1:5099>\r\n"
    b"Content-Length: 0\r\n"
    b"\r\n"
)
NUMBERS = itertools.count(5000)
BREAKS = [  # what to replace in a good message, and by what
    (b"Via: SIP/2.0/UDP", b"Via: SIP/9/X"),
    (b"127.0.0.1:5099;branch", b"127.0.0.1:99999;branch"),
    (b"127.0.0.1:5099;branch", b"[::1;branch"),
    (b"CSeq: 1 INVITE", b"CSeq: 1 BYE"),
    (b"CSeq: 1 INVITE", b"CSeq: 99999999999999999999 INVITE"),
    (b"CSeq: 1 INVITE", b"CSeq: one INVITE"),
    (b"CSeq: 1 INVITE\r\n", b""),
    (b"Call-ID: ", b"Call-ID: \xff\xfe\x00"),
    (b"To: <sip:nobody@localhost>", b"To: <sip:nobody@"),
    (b"From: <sip:eve@localhost>", b'From: "eve <sip:eve@localhost>'),
    (b"From: ", b"From "),
    (b"Contact: <", b"Contact: <<"),
    (b"sip:nobody@localhost SIP/2.0", b"sip:nobody@localhost%0d%0aX: y SIP/2.0"),
    (b"sip:nobody@localhost SIP/2.0", b"mailto:bob@localhost SIP/2.0"),
    (b"SIP/2.0\r\nVia", b"SIP/3.0\r\nVia"),
    (b"INVITE sip", b"INVITE  sip"),
    (b"Content-Length: 0", b"Content-Length: -1"),
    (b"Content-Length: 0", b"Content-Length: 70000"),
    (b"Max-Forwards: 70", b"Max-Forwards: x"),
    (b"Max-Forwards: 70", b"Max-Forwards: 0"),
    (b"Content-Length: 0", b"Require: teleport\r\nContent-Length: 0"),
    (b"Content-Length: 0", b"Replaces: x;to-tag=\r\nContent-Length: 0"),
    (
        b"Content-Length: 0\r\n\r\n",
        b"Content-Type: application/sdp\r\nContent-Length: 3\r\n\r\nv=0",
    ),
    (b"INVITE", b"ACK"),
    (b"INVITE", b"BYE"),
    (b"INVITE", b"CANCEL"),
    (b"INVITE", b"REFER"),
    (b"INVITE", b"TELEPORT"),
]


def broken() -> Iterator[bytes]:
    """Messages that are wrong in one place, then in several, then all over."""
    chance = random.Random(4475)
    for number, (good, bad) in enumerate(BREAKS):
        yield (INVITE % {b"n": number}).replace(good, bad)
    for number in range(100, 400):
        message = bytearray(INVITE % {b"n": number})
        for _ in range(chance.choice([1, 3, 30])):
            message[chance.randrange(len(message))] = chance.randrange(256)
        yield bytes(message[: chance.randrange(len(message))] if chance.random() < 0.3 else message)
    for _ in range(100):
        yield chance.randbytes(chance.randrange(1500))
    yield b""
    yield b"\r\n\r\n"
    yield b"\x00" * 65000
    yield b"SIP/2.0 200 OK\r\n\r\n"
    yield (INVITE % {b"n": 999}).replace(b"Contact: ", b"X: " + b"y" * 60000 + b"\r\nContact: ")


class Ear(asyncio.DatagramProtocol):
    """Keeps what is answered."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.heard.append(data)


@asynccontextmanager
async def udp_to(address: tuple[str, int]) -> AsyncIterator[tuple[asyncio.DatagramTransport, Ear]]:
    loop = asyncio.get_running_loop()
    transport, ear = await loop.create_datagram_endpoint(Ear, remote_addr=address)
    try:
        yield transport, ear
    finally:
        transport.close()


async def is_alive(address: tuple[str, int]) -> None:
    """Get an answer to a good request."""
    async with udp_to(address) as (transport, ear):
        options = (INVITE % {b"n": next(NUMBERS)}).replace(b"INVITE", b"OPTIONS")
        async with asyncio.timeout(5.0):
            while not ear.heard:
                transport.sendto(options)
                await asyncio.sleep(0.05)
    assert ear.heard[0].startswith(b"SIP/2.0 ")


async def test_bad_datagrams_get_a_refusal_or_nothing_and_calls_go_on(
    daemon: Daemon, v2: Client, alice: Phone, bob: Phone
) -> None:
    callid = await start(v2, alice, bob)

    async with udp_to(daemon.sip_address) as (transport, ear):
        for number, message in enumerate(broken()):
            transport.sendto(message)
            if number % 50 == 0:
                await is_alive(daemon.sip_address)
        await is_alive(daemon.sip_address)

    answered = {data[:11] for data in ear.heard}
    assert answered <= {b"SIP/2.0 100", *(b"SIP/2.0 %d" % status for status in range(400, 607))}
    assert len([data for data in ear.heard if data.startswith(b"SIP/2.0 4")]) > 10
    assert daemon.complaints() == []
    await talk(alice, bob)
    await v2.run("CallEnd", {"callid": callid})


async def test_bad_streams_are_refused_or_closed_and_calls_go_on(
    daemon: Daemon, v2: Client, phones: dict[str, Phone]
) -> None:
    callid = await start(v2, phones["tina"], phones["tom"])

    for message in broken():
        reader, writer = await asyncio.open_connection(*daemon.sip_address)
        writer.write(message)
        writer.write_eof()
        async with asyncio.timeout(10.0):
            answer = await reader.read()
        assert not answer or answer[:9] in {b"SIP/2.0 1", b"SIP/2.0 4", b"SIP/2.0 5", b"\r\n"}
        writer.close()

    await is_alive(daemon.sip_address)
    assert daemon.complaints() == []
    await talk(phones["tina"], phones["tom"])
    await v2.run("CallEnd", {"callid": callid})


async def test_a_stream_that_never_ends_a_message_is_bounded(daemon: Daemon) -> None:
    _, writer = await asyncio.open_connection(*daemon.sip_address)
    closed = False
    try:
        async with asyncio.timeout(10.0):
            for _ in range(400):
                writer.write(b"X-Endless: " + b"y" * 65000)
                await writer.drain()
    except OSError:
        closed = True
    writer.close()

    assert closed
    await is_alive(daemon.sip_address)


@pytest.mark.parametrize(
    "uri",
    [
        "sip:bob@localhost\r\nX: y",
        "sip:bob@localhost>",
        "sip:bob@localhost?Replaces=x",
        "sip:bob @localhost",
        "tel:123",
        "sip:",
        "",
        "sip:b\u00f6b@localhost\x00",
    ],
)
async def test_a_client_can_put_nothing_into_a_message_but_a_uri(
    v2: Client, alice: Phone, uri: str
) -> None:
    answer = await v2.answer("CallStart", {"caller": alice.uri, "callee": uri})

    assert answer["error"]["code"] == -32602
    assert answer["error"]["data"]["param"] == "callee"
    assert (await alice.state()).endings == []
