from typing import Literal, TypeAlias

import pytest

from call_api.commands.progress import Progress

Step: TypeAlias = Literal["start", "pending", "answer", "ok"]


def progress() -> Progress[Step]:
    return Progress(("start", "answer", "ok"), pending="pending", pends_after="start")


def told(*reported: Step) -> list[Step]:
    one = progress()
    return [step for report in reported for step in one.due(report)]


def test_steps_in_order_are_told_as_they_come() -> None:
    assert told("start", "answer", "ok") == ["start", "answer", "ok"]


def test_a_repeated_step_is_told_once() -> None:
    assert told("start", "start", "answer", "start", "answer", "ok", "ok") == [
        "start",
        "answer",
        "ok",
    ]


def test_a_lost_step_is_told_before_the_next_one() -> None:
    assert told("answer") == ["start", "answer"]
    assert told("ok") == ["start", "answer", "ok"]


def test_progress_is_told_only_between_its_step_and_the_next() -> None:
    assert told("pending", "start", "pending", "pending", "answer", "pending", "ok", "pending") == [
        "start",
        "pending",
        "pending",
        "answer",
        "ok",
    ]


def test_an_order_without_anything_pending() -> None:
    one = Progress[Literal["start", "ok"]](("start", "ok"))

    assert one.due("ok") == ("start", "ok")


def test_it_is_complete_when_the_last_step_was_told() -> None:
    one = progress()
    one.due("answer")

    with pytest.raises(RuntimeError, match="reported no 'ok'"):
        one.finish()

    one.due("ok")
    one.finish()
