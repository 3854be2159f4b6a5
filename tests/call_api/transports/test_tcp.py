"""TCP connections of SIP, from both sides, over loopback."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import pytest

from call_api.sip.flow import Flow
from call_api.sip.parser import BadMessage
from call_api.transports.sip_endpoint import SipEndpoint, sip_endpoint
from call_api.transports.tcp import TcpFlow, TcpLimits
from tests.fakes.inbox import Inbox
from tests.fakes.sip_messages import make_request

MESSAGE = make_request("OPTIONS").encode()
LIMIT = 10.0  # seconds that a test waits for what is bound to happen


class Site:
    """An endpoint, and all that it told."""

    def __init__(self) -> None:
        self.inbox = Inbox()
        self.lost: asyncio.Queue[Flow] = asyncio.Queue()
        self.broken: asyncio.Queue[BadMessage] = asyncio.Queue()
        self.answer_to_broken = b""
        self.endpoint: SipEndpoint

    @asynccontextmanager
    async def open(
        self, limits: TcpLimits | None = None, host: str = "127.0.0.1"
    ) -> AsyncIterator["Site"]:
        async with sip_endpoint(
            host,
            0,
            self.inbox,
            on_lost=self.lost.put_nowait,
            on_broken=self._on_broken,
            limits=limits,
        ) as self.endpoint:
            yield self

    @property
    def address(self) -> tuple[str, int]:
        return self.endpoint.host, self.endpoint.port

    def to(self, other: "Site") -> Flow:
        return self.endpoint.flow("TCP", other.address)

    async def next_lost(self) -> Flow:
        async with asyncio.timeout(LIMIT):
            return await self.lost.get()

    @asynccontextmanager
    async def connected(
        self,
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """Yield a raw connection to this site."""
        reader, writer = await asyncio.open_connection(*self.address)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()
            with suppress(ConnectionError):
                await writer.wait_closed()

    def _on_broken(self, bad: BadMessage, flow: Flow) -> None:
        self.broken.put_nowait(bad)
        if self.answer_to_broken:
            flow.send(self.answer_to_broken)


def fill(flow: Flow) -> None:
    """Send more than the system takes for a peer that does not read."""
    for _ in range(10_000):
        flow.send(b"x" * 10_000)


async def read(reader: asyncio.StreamReader, count: int = -1) -> bytes:
    async with asyncio.timeout(LIMIT):
        return await (reader.readexactly(count) if count >= 0 else reader.read())


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_what_one_sends_the_other_gets_with_the_way_back(host: str) -> None:
    async with Site().open(host=host) as here, Site().open(host=host) as there:
        way = here.to(there)
        way.send(MESSAGE)
        data, flow = await there.inbox.next()
        flow.send(MESSAGE * 2)
        answers = [await here.inbox.next() for _ in range(2)]

        assert data == MESSAGE
        assert answers == [(MESSAGE, way)] * 2
        assert (flow.transport, flow.reliable) == ("TCP", True)
        assert flow.local == there.address
        assert way.peer == there.address
        assert way.local == here.address


async def test_a_connection_is_used_again_from_both_ends() -> None:
    async with Site().open() as here, Site().open() as there:
        here.to(there).send(MESSAGE)
        here.to(there).send(MESSAGE)
        _, flow = await there.inbox.next()
        await there.inbox.next()

        assert here.to(there) is here.to(there)
        assert there.endpoint.flow("TCP", flow.peer) is flow
        assert here.endpoint.connections == there.endpoint.connections == 1


async def test_messages_in_pieces_and_in_heaps_come_one_by_one() -> None:
    async with Site().open() as site, site.connected() as (_, writer):
        for byte in MESSAGE:
            writer.write(bytes([byte]))
            await writer.drain()
        writer.write(MESSAGE * 3)

        received = [(await site.inbox.next())[0] for _ in range(4)]

    assert received == [MESSAGE] * 4


async def test_a_ping_gets_its_pong() -> None:
    async with Site().open() as site, site.connected() as (reader, writer):
        writer.write(b"\r\n\r\n" + MESSAGE + b"\r\n\r\n")

        assert await read(reader, 4) == b"\r\n\r\n"


async def test_a_stream_without_boundaries_is_answered_and_closed() -> None:
    site = Site()
    site.answer_to_broken = b"SIP/2.0 400 Bad Request\r\n\r\n"
    async with site.open(), site.connected() as (reader, writer):
        writer.write(b"OPTIONS sip:h SIP/2.0\r\nTo: x\r\n\r\n" + MESSAGE)

        assert await read(reader) == site.answer_to_broken
        assert "Content-Length" in str(await site.broken.get())
        assert len(site.inbox) == 0
        await site.next_lost()


async def test_what_follows_the_message_that_closed_the_connection_is_not_read() -> None:
    received: list[bytes] = []

    def receive(data: bytes, flow: Flow) -> None:
        received.append(data)
        assert isinstance(flow, TcpFlow)
        flow.abort()

    lost = asyncio.Event()
    async with sip_endpoint("127.0.0.1", 0, receive, on_lost=lambda flow: lost.set()) as endpoint:
        _, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
        writer.write(MESSAGE * 2)
        async with asyncio.timeout(LIMIT):
            await lost.wait()
        writer.close()

    assert received == [MESSAGE]


async def test_a_peer_that_goes_is_told_of_once() -> None:
    async with Site().open() as site:
        async with site.connected() as (_, writer):
            writer.write(MESSAGE)
            _, flow = await site.inbox.next()
        lost = await site.next_lost()

        assert lost is flow
        assert not flow.is_open
        assert site.endpoint.connections == 0
        assert site.lost.empty()
        with pytest.raises(OSError, match="gone"):
            flow.send(MESSAGE)


async def test_after_a_loss_a_new_connection_is_made() -> None:
    async with Site().open() as here:
        async with Site().open() as there:
            first = here.to(there)
            first.send(MESSAGE)
            await there.inbox.next()
            address = there.address
        await here.next_lost()

        again = here.endpoint.flow("TCP", address)
        assert again is not first
        again.send(MESSAGE)

        assert await here.next_lost() is again


async def test_a_peer_that_refuses_is_told_of_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))  # bound but not listening
        async with Site().open() as site:
            flow = site.endpoint.flow("TCP", reserved.getsockname())
            flow.send(MESSAGE)

            assert await site.next_lost() is flow
            assert not flow.is_open
            assert site.endpoint.connections == 0

    assert any("cannot connect" in text for text in caplog.messages)


@asynccontextmanager
async def deaf_listener() -> AsyncIterator[tuple[str, int]]:
    """Yield an address whose queue of connections is full: connecting there takes for ever."""
    fillers = []
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        address = deaf.getsockname()
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(address)
            fillers.append(filler)
        try:
            yield address
        finally:
            for filler in fillers:
                filler.close()


async def test_a_peer_that_does_not_answer_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    async with deaf_listener() as address, Site().open(TcpLimits(connect_within=0.2)) as site:
        flow = site.endpoint.flow("TCP", address)
        flow.send(MESSAGE)

        assert await site.next_lost() is flow

    assert any("cannot connect: no answer" in text for text in caplog.messages)


async def test_what_waits_for_a_connection_is_bounded() -> None:
    async with deaf_listener() as address, Site().open(TcpLimits(unsent_bytes=1000)) as site:
        flow = site.endpoint.flow("TCP", address)

        flow.send(b"x" * 1000)
        with pytest.raises(OSError, match="does not read"):
            flow.send(b"x")

        assert await site.next_lost() is flow


async def test_closing_gives_up_a_connection_that_is_being_made() -> None:
    async with deaf_listener() as address:
        async with Site().open() as site:
            flow = site.endpoint.flow("TCP", address)
            flow.send(MESSAGE)

        assert not flow.is_open
        assert site.lost.empty()


async def test_a_peer_that_does_not_read_is_closed(caplog: pytest.LogCaptureFixture) -> None:
    async with Site().open(TcpLimits(unsent_bytes=1000)) as site, site.connected() as (_, writer):
        writer.write(MESSAGE)
        _, flow = await site.inbox.next()

        with pytest.raises(OSError, match="does not read"):
            fill(flow)

        assert await site.next_lost() is flow
    assert any("does not read, closed" in text for text in caplog.messages)


async def test_beyond_the_limit_connections_are_refused() -> None:
    async with Site().open(TcpLimits(connections=1)) as site, site.connected() as (_, first):
        first.write(MESSAGE)
        await site.inbox.next()

        async with site.connected() as (reader, _):
            with suppress(ConnectionError):
                assert await read(reader) == b""

        assert site.endpoint.connections == 1
        assert site.lost.empty()


@pytest.mark.parametrize("sent", [b"", b"OPTIONS", MESSAGE + b"OPT"])
async def test_who_takes_too_long_for_a_message_is_closed(sent: bytes) -> None:
    limits = TcpLimits(message_within=0.1, idle_for=60.0)
    async with Site().open(limits) as site, site.connected() as (_, writer):
        writer.write(sent[: len(MESSAGE)])
        if len(sent) > len(MESSAGE):
            await site.inbox.next()
            writer.write(sent[len(MESSAGE) :])

        flow = await site.next_lost()

        assert not flow.is_open


async def test_a_line_break_after_a_message_is_no_message_that_takes_too_long() -> None:
    limits = TcpLimits(message_within=0.1, idle_for=60.0)
    async with Site().open(limits) as site, site.connected() as (_, writer):
        writer.write(MESSAGE)
        _, flow = await site.inbox.next()
        writer.write(b"\r\n")

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.4):
                await site.lost.get()
        assert flow.is_open

        writer.write(MESSAGE + b"OPTIONS")
        assert await site.next_lost() is flow  # this one does


async def test_who_is_idle_too_long_is_closed() -> None:
    limits = TcpLimits(message_within=60.0, idle_for=0.1)
    async with Site().open(limits) as site, site.connected() as (_, writer):
        writer.write(MESSAGE)
        _, flow = await site.inbox.next()

        assert await site.next_lost() is flow


async def test_at_the_end_all_connections_are_closed_and_nobody_is_told() -> None:
    async with AsyncExitStack() as outer:
        async with Site().open() as site:
            reader, writer = await outer.enter_async_context(site.connected())
            writer.write(MESSAGE)
            _, flow = await site.inbox.next()
            flow.send(b"the last words")

        assert await read(reader) == b"the last words"
        assert not flow.is_open
        assert site.lost.empty()


async def test_at_the_end_nobody_waits_for_a_peer_that_does_not_read() -> None:
    async with AsyncExitStack() as outer:
        async with Site().open(TcpLimits(unsent_bytes=20_000_000)) as site:
            _, writer = await outer.enter_async_context(site.connected())
            writer.write(MESSAGE)
            _, flow = await site.inbox.next()
            for _ in range(1000):
                flow.send(b"x" * 10_000)

        assert not flow.is_open
