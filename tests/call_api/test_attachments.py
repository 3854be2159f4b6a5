import json
import logging
import random
from collections.abc import Callable
from typing import Any

import pytest

from call_api import attachments
from call_api.attachments import Attachments
from call_api.errors import TooManyRequests
from call_api.events import CallHolding, CallHoldStart, CallHoldSuccessful, Ended
from call_api.journal import Owned, Snapshot
from call_api.memory_journal import Bounds, MemoryJournal
from call_api.model import DialectName
from call_api.record import Record
from tests.fakes.records import record

A = record("a")
# In v2 numbers 1 to 4, then Ended is 5; v1 tells the fourth as 1, and Ended as 2.
EVENTS = (
    CallHolding(),
    CallHoldStart(leg="caller"),
    CallHoldSuccessful(leg="caller"),
    CallHoldSuccessful(leg="callee", legs=("caller", "callee")),
)


class Desk:
    """A journal and one client's attachments to it, on a loop that the test turns by hand."""

    def __init__(
        self, dialect: DialectName = "v2", *, most: int = 10, keep_most: int = 1000
    ) -> None:
        self.sent: list[Any] = []
        self.soon: list[Callable[[], None]] = []
        self.journal = MemoryJournal(
            clock=lambda: 0.0, call_soon=self.soon.append, bounds=Bounds(keep_most=keep_most)
        )
        self.attachments = Attachments(
            dialect=dialect,
            journal=self.journal,
            send=lambda text: self.sent.append(json.loads(text)["params"]),
            most=most,
        )

    def attach(self, command: Record, after: int, *, again: bool = False) -> None:
        """Attach, and answer at once."""
        self.attachments.attach(command, after, again=again)()

    async def begin(self, cmd_id: str = "a") -> Owned:
        claimed = await self.journal.claim(record(cmd_id))
        assert not isinstance(claimed, Snapshot)
        return claimed

    def turn(self) -> list[int]:
        """Let the loop turn; return the numbers of what has been sent since the last time."""
        callbacks, self.soon[:] = list(self.soon), []
        for callback in callbacks:
            callback()
        numbers = [one["seq"] for one in self.sent]
        self.sent.clear()
        return numbers


def tell(owned: Owned, first: int, last: int) -> None:
    """Tell events by their number in v2."""
    for number in range(first, last + 1):
        if number == 5:
            owned.append(Ended(), last=True)
        else:
            owned.append(EVENTS[number - 1])


@pytest.mark.parametrize(("dialect", "numbers"), [("v1", [1, 2]), ("v2", [1, 2, 3, 4, 5])])
async def test_a_story_is_told_from_the_first_in_the_numbers_of_the_dialect(
    dialect: DialectName, numbers: list[int]
) -> None:
    desk = Desk(dialect)
    owned = await desk.begin()
    tell(owned, 1, 2)
    desk.attach(A, 0)
    tell(owned, 3, 5)

    assert desk.turn() == numbers


@pytest.mark.parametrize(
    ("dialect", "after", "numbers"),
    [("v2", 3, [4, 5]), ("v2", 5, []), ("v2", 99, []), ("v1", 1, [2]), ("v1", 2, [])],
)
async def test_a_story_is_told_from_where_the_client_stands(
    dialect: DialectName, after: int, numbers: list[int]
) -> None:
    desk = Desk(dialect)
    tell(await desk.begin(), 1, 5)

    desk.attach(A, after)

    assert desk.turn() == numbers


async def test_attached_twice_a_client_gets_each_notification_once() -> None:
    desk = Desk()
    owned = await desk.begin()
    desk.attach(A, 0)
    tell(owned, 1, 2)
    assert desk.turn() == [1, 2]

    desk.attach(A, 0)
    desk.attach(A, 1)
    desk.attach(A, 0, again=True)
    tell(owned, 3, 5)
    assert desk.turn() == [3, 4, 5]


@pytest.mark.parametrize(("dialect", "missed"), [("v1", [1]), ("v2", [1, 2, 3, 4])])
async def test_attached_again_from_further_back_a_client_gets_what_is_between(
    dialect: DialectName, missed: list[int]
) -> None:
    desk = Desk(dialect)
    owned = await desk.begin()
    tell(owned, 1, 4)
    desk.attach(A, missed[-1])
    assert desk.turn() == []

    desk.attach(A, 0)
    assert desk.turn() == missed
    desk.attach(A, 0)
    tell(owned, 5, 5)
    assert desk.turn() == [missed[-1] + 1]


async def test_what_was_declared_known_too_early_is_told_live_when_asked_for() -> None:
    desk = Desk()
    owned = await desk.begin()
    desk.attach(A, 3)
    desk.attach(A, 1)
    tell(owned, 1, 2)
    assert desk.turn() == [2]
    tell(owned, 3, 4)
    desk.attach(A, 0)
    assert desk.turn() == [1, 3, 4]
    tell(owned, 5, 5)
    assert desk.turn() == [5]


