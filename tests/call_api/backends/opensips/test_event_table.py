import pytest
from hypothesis import given
from hypothesis import strategies as st

from call_api.backends.opensips.event_table import EventTable, parse_event
from call_api.backends.opensips.events import HOLD, STATE, TRANSFER, EventParams, ProxyEvent
from tests.fakes.proxy_events import HELD, LATE, REFUSED, START


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"[]", b'{"method":5}', b'{"method":"E","params":[]}', b"\xff"]
)
def test_what_is_no_event_is_dropped_and_counted(data: bytes) -> None:
    table = EventTable()

    table.receive(data)

    assert table.unreadable == 1


@given(st.binary(max_size=200))
def test_no_bytes_do_any_harm(data: bytes) -> None:
    EventTable().receive(data)


def test_an_event_reaches_those_who_listen_to_its_call_and_kind_and_nobody_else() -> None:
    table = EventTable()
    mine: list[ProxyEvent] = []
    other_kind: list[ProxyEvent] = []
    other_call: list[ProxyEvent] = []
    table.listen((TRANSFER, STATE), ("7Vr0",), mine.append)
    table.listen((HOLD,), ("7Vr0",), other_kind.append)
    table.listen((TRANSFER,), ("another",), other_call.append)

    table.receive(START)
    table.receive(LATE)

    assert [event.params.state for event in mine] == ["start", "notify"]
    assert other_kind == other_call == []


def test_several_may_listen_to_one_call_and_one_to_several() -> None:
    table = EventTable()
    first: list[str] = []
    second: list[str] = []
    table.listen((HOLD,), ("7Vr0", "b"), lambda event: first.append(event.params.callid))
    listening = table.listen((HOLD,), ("7Vr0",), lambda event: second.append(event.params.callid))

    table.receive(HELD)
    listening.close()
    table.receive(HELD)
    table.receive(HELD.replace(b"7Vr0", b"b"))

    assert first == ["7Vr0", "7Vr0", "b"]
    assert second == ["7Vr0"]


def test_who_has_stopped_listening_leaves_nothing_behind() -> None:
    table = EventTable()
    told: list[ProxyEvent] = []
    listening = table.listen((TRANSFER, HOLD), ("7Vr0", "b"), told.append)

    listening.close()
    listening.close()
    table.receive(START)

    assert told == []
    assert len(table) == 0


def test_who_stops_while_being_told_does_no_harm_to_the_others() -> None:
    table = EventTable()
    told: list[ProxyEvent] = []
    listening = table.listen((HOLD,), ("7Vr0",), lambda _: listening.close())
    table.listen((HOLD,), ("7Vr0",), told.append)

    table.receive(HELD)

    assert len(told) == 1


def test_one_may_listen_to_everything() -> None:
    table = EventTable()
    told: list[str] = []
    table.listen_to_all(lambda event: told.append(event.method))

    table.receive(START)
    table.receive(HELD)

    assert told == [TRANSFER, HOLD]


def test_events_are_read_as_opensips_sends_them() -> None:
    start, late, held, refused = map(parse_event, (START, LATE, HELD, REFUSED))

    assert start == ProxyEvent(
        TRANSFER,
        EventParams(
            callid="7Vr0",
            leg="6voi",
            transfer_callid="6voi",
            destination="sip:cindy@127.0.0.1:5073;ob",
            state="start",
            status="",
        ),
    )
    assert late is not None
    assert late.params.leg is None
    assert held is not None
    assert (held.method, held.params.action, held.params.state) == (HOLD, "hold", "ok")
    assert refused is not None
    assert (refused.params.code, refused.params.reason) == (603, "Decline")


def test_a_number_may_come_as_a_string() -> None:
    event = parse_event(REFUSED.replace(b"603", b'"603"'))

    assert event is not None
    assert event.params.code == 603


def test_bytes_that_are_no_utf8_do_not_cost_the_event() -> None:
    event = parse_event(REFUSED.replace(b"Decline", b"D\xe9cline"))

    assert event is not None
    assert event.params.reason == "D\N{REPLACEMENT CHARACTER}cline"
