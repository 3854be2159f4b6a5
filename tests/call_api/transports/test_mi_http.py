import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from call_api.transports.mi_http import MAX_CONNECTIONS, AnswerReader, BadAnswer, MiHttp

Answer = Callable[[bytes], bytes | None]


def answer(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def echo(request: bytes) -> bytes:
    return answer(b'{"got":"%s"}' % request.partition(b"\r\n\r\n")[2])


class Server:
    """Answers each request as the test says; None: never.

    Attributes:
        requests: Head and body of each.
        connections: How many there were.
    """

    def __init__(self, reply: Answer) -> None:
        self.reply = reply
        self.requests: list[bytes] = []
        self.connections = 0
        self.writers: list[asyncio.StreamWriter] = []
        self.port = 0
        self._more = asyncio.Event()

    async def got(self, count: int) -> None:
        """Wait for so many requests."""
        async with asyncio.timeout(5):
            while len(self.requests) < count:
                self._more.clear()
                await self._more.wait()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].split()[0])
                request = head + await reader.readexactly(length)
                self.requests.append(request)
                self._more.set()
                reply = self.reply(request)
                if reply is not None:
                    writer.write(reply)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


class Told:
    """What a channel has told."""

    def __init__(self) -> None:
        self.news: asyncio.Queue[object] = asyncio.Queue()

    def fail(self, request_id: int | None, reason: str) -> None:
        self.news.put_nowait((request_id, reason))

    async def next(self) -> object:
        async with asyncio.timeout(5):
            return await self.news.get()


@asynccontextmanager
async def channel_to(reply: Answer) -> AsyncIterator[tuple[MiHttp, Told, Server]]:
    async with asyncio.TaskGroup() as group:
        server = Server(reply)
        listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        server.port = listener.sockets[0].getsockname()[1]
        told = Told()
        channel = channel_on(server.port, told, group)
        yield channel, told, server
        channel.close()
        listener.close()
        for writer in server.writers:
            writer.close()


def channel_on(port: int, told: Told, group: asyncio.TaskGroup) -> MiHttp:
    def spawn(work: Coroutine[Any, Any, None], name: str) -> None:
        group.create_task(work, name=name)

    return MiHttp("127.0.0.1", port, "/mi", told.news.put_nowait, told.fail, spawn)


async def test_a_request_is_posted_and_its_answer_told() -> None:
    async with channel_to(echo) as (channel, told, server):
        channel.send(1, b"one")

        assert await told.next() == b'{"got":"one"}'
        assert await told.next() == (1, "HTTP 200")  # of no consequence after an answer
        assert server.requests[0].startswith(b"POST /mi HTTP/1.1\r\nHost: 127.0.0.1:")
        assert b"\r\nContent-Type: application/json\r\n" in server.requests[0]
        assert (channel.local_host, channel.peer_host) == ("127.0.0.1", "127.0.0.1")


async def test_a_connection_is_used_again() -> None:
    async with channel_to(echo) as (channel, told, server):
        for number in range(5):
            channel.send(number, b"x")
            assert isinstance(await told.next(), bytes)
            assert await told.next() == (number, "HTTP 200")

        assert server.connections == 1


async def test_requests_at_the_same_time_have_a_connection_each_up_to_a_bound() -> None:
    async with channel_to(lambda _: None) as (channel, _, server):
        for number in range(MAX_CONNECTIONS + 3):
            channel.send(number, b"x")
        await server.got(MAX_CONNECTIONS)

        assert server.connections == MAX_CONNECTIONS


async def test_what_waits_for_its_turn_is_sent_when_one_is_given_up() -> None:
    async with channel_to(lambda _: None) as (channel, told, server):
        for number in range(MAX_CONNECTIONS + 2):
            channel.send(number, b"%d" % number)
        await server.got(MAX_CONNECTIONS)
        server.reply = echo
        channel.forget(MAX_CONNECTIONS)  # waits still
        channel.forget(0)

        assert await told.next() == b'{"got":"%d"}' % (MAX_CONNECTIONS + 1)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (answer(b"", "500 Internal Server Error"), [(1, "HTTP 500")]),
        (answer(b"<html>", "404 Not Found"), [(1, "HTTP 404")]),
        (answer(b'{"error":1}', "400 Bad Request"), [b'{"error":1}', (1, "HTTP 400")]),
        (b"no HTTP at all\r\n\r\n", [(1, "no HTTP")]),
    ],
)
async def test_what_is_no_answer_fails_the_request(reply: bytes, expected: list[object]) -> None:
    async with channel_to(lambda _: reply) as (channel, told, _):
        channel.send(1, b"x")

        assert [await told.next() for _ in expected] == expected