async def test_a_story_that_was_told_to_the_end_is_told_again_only_to_a_retry() -> None:
    desk = Desk()
    tell(await desk.begin(), 1, 5)
    desk.attach(A, 0, again=True)
    assert desk.turn() == [1, 2, 3, 4, 5]

    desk.attach(A, 0)
    assert desk.turn() == []
    desk.attach(A, 0, again=True)
    assert desk.turn() == [1, 2, 3, 4, 5]


async def test_what_a_client_missed_of_an_ended_story_is_told_once() -> None:
    desk = Desk()
    tell(await desk.begin(), 1, 5)
    desk.attach(A, 3)
    assert desk.turn() == [4, 5]

    desk.attach(A, 1)
    assert desk.turn() == [2, 3]
    desk.attach(A, 1)
    assert desk.turn() == []


async def test_only_so_many_running_commands_may_be_followed() -> None:
    desk = Desk(most=2)
    first = await desk.begin("a")
    await desk.begin("b")
    desk.attachments.check()
    desk.attach(A, 0)
    desk.attach(record("b"), 0)

    with pytest.raises(TooManyRequests):
        desk.attachments.check()

    tell(first, 1, 5)
    desk.turn()
    desk.attachments.check()


@pytest.mark.parametrize("dialect", ["v1", "v2"])
async def test_a_command_of_which_all_is_known_takes_no_room_for_long(
    dialect: DialectName,
) -> None:
    desk = Desk(dialect, most=1)
    tell(await desk.begin(), 1, 5)

    desk.attach(A, 5)

    assert desk.turn() == []
    desk.attachments.check()


async def test_until_the_answer_is_out_a_client_hears_nothing() -> None:
    desk = Desk(keep_most=0)
    owned = await desk.begin()
    answered = desk.attachments.attach(A, 0)
    also_answered = desk.attachments.attach(A, 0, again=True)
    tell(owned, 1, 5)
    assert desk.turn() == []

    answered()
    also_answered()

    assert desk.turn() == [1, 2, 3, 4, 5]
    desk.attachments.check()


async def test_who_goes_further_back_before_the_answer_is_out_gets_each_once() -> None:
    desk = Desk()
    tell(await desk.begin(), 1, 5)
    answers = [desk.attachments.attach(A, after) for after in (3, 1)]
    assert desk.turn() == []

    for answered in answers:
        answered()

    assert desk.turn() == [2, 3, 4, 5]


async def test_another_command_under_an_old_id_is_told_from_its_first() -> None:
    desk = Desk(keep_most=0)
    first = await desk.begin()
    desk.attach(A, 0)
    tell(first, 1, 5)
    assert desk.turn() == [1, 2, 3, 4, 5]

    again = await desk.journal.claim(record("a", callid="another-call"))
    assert not isinstance(again, Snapshot)
    desk.attach(again.record, 0)
    tell(again, 1, 5)

    assert desk.turn() == [1, 2, 3, 4, 5]


async def test_of_very_many_ended_stories_the_oldest_is_forgotten() -> None:
    desk = Desk(most=1000)
    for number in range(attachments.REMEMBERED + 1):
        owned = await desk.begin(str(number))
        desk.attach(owned.record, 0)
        owned.append(Ended(), last=True)
    desk.turn()

    desk.attach(record("1"), 0)
    assert desk.turn() == []
    desk.attach(record("0"), 0)
    assert desk.turn() == [1]


@pytest.mark.parametrize("dialect", ["v1", "v2"])
async def test_however_a_client_attaches_it_gets_what_it_wants_once(dialect: DialectName) -> None:
    rng = random.Random(11)
    for _ in range(300):
        desk, heard, told, wanted = Desk(dialect), list[int](), 0, list[int]()
        owned = await desk.begin()
        while told < 5 or not wanted:
            if rng.random() < 0.4:
                wanted.append(rng.randrange(6))
                desk.attach(A, wanted[-1], again=rng.random() < 0.2)
            if rng.random() < 0.4 and told < 5:
                told += 1
                tell(owned, told, told)
            if rng.random() < 0.4:
                heard += desk.turn()
        heard += desk.turn()

        last = owned.entries[-1].v1 if dialect == "v1" else 5
        assert sorted(heard) == list(range(min(wanted) + 1, last + 1))


async def test_a_client_that_is_gone_hears_nothing() -> None:
    desk = Desk()
    owned = await desk.begin()
    desk.attach(A, 0)
    tell(owned, 1, 2)
    desk.attachments.close()
    desk.attach(A, 0)
    tell(owned, 3, 5)

    assert desk.turn() == []


def test_a_command_that_is_forgotten_meanwhile_is_only_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    desk = Desk()

    with caplog.at_level(logging.WARNING):
        desk.attach(A, 0)

    assert caplog.messages == ["too late to follow the command a"]
    assert desk.turn() == []
