"""Handshakes of every kind, right and wrong, and connections that never become one."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.faults.outside import Outside, daemon, until
from tests.wire.api import JsonClient
from tests.wire.raw_client import PING, PONG, RawClient, frame

WITHIN = 0.5
"""Seconds that a connection has here to become a WebSocket."""

HOST = "Host: localhost"
UPGRADE = "Upgrade: websocket"
CONNECTION = "Connection: Upgrade"
KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
VERSION = "Sec-WebSocket-Version: 13"
FIELDS = (HOST, UPGRADE, CONNECTION, KEY, VERSION)


@pytest.fixture(scope="module")
def outside() -> Iterator[Outside]:
    with daemon(CALL_API_WS_SERVER_HANDSHAKE_WITHIN=str(WITHIN)) as outside:
        yield outside


def request(*lines: str, start: str = "GET /call-api HTTP/1.1") -> bytes:
    return "\r\n".join([start, *lines, "", ""]).encode("latin-1")


def without(line: str, *others: str) -> bytes:
    return request(*(field for field in FIELDS if field != line), *others)


GOOD = {
    "the plain one": request(*FIELDS),
    "two tokens in Connection": without(CONNECTION, "Connection: keep-alive, Upgrade"),
    "extensions that are not ours": request(
        *FIELDS, "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, x"
    ),
    "extensions that are none": request(*FIELDS, "Sec-WebSocket-Extensions: ;;;,,"),
    "bytes that are no ASCII": request(*FIELDS, "X-Odd: \xe9\xff"),
    "a query and a fragment": request(*FIELDS, start="GET /call-api?a=b#c HTTP/1.1"),
}


@pytest.mark.parametrize("name", GOOD)
async def test_a_handshake_is_accepted_and_nothing_of_it_is_carried_along(
    outside: Outside, name: str
) -> None:
    async with await JsonClient.connect(outside.address) as client:
        client.write(GOOD[name] + frame(PING, b"right behind"))
        head = await client.head()
        assert head.startswith("HTTP/1.1 101 ")
        assert "Sec-WebSocket-Extensions" not in head
        assert await client.next() == (PONG, b"right behind")


NOTHING = 0
"""No answer: the connection is closed without a word."""

BAD: dict[str, tuple[int, bytes]] = {
    "HTTP/1.0": (505, request(*FIELDS, start="GET /call-api HTTP/1.0")),
    "HTTP/0.9": (NOTHING, b"GET /call-api\r\n\r\n"),
    "HTTP/2.0": (NOTHING, request(*FIELDS, start="GET /call-api HTTP/2.0")),
    "HTTP/2's preface": (NOTHING, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "TLS": (NOTHING, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500) + b"\n"),
    "SSH": (NOTHING, b"SSH-2.0-x\r\n"),
    "a target for a proxy": (404, request(*FIELDS, start="GET http://h/call-api HTTP/1.1")),
    "a tunnel": (404, request(HOST, start="CONNECT localhost:22 HTTP/1.1")),
    "OPTIONS of all": (404, request(HOST, start="OPTIONS * HTTP/1.1")),
    "a way around": (404, request(*FIELDS, start="GET /x/../call-api HTTP/1.1")),
    "two slashes": (404, request(*FIELDS, start="GET //call-api HTTP/1.1")),
    "a NUL in the path": (404, request(*FIELDS, start="GET /call-api\0 HTTP/1.1")),
    "two blanks": (NOTHING, request(*FIELDS, start="GET  /call-api HTTP/1.1")),
    "POST": (405, request(*FIELDS, start="POST /call-api HTTP/1.1")),
    "a method in small letters": (405, request(*FIELDS, start="get /call-api HTTP/1.1")),
    "no upgrade": (426, request(HOST)),
    "an upgrade to something else": (426, without(UPGRADE, "Upgrade: h2c")),
    "version 8": (400, without(VERSION, "Sec-WebSocket-Version: 8")),
    "two versions": (400, request(*FIELDS, "Sec-WebSocket-Version: 8")),
    "no key": (400, without(KEY)),
    "two keys": (400, request(*FIELDS, KEY)),
    "a key that is no base64": (400, without(KEY, "Sec-WebSocket-Key: %%%")),
    "a key that is too long": (400, without(KEY, f"Sec-WebSocket-Key: {'A' * 44}")),
    "subprotocols that are none": (400, request(*FIELDS, "Sec-WebSocket-Protocol: ,;")),
    "a folded header": (NOTHING, request(*FIELDS, "X-Odd: a", " b")),
    "line feeds alone": (NOTHING, request(*FIELDS).replace(b"\r\n", b"\n")),
    "a NUL in a header": (NOTHING, request(*FIELDS, "X-Odd: a\0b")),
    "a blank before the colon": (NOTHING, request(*FIELDS, "X-Odd : a")),
    "no colon": (NOTHING, request(*FIELDS, "X-Odd")),
    "a body by its length": (NOTHING, request(*FIELDS, "Content-Length: 5") + b"hello"),
    "a body in chunks": (NOTHING, request(*FIELDS, "Transfer-Encoding: chunked") + b"0\r\n\r\n"),
    "a long path": (414, request(*FIELDS, start=f"GET /{'x' * 9000} HTTP/1.1")),
    "a long method": (414, request(*FIELDS, start=f"{'X' * 9000} / HTTP/1.1")),
    "a long header": (431, request(*FIELDS, f"X-Odd: {'x' * 9000}")),
    "many headers": (431, request(*FIELDS, *["X: 1"] * 200)),
    "long headers": (431, request(*FIELDS, *[f"X: {'x' * 4000}"] * 5)),
    "a line that does not end": (431, b"GET /" + b"x" * 100_000),
}


@pytest.mark.parametrize("name", BAD)
async def test_a_handshake_that_is_wrong_costs_its_connection_alone(
    outside: Outside, name: str
) -> None:
    status, data = BAD[name]
    async with await RawClient.connect(outside.address) as client:
        client.write(data)
        try:
            answer = await client.rest()
        except ConnectionResetError:  # it had not read all that was sent
            answer = b""
        assert answer[9:12] == (str(status).encode() if status else b"")
        assert answer == b"" or b"\r\nConnection: close\r\n" in answer
    await outside.still_serves()


async def test_those_who_send_a_byte_now_and_then_are_dropped_in_time(outside: Outside) -> None:
    """Slowloris: each byte comes in time, the request never."""
    slow = [await RawClient.connect(outside.address) for _ in range(100)]
    await until(lambda: outside.descriptors >= len(slow))
    await outside.still_serves()
    began = asyncio.get_running_loop().time()
    async with asyncio.TaskGroup() as group:
        for client in slow:
            group.create_task(drip(client), name="a byte now and then")
    assert asyncio.get_running_loop().time() - began < WITHIN + 2.0
    for client in slow:
        await client.close()
    await outside.still_serves()
    await outside.has_let_go()


async def drip(client: RawClient) -> None:
    """Send a request byte by byte until the connection is gone."""
    for byte in request(*FIELDS, f"X-Odd: {'x' * 8000}"):
        client.write(bytes([byte]))
        try:
            async with asyncio.timeout(0.05):
                await client.reader.read()
        except TimeoutError:
            continue
        except ConnectionError:
            return
        return
    raise AssertionError("it was not dropped")


async def test_a_page_is_given_to_one_request_and_the_second_is_not_looked_at(
    outside: Outside,
) -> None:
    async with await RawClient.connect(outside.address) as client:
        client.write(request(HOST, start="GET /healthz HTTP/1.1") * 50)
        answer = await client.rest()
        assert answer.count(b"HTTP/1.1 ") == 1
        assert answer.endswith(b"\r\n\r\nok\n")