async def test_a_server_that_hangs_up_fails_the_request_and_the_next_one_connects_anew() -> None:
    async with channel_to(lambda _: None) as (channel, told, server):
        channel.send(1, b"x")
        await server.got(1)
        server.writers[0].close()
        assert await told.next() == (1, "connection closed")

        server.reply = echo
        channel.send(2, b"y")
        assert await told.next() == b'{"got":"y"}'
        assert server.connections == 2


async def test_a_server_that_closes_after_each_answer_is_connected_to_each_time() -> None:
    closing = answer(b"{}", "200 OK", "Connection: close")
    async with channel_to(lambda _: closing) as (channel, told, server):
        for number in range(3):
            channel.send(number, b"x")
            assert await told.next() == b"{}"
            assert await told.next() == (number, "HTTP 200")

        assert server.connections == 3


async def test_an_idle_connection_that_the_server_closes_is_not_used_again() -> None:
    async with channel_to(echo) as (channel, told, server):
        channel.send(1, b"x")
        await told.next(), await told.next()
        server.writers[0].close()
        await asyncio.sleep(0.05)
        channel.send(2, b"y")

        assert await told.next() == b'{"got":"y"}'
        assert server.connections == 2


async def test_a_server_that_is_not_there_fails_all_that_wait() -> None:
    async with asyncio.TaskGroup() as group:
        told = Told()
        listener = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        listener.close()
        channel = channel_on(port, told, group)
        channel.send(1, b"x")
        channel.send(2, b"x")

        failed = [await told.next(), await told.next()]
        channel.close()

    assert [str(one)[:3] for one in failed] == ["(1,", "(2,"]


async def test_closing_while_connecting_leaves_nothing() -> None:
    async with channel_to(echo) as (channel, told, _):
        channel.send(1, b"x")
        channel.close()
        await asyncio.sleep(0.05)

        assert told.news.empty()


# What a server may send (RFC 9112).


def read(*parts: bytes) -> list[tuple[int, bytes]]:
    reader = AnswerReader()
    return [found for part in parts if (found := reader.feed(part)) is not None]


CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'4;name=value\r\n{"a"\r\n3\r\n:1}\r\n0\r\n\r\n'
)


def test_a_body_in_chunks_is_put_together() -> None:
    assert read(CHUNKED) == [(200, b'{"a":1}')]


@pytest.mark.parametrize("data", [CHUNKED, answer(b'{"a":1}')])
def test_it_does_not_matter_how_an_answer_is_cut(data: bytes) -> None:
    assert read(*(bytes([one]) for one in data)) == [(200, b'{"a":1}')]


def test_one_answer_follows_the_other() -> None:
    assert read(answer(b"{}"), CHUNKED, answer(b"[]")) == [
        (200, b"{}"),
        (200, b'{"a":1}'),
        (200, b"[]"),
    ]


def test_an_interim_answer_is_skipped() -> None:
    assert read(b"HTTP/1.1 100 Continue\r\n\r\n" + answer(b"{}")) == [(200, b"{}")]


def test_an_answer_without_a_length_has_no_body() -> None:
    assert read(b"HTTP/1.1 204 No Content\r\n\r\n") == [(204, b"")]


def test_an_old_server_closes_after_each_answer() -> None:
    reader = AnswerReader()
    reader.feed(answer(b"{}").replace(b"HTTP/1.1", b"HTTP/1.0"))

    assert reader.closes


@pytest.mark.parametrize(
    "data",
    [
        b"SIP/2.0 200 OK\r\n\r\n",
        b"x" * 20_000,
        b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"z" * 20_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\n",
    ],
)
def test_what_is_none_or_too_long_is_refused(data: bytes) -> None:
    with pytest.raises(BadAnswer):
        read(data)


def test_any_number_of_interim_answers_is_passed_over() -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\n" * 5000

    assert AnswerReader().feed(interim + answer(b"x")) == (200, b"x")


@given(st.binary(max_size=200))
def test_no_bytes_do_any_harm(data: bytes) -> None:
    try:
        read(b"HTTP/1.1 200 OK\r\n" + data)
        read(data)
    except BadAnswer:
        pass
