import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from call_api.backends.opensips.event_framing import MAX_EVENT, EventFraming

EVENTS = [
    {"jsonrpc": "2.0", "method": "E_CALL_HOLD", "params": {"callid": "a", "leg": "caller"}},
    {"method": 'E "quoted" \\ } { ', "params": {"deep": {"deeper": {}}}},
    {},
]
STREAM = b"".join(json.dumps(event).encode() for event in EVENTS)


def framing() -> tuple[EventFraming, list[object]]:
    found: list[object] = []
    return EventFraming(lambda data: found.append(json.loads(data))), found


def test_objects_without_a_delimiter_are_told_apart() -> None:
    frames, found = framing()

    assert frames.feed(STREAM)
    assert found == EVENTS


@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
def test_it_does_not_matter_where_the_stream_is_cut(cuts: list[int]) -> None:
    frames, found = framing()
    edges = [0, *sorted(cuts), len(STREAM)]

    for start, end in itertools.pairwise(edges):
        assert frames.feed(STREAM[start:end])

    assert found == EVENTS


def test_blanks_between_objects_are_allowed() -> None:
    frames, found = framing()

    assert frames.feed(b" {}\r\n\t{} \n")
    assert found == [{}, {}]


@pytest.mark.parametrize("garbage", [b"hello", b"[]", b"{}x", b"{}}"])
def test_what_is_no_object_ends_the_connection(garbage: bytes) -> None:
    assert not framing()[0].feed(garbage)


def test_an_object_that_does_not_end_is_bounded() -> None:
    frames, _ = framing()

    assert frames.feed(b'{"a":"' + b"x" * (MAX_EVENT - 6))
    assert not frames.feed(b"x")


@given(st.binary(max_size=300))
def test_no_bytes_do_any_harm(data: bytes) -> None:
    EventFraming(lambda _: None).feed(data)
