"""Frames of every kind, right and wrong (RFC 6455, sections 5 and 7), at a daemon process."""

import json
import struct
from collections.abc import Iterator

import pytest

from tests.faults.outside import Outside, daemon
from tests.wire.api import JsonClient
from tests.wire.raw_client import BINARY, CLOSE, CONT, PING, PONG, TEXT, frame

MOST = 4096
"""Bytes that a message may have here."""

ECHO = '{"jsonrpc":"2.0","id":"1","method":"Echo","params":{"ü€𝄞":"x"}}'.encode()


@pytest.fixture(scope="module")
def outside() -> Iterator[Outside]:
    with daemon(CALL_API_WS_SERVER_MAX_MESSAGE=str(MOST)) as outside:
        yield outside


async def answered(client: JsonClient) -> bool:
    """Read what one Echo is answered and told."""
    frames = [await client.json() for _ in range(3)]
    return [one.get("method", "answer") for one in frames] == ["answer", "Event", "Ended"]


def in_fragments(message: bytes, size: int, *between: bytes) -> bytes:
    """A message in fragments, with other frames after each but the last."""
    pieces = [message[at : at + size] for at in range(0, len(message), size)]
    frames = [
        frame(CONT if at else TEXT, piece, fin=at == len(pieces) - 1)
        for at, piece in enumerate(pieces)
    ]
    return b"".join(between).join(frames)


GOOD = {
    "whole": frame(TEXT, ECHO),
    "fragments of one byte": in_fragments(ECHO, 1),
    "an empty first and an empty last fragment": frame(TEXT, fin=False)
    + frame(CONT, ECHO, fin=False)
    + frame(CONT),
    "a hundred empty fragments": frame(TEXT, fin=False)
    + frame(CONT, fin=False) * 100
    + frame(CONT, ECHO),
    "pongs that nobody asked for": frame(PONG, b"x" * 125) * 3 + frame(TEXT, ECHO),
    "a message of the longest size": frame(TEXT, ECHO + b" " * (MOST - len(ECHO))),
    "the longest size in fragments": in_fragments(ECHO + b" " * (MOST - len(ECHO)), 1000),
    "a length in more bytes than needed": bytes([0x81, 0xFE])
    + struct.pack("!H", len(ECHO))
    + frame(TEXT, ECHO)[2:],
}


@pytest.mark.parametrize("name", GOOD)
async def test_a_message_arrives_however_it_is_framed(outside: Outside, name: str) -> None:
    async with await JsonClient.open(outside.address) as client:
        client.write(GOOD[name])
        assert await answered(client)


async def test_pings_between_fragments_are_answered_at_once(outside: Outside) -> None:
    async with await JsonClient.open(outside.address) as client:
        client.write(in_fragments(ECHO, 20, frame(PING, b"a" * 125), frame(PONG), frame(PING)))
        count = -(-len(ECHO) // 20) - 1
        pongs = [await client.next() for _ in range(2 * count)]
        assert pongs == [(PONG, b"a" * 125), (PONG, b"")] * count
        assert await answered(client)


def code(number: int, reason: bytes = b"") -> bytes:
    return number.to_bytes(2) + reason


NO_UTF8 = [b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"a\x80b"]
HALF_EURO = (frame(TEXT, b"\xe2\x82", fin=False), frame(CONT, b"\xac\xff"))
BAD: dict[str, tuple[int, bytes]] = {
    "binary": (1003, frame(BINARY, ECHO)),
    "binary in fragments": (1003, frame(BINARY, b"x", fin=False)),
    **{f"text {text!r}": (1007, frame(TEXT, text)) for text in NO_UTF8},
    "no UTF-8, and half of a character before": (1007, b"".join(HALF_EURO)),
    "half of a character at the end": (1007, in_fragments(b"a\xe2\x82", 1)),
    "too long": (1009, frame(TEXT, b" " * (MOST + 1))),
    "too long in fragments": (1009, in_fragments(b" " * (MOST + 1), MOST)),
    "too long in 5,000 fragments": (1009, in_fragments(b" " * 5000, 1)),
    "said to have 2^63 - 1 bytes": (1009, bytes([0x81, 0xFF]) + struct.pack("!QI", 2**63 - 1, 0)),
    "said to have 2^64 - 1 bytes": (1009, bytes([0x81, 0xFF]) + struct.pack("!QI", 2**64 - 1, 0)),
    "not masked": (1002, frame(TEXT, ECHO, masked=False)),
    "a ping that is not masked": (1002, frame(PING, masked=False)),
    **{f"reserved bit {bit:#x}": (1002, frame(TEXT | bit, b"x")) for bit in (0x10, 0x20, 0x40)},
    **{f"opcode {n}": (1002, frame(n, b"x")) for n in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)},
    "a continuation of nothing": (1002, frame(CONT, ECHO)),
    "a text within another's fragments": (1002, frame(TEXT, b"x", fin=False) + frame(TEXT, ECHO)),
    "a ping of 126 bytes": (1002, frame(PING, b"x" * 126)),
    "a close frame of 126 bytes": (1002, frame(CLOSE, code(1000, b"x" * 124))),
    "a ping in fragments": (1002, frame(PING, b"x", fin=False) + frame(CONT, b"x")),
    "a close frame in fragments": (1002, frame(CLOSE, b"\x03", fin=False)),
    "a close frame of one byte": (1002, frame(CLOSE, b"\x03")),
    "a close reason that is no UTF-8": (1007, frame(CLOSE, code(1000, b"\xff"))),
    **{
        f"close code {number}": (1002, frame(CLOSE, code(number)))
        for number in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535)
    },
}


@pytest.mark.parametrize("name", BAD)
async def test_a_frame_that_is_wrong_closes_its_connection_alone(
    outside: Outside, name: str
) -> None:
    closed_with, data = BAD[name]
    async with await JsonClient.open(outside.address) as bystander:
        async with await JsonClient.open(outside.address) as client:
            client.write(data)
            assert (await client.closed())[0] == closed_with
            client.write(frame(TEXT, ECHO))  # nobody hears it any more
            await client.gone()
        bystander.write(frame(TEXT, ECHO))
        assert await answered(bystander)


@pytest.mark.parametrize(
    "number", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 4999]
)
async def test_a_goodbye_is_answered_with_its_own_code(outside: Outside, number: int) -> None:
    async with await JsonClient.open(outside.address) as client:
        client.write(frame(CLOSE, code(number, "tschüß".encode())) + frame(TEXT, ECHO))
        assert await client.next() == (CLOSE, code(number, "tschüß".encode()))
        assert await client.rest() == b""


async def test_a_goodbye_without_a_code_is_answered(outside: Outside) -> None:
    async with await JsonClient.open(outside.address) as client:
        client.write(frame(CLOSE))
        assert await client.next() == (CLOSE, b"")
        assert await client.rest() == b""


async def test_a_message_that_comes_byte_by_byte_arrives(outside: Outside) -> None:
    async with await JsonClient.open(outside.address) as client:
        for byte in frame(TEXT, ECHO):
            client.write(bytes([byte]))
            await client.writer.drain()
        assert await answered(client)


async def test_thousands_of_messages_in_one_piece_are_all_answered(outside: Outside) -> None:
    count = 2000
    request = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "Nonsense"}).encode()
    async with await JsonClient.open(outside.address) as client:
        client.write(frame(TEXT, request) * count)
        for _ in range(count):
            assert (await client.json())["error"]["code"] == -32601
