import pytest
from hypothesis import given
from hypothesis import strategies as st

from call_api.sip.message import Request, Response
from call_api.sip.parser import BadMessage
from call_api.sip.stream_parser import KEEP_ALIVE_ANSWER, KeepAlive, StreamParser
from tests.fakes.torture_messages import VALID, request

OPTIONS = request("OPTIONS sip:bob@example.com SIP/2.0")
INVITE = request("INVITE sip:bob@example.com SIP/2.0", body=b"v=0\r\n")
THREE = [
    INVITE,
    OPTIONS,
    VALID["longreq"],
]


def methods(messages: list[Request | Response | KeepAlive | BadMessage]) -> list[str]:
    return [m.method if isinstance(m, Request) else type(m).__name__ for m in messages]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100, 1460, 100_000])
def test_a_stream_gives_the_same_messages_whatever_the_chunks(size: int) -> None:
    stream = b"\r\n\r\n" + THREE[0] + THREE[1] + b"\r\n" + THREE[2] + b"\r\n\r\n\r\n\r\n\r\n"
    parser = StreamParser()

    messages = [
        message
        for at in range(0, len(stream), size)
        for message in parser.feed(stream[at : at + size])
    ]

    assert methods(messages) == [
        *("KeepAlive", "INVITE", "OPTIONS", "INVITE", "KeepAlive", "KeepAlive")
    ]
    assert isinstance(messages[1], Request)
    assert messages[1].body == b"v=0\r\n"
    assert KEEP_ALIVE_ANSWER == b"\r\n"


def test_frames_are_the_bytes_as_they_came() -> None:
    assert StreamParser().frames(b"\r\n" + INVITE + OPTIONS + b"OPT") == [INVITE, OPTIONS]


def test_a_message_has_begun_with_its_first_byte_but_not_with_a_line_break_before_it() -> None:
    parser = StreamParser()

    chunks = [b"\r\n", INVITE[:9], INVITE[9:], b"\r\n", b"\r\n", b"X"]
    assert [(len(parser.frames(c)), parser.is_amid) for c in chunks] == [
        *((0, False), (0, True), (1, False), (0, False), (1, False), (0, True))
    ]


def test_a_bad_message_leaves_the_stream_usable() -> None:
    bad = request("OPTIONS sip:bob@example.com SIP/2.0", "CSeq: 1 INVITE")
    parser = StreamParser()

    assert methods(parser.feed(OPTIONS + bad + OPTIONS)) == ["OPTIONS", "BadMessage", "OPTIONS"]
    assert not parser.is_broken


@pytest.mark.parametrize(
    "line",
    ["X: y", "Content-Length: 1\r\nContent-Length: 1", "l: x", "l: 3\r\n 4", "Content-Length: -1"],
)
def test_without_one_content_length_the_stream_is_lost_but_the_request_answered(
    line: str,
) -> None:
    parser = StreamParser()

    first, last = parser.feed(OPTIONS + OPTIONS.replace(b"Content-Length: 0", line.encode()))

    assert isinstance(first, Request)
    assert isinstance(last, BadMessage)
    assert (last.status, parser.is_broken) == (400, True)
    assert last.request is not None
    assert parser.feed(OPTIONS) == []


@pytest.mark.parametrize(
    "line", ["l : 0", "CONTENT-LENGTH:\r\n\t0", "L:0  ", "Content-Length: 000"]
)
def test_content_length_is_found_in_every_spelling(line: str) -> None:
    data = OPTIONS.replace(b"Content-Length: 0", line.encode())

    assert methods(StreamParser().feed(data + OPTIONS)) == ["OPTIONS", "OPTIONS"]


def test_a_too_long_body_is_refused_before_it_is_there() -> None:
    parser = StreamParser(max_bytes=300)

    [refused] = parser.feed(OPTIONS.replace(b"Content-Length: 0", b"Content-Length: 300"))

    assert isinstance(refused, BadMessage)
    assert (refused.status, parser.is_broken) == (513, True)
    assert refused.request is not None


@pytest.mark.parametrize("size", [1, 50, 100_000])
def test_headers_without_end_are_refused_in_bounded_memory(size: int) -> None:
    parser = StreamParser(max_bytes=1000)
    told: list[Request | Response | KeepAlive | BadMessage] = []

    for _ in range(0, 3000, size):
        told += parser.feed(b"x" * size)

    assert methods(told) == ["BadMessage"]


def test_too_long_headers_are_refused_when_their_end_is_there_too() -> None:
    data = OPTIONS.replace(b"\r\n\r\n", b"\r\nX: " + b"y" * 1000 + b"\r\n\r\n")

    assert methods(StreamParser(max_bytes=1000).feed(data)) == ["BadMessage"]


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_any_stream_gives_messages_or_refusals(chunks: list[bytes]) -> None:
    parser = StreamParser(max_bytes=400)

    for chunk in chunks:
        assert all(
            isinstance(m, Request | Response | KeepAlive | BadMessage) for m in parser.feed(chunk)
        )
