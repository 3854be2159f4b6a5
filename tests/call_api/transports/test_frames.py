"""Simple texts are taken out; every other byte goes to the library, whatever the pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from call_api.transports.frames import FrameCutter, text_head
from tests.wire.raw_client import BINARY, CLOSE, CONT, PING, TEXT, frame

LONGEST = 1000


def cut(*parts: bytes) -> list[str | bytes]:
    cutter = FrameCutter(LONGEST)
    return [piece for part in parts for piece in cutter.cut(part)]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, LONGEST])
def test_a_text_in_one_frame_is_taken_out(size: int) -> None:
    text = "ü" * (size // 2) + "x" * (size % 2)

    assert cut(frame(TEXT, text.encode()) * 3) == [text] * 3


@pytest.mark.parametrize(
    "other",
    [
        frame(TEXT, b"x" * (LONGEST + 1)),
        frame(TEXT, b"x" * 70_000),
        frame(TEXT, b"\xff"),
        frame(TEXT, b"\xff" * 200),
        frame(TEXT, b"x", masked=False),
        frame(TEXT, b"x" * 126, masked=False),
        frame(TEXT, b"x" * 70_000, masked=False),
        frame(BINARY, b"x"),
        frame(PING),
        frame(CLOSE, b"xx"),
        frame(3, b"x"),
        frame(TEXT, b"x", fin=False) + frame(PING) + frame(CONT, b"y"),
        frame(TEXT, b"x", fin=False) + frame(TEXT, b"y"),
        bytes([0xC1, 0x80, 0, 0, 0, 0]),
    ],
)
def test_everything_else_goes_to_the_library_and_texts_are_known_again_behind_it(
    other: bytes,
) -> None:
    pieces = cut(frame(TEXT, b"1") + other + frame(TEXT, b"2"))

    assert pieces[0] == "1"
    assert pieces[-1] == "2"
    assert b"".join(piece for piece in pieces[1:-1] if isinstance(piece, bytes)) == other


def test_a_fragmented_message_belongs_to_the_library_up_to_its_end() -> None:
    begin, end = frame(TEXT, b"x", fin=False), frame(CONT, b"y")

    assert cut(begin, frame(TEXT, b"1"), end, frame(TEXT, b"2")) == [
        begin,
        frame(TEXT, b"1"),
        end,
        "2",
    ]


def test_a_frame_that_is_not_all_there_is_passed_on_at_once() -> None:
    long = frame(TEXT, b"x" * 500)

    assert cut(long[:100], long[100:200], long[200:] + frame(TEXT, b"1")) == [
        long[:100],
        long[100:200],
        long[200:],
        "1",
    ]


FRAMES = st.lists(
    st.builds(
        frame,
        st.sampled_from([TEXT, TEXT, CONT, BINARY, PING]),
        st.binary(max_size=130) | st.text(max_size=130).map(str.encode),
        fin=st.sampled_from([True, True, False]),
        masked=st.sampled_from([True, True, False]),
    ),
    max_size=8,
).map(b"".join)


@given(data=FRAMES, sizes=st.lists(st.integers(1, 40)))
def test_nothing_is_lost_or_doubled_however_the_bytes_come(data: bytes, sizes: list[int]) -> None:
    cutter = FrameCutter(LONGEST)
    parts, rest = [], data
    for size in sizes:
        parts.append(rest[:size])
        rest = rest[size:]
    pieces = [piece for part in (*parts, rest) for piece in cutter.cut(part)]

    told = b"".join(
        piece if isinstance(piece, bytes) else frame(TEXT, piece.encode()) for piece in pieces
    )
    assert data.startswith(told)
    assert len(data) - len(told) < 14  # the head of a frame that may still come


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536])
def test_a_head_tells_the_size(size: int) -> None:
    assert text_head(size) + b"x" * size == frame(TEXT, b"x" * size, masked=False)
