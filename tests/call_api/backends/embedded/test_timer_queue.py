import logging

import pytest

from call_api.backends.embedded.timer_queue import TimerEntry, TimerQueue
from tests.fakes.manual_clock import ManualClock


class Sleeper:
    """Wants to be woken at `due`, and remembers when it was."""

    def __init__(self, due: float | None, every: float | None = None) -> None:
        self.timer: TimerEntry | None = None
        self.due = due
        self.every = every
        self.woken: list[float] = []

    def next_timer(self) -> float | None:
        return self.due

    def handle_timer(self, now: float) -> None:
        self.woken.append(now)
        self.due = None if self.every is None else now + self.every


class Failing(Sleeper):
    def handle_timer(self, now: float) -> None:
        super().handle_timer(now)
        raise RuntimeError("no luck")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(0.0)


@pytest.fixture
def queue(clock: ManualClock) -> TimerQueue:
    return TimerQueue(clock)


def test_each_is_woken_at_its_time(clock: ManualClock, queue: TimerQueue) -> None:
    late, early, never = Sleeper(2.0), Sleeper(1.0), Sleeper(None)
    for sleeper in (late, early, never):
        queue.update(sleeper)

    clock.advance(10.0)

    assert (early.woken, late.woken, never.woken) == ([1.0], [2.0], [])
    assert clock.pending == 0


def test_one_call_of_the_loop_serves_all(clock: ManualClock, queue: TimerQueue) -> None:
    for when in range(100, 0, -1):
        queue.update(Sleeper(float(when)))

    assert clock.pending == 1


def test_who_wants_to_be_woken_again_is(clock: ManualClock, queue: TimerQueue) -> None:
    sleeper = Sleeper(1.0, every=1.0)
    queue.update(sleeper)

    clock.advance(3.5)

    assert sleeper.woken == [1.0, 2.0, 3.0]


def test_a_time_that_moves_is_followed_both_ways(clock: ManualClock, queue: TimerQueue) -> None:
    sooner, later = Sleeper(5.0), Sleeper(5.0)
    for sleeper in (sooner, later):
        queue.update(sleeper)
    sooner.due, later.due = 2.0, 8.0
    for sleeper in (sooner, later):
        queue.update(sleeper)

    clock.advance(10.0)

    assert (sooner.woken, later.woken) == ([2.0], [8.0])


def test_who_needs_no_timer_any_more_is_left_alone(clock: ManualClock, queue: TimerQueue) -> None:
    told, untold = Sleeper(1.0), Sleeper(1.0)
    for sleeper in (told, untold):
        queue.update(sleeper)
        sleeper.due = None
    queue.update(told)
    queue.update(told)

    clock.advance(10.0)

    assert (told.woken, untold.woken) == ([], [])
    assert clock.pending == 0


def test_one_that_is_due_at_once_again_lets_the_others_go_first(
    clock: ManualClock, queue: TimerQueue
) -> None:
    greedy, other = Sleeper(1.0, every=0.0), Sleeper(1.0)
    queue.update(greedy)
    queue.update(other)
    other.every = None

    def stop() -> None:
        greedy.every = None

    clock.call_at(1.0, stop)
    clock.advance(1.0)

    assert other.woken == [1.0]
    assert set(greedy.woken) == {1.0}


def test_one_that_fails_is_logged_and_stops_nobody(
    clock: ManualClock, queue: TimerQueue, caplog: pytest.LogCaptureFixture
) -> None:
    failing, other = Failing(1.0, every=1.0), Sleeper(1.0)
    queue.update(failing)
    queue.update(other)

    with caplog.at_level(logging.ERROR):
        clock.advance(2.0)

    assert (failing.woken, other.woken) == ([1.0, 2.0], [1.0])
    assert [record.exc_text is not None for record in caplog.records] == [True, True]


def test_entries_that_nobody_needs_do_not_pile_up(clock: ManualClock, queue: TimerQueue) -> None:
    kept = Sleeper(100.0)
    queue.update(kept)
    for number in range(5000):
        sleeper = Sleeper(1000.0 + number)
        queue.update(sleeper)
        sleeper.due = None
        queue.update(sleeper)

    assert len(queue) < 1100
    clock.advance(100.0)
    assert kept.woken == [100.0]


def test_a_closed_queue_wakes_nobody(clock: ManualClock, queue: TimerQueue) -> None:
    sleeper = Sleeper(1.0)
    queue.update(sleeper)

    queue.close()
    queue.close()
    clock.advance(10.0)

    assert sleeper.woken == []
    assert sleeper.timer is None
    assert clock.pending == 0


def test_who_is_woken_may_close_the_queue(clock: ManualClock, queue: TimerQueue) -> None:
    closing, other = Sleeper(1.0, every=1.0), Sleeper(1.0, every=1.0)
    queue.update(closing)
    queue.update(other)
    clock.call_at(0.5, lambda: setattr(closing, "handle_timer", lambda now: queue.close()))

    clock.advance(10.0)

    assert other.woken in ([], [1.0])
    assert clock.pending == 0
