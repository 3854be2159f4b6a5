import io
from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Console

from call_cmd.names import PhoneBook
from call_cmd.view import View
from tests.fakes.api_script import ALICE, BOB

NOW = datetime(2026, 1, 1, 10, 1, 5, tzinfo=UTC)
BOOK = PhoneBook("localhost", {})


def call(number: int, caller: str = ALICE) -> dict[str, object]:
    return {
        "callid": f"{number:032x}",
        "state": "answered",
        "caller": caller,
        "callee": BOB,
        "started": "2026-01-01T10:00:00Z",
        "held": [],
    }


def shown(
    calls: Sequence[dict[str, object]], events: int | None, width: int, height: int
) -> list[str]:
    told = None
    if events is not None:
        its = {"callid": "x", "call": call(0)}
        told = [(NOW, {"event": f"event{number}", **its}) for number in range(events)]
    view = View(title="all calls", calls=calls, events=told, book=BOOK)
    console = Console(file=io.StringIO(), width=width, height=height, color_system=None)
    with console.capture() as captured:
        console.print(view.drawn(width, height, NOW), end="")
    lines = [line.rstrip() for line in captured.get().splitlines()]
    assert len(lines) <= height
    assert max(map(len, lines)) <= width
    return lines


def test_calls_stand_above_what_happens() -> None:
    title, header, first, second, rule, event = shown([call(1), call(2)], 1, 120, 20)

    assert title.startswith("2 calls  all calls  ")
    assert header.split() == ["CALLID", "STATE", "CALLER", "CALLEE", "AGE", "HELD"]
    assert first.split() == [f"{1:032x}", "answered", "alice", "bob", "1m05s"]
    assert second.startswith(f"{2:032x}")
    assert set(rule) == {"─"}
    assert event.split()[1:3] == ["x", "event0"]


def test_too_many_calls_are_counted_and_the_newest_events_stay() -> None:
    lines = shown([call(number) for number in range(50)], 40, 120, 20)

    assert len(lines) == 20
    assert "… 39 more" in lines
    assert [line.split()[2] for line in lines[-5:]] == [f"event{n}" for n in range(35, 40)]


def test_few_events_leave_the_room_to_the_calls() -> None:
    lines = shown([call(number) for number in range(50)], 1, 120, 20)

    assert "… 35 more" in lines
    assert lines[-1].split()[2] == "event0"


def test_a_list_has_no_events() -> None:
    assert len(shown([call(1)], None, 120, 20)) == 3


def test_a_narrow_screen_shortens_callids_and_then_names() -> None:
    lines = shown([call(1, caller="sip:somebody-with-a-long-name@pbx.example")], 1, 60, 20)

    assert lines[2].split()[:2] == [f"{1:032x}"[:8], "answered"]
    assert "…" in lines[2]
    assert "1m05s" in lines[2]


def test_on_40_columns_a_call_id_and_an_age_stay_whole() -> None:
    held = {**call(1), "callid": "e74bf188" * 4, "held": ["caller", "callee"]}
    _, _, first = shown([held], None, 40, 14)

    assert first.split()[0] == "e74bf188"
    assert "1m05s" in first


def test_the_smallest_screen_does_no_harm() -> None:
    shown([call(number) for number in range(5)], 5, 20, 4)


def test_what_a_peer_sent_is_escaped() -> None:
    lines = shown([call(1, caller="sip:\x1b[2Jevil@h")], 0, 120, 20)

    assert "\\x1b[2Jevil@h" in lines[2]


def test_no_calls_are_said() -> None:
    assert shown([], 0, 120, 20)[0].startswith("no calls  all calls")
