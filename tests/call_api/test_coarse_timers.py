from collections.abc import Callable
from functools import partial

import pytest

from call_api.coarse_timers import CoarseTimers


class Handle:
    def __init__(self, at: float, callback: Callable[[], object]) -> None:
        self.at = at
        self.callback = callback
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True


class ManualLoop:
    """Remembers what it is to call, and does so when the test lets time pass."""

    def __init__(self) -> None:
        self.now = 1000.5
        self.handles: list[Handle] = []

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[[], object], /) -> Handle:
        self.handles.append(handle := Handle(self.now + delay, callback))
        return handle

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        due = [one for one in self.handles if one.at <= self.now]
        self.handles = [one for one in self.handles if one.at > self.now]
        for one in due:
            if not one.is_cancelled:
                one.callback()


def test_what_is_due_soon_is_a_timer_of_the_loop() -> None:
    loop, rang = ManualLoop(), list[str]()
    timers = CoarseTimers(loop)
    timers.call_later(59.9, lambda: rang.append("kept"))
    timers.call_later(0.01, lambda: rang.append("cancelled")).cancel()

    loop.pass_time(59.9)

    assert rang == ["kept"]


def test_what_is_due_much_later_shares_a_timer_and_is_never_early_and_hardly_late() -> None:
    loop, rang = ManualLoop(), list[int]()
    timers = CoarseTimers(loop)
    for number in range(100):
        timers.call_later(300.0, partial(rang.append, number))

    assert len(loop.handles) == 1
    loop.pass_time(299.99)
    assert rang == []
    loop.pass_time(1.01)
    assert sorted(rang) == list(range(100))
    assert loop.handles == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_what_is_called_off_is_not_made(when: str) -> None:
    loop, rang = ManualLoop(), list[str]()
    timers = CoarseTimers(loop)
    handle = timers.call_later(100.0, lambda: rang.append("call"))
    if when == "before":
        handle.cancel()
    loop.pass_time(102.0)
    handle.cancel()

    assert rang == ([] if when == "before" else ["call"])


def test_one_that_rings_may_call_off_another_of_its_group_and_ask_for_a_new_one() -> None:
    loop, rang = ManualLoop(), list[str]()
    timers = CoarseTimers(loop)
    other = timers.call_later(100.0, lambda: rang.append("other"))

    def ring() -> None:
        other.cancel()
        rang.append("one")
        timers.call_later(100.0, lambda: rang.append("new"))

    timers.call_later(100.0, ring)
    loop.pass_time(101.0)
    assert rang == ["one"]
    loop.pass_time(101.0)
    assert rang == ["one", "new"]
