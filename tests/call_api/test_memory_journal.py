import logging
import time
from collections.abc import Callable
from typing import Any

import pytest

from call_api.command_log import Follower
from call_api.entry import Entry
from call_api.errors import CallFailed, DuplicateCommand, TooManyRequests, UnknownCommand
from call_api.events import CallHolding, CallHoldStart, Ended, Error, Event
from call_api.journal import Owned, Snapshot
from call_api.memory_journal import Bounds, MemoryJournal
from call_api.model import CmdId
from tests.fakes.following import calling
from tests.fakes.records import PARAMS, record

START = CallHoldStart(leg="caller")


class Journal(MemoryJournal):
    """The journal on a clock and a loop that the test turns by hand."""

    def __init__(self, **bounds: Any) -> None:
        self.now = 1000.0
        self.soon: list[Callable[[], None]] = []
        super().__init__(
            clock=lambda: self.now,
            call_soon=self.soon.append,
            bounds=Bounds(**bounds),
        )

    def turn(self) -> None:
        """What the loop does in its next turn."""
        callbacks, self.soon[:] = list(self.soon), []
        for callback in callbacks:
            callback()

    async def begin(self, cmd_id: str = "a", *, token: str = "", params: str = PARAMS) -> Owned:
        """A new command."""
        claimed = await self.claim(record(cmd_id, token=token, params=params))
        assert not isinstance(claimed, Snapshot)
        return claimed


class Listener(Follower):
    """Remembers what it was told."""

    def __init__(self, *, leaves_at: int = 0) -> None:
        super().__init__()
        self.seqs: list[int] = []
        self._leaves_at = leaves_at

    def take(self, entry: Entry) -> None:
        self.seqs.append(entry.seq)
        if entry.seq == self._leaves_at:
            self.close()


def end(owned: Owned, *events: Event) -> None:
    for event in events:
        owned.append(event)
    owned.append(Ended(), last=True)


async def test_a_new_command_is_ours_to_run() -> None:
    journal = Journal()
    owned = await journal.begin()

    await owned.may_act()
    await owned.stored()
    await journal.settled()
    assert owned.callid == "own-call"
    assert (list(owned.entries), owned.is_cancelling) == ([], False)


async def test_the_same_command_again_is_not_ours_but_can_be_followed() -> None:
    journal = Journal()
    owned = await journal.begin()
    owned.append(CallHolding())

    again = await journal.claim(record("a"))

    assert isinstance(again, Snapshot)
    assert (again.state, again.seq, again.v1, again.outcome) == ("running", 1, 0, None)


async def test_another_command_under_the_same_id_is_refused() -> None:
    journal = Journal()
    await journal.begin()

    with pytest.raises(DuplicateCommand):
        await journal.claim(record("a", params='{"callid":"other"}'))


async def test_entries_are_numbered_in_both_dialects() -> None:
    owned = await Journal().begin()
    end(owned, CallHolding(), START, Error.of(CallFailed(486)))

    assert [(entry.seq, entry.v1) for entry in owned.entries] == [(1, 0), (2, 0), (3, 1), (4, 2)]


async def test_what_cannot_be_kept_takes_no_number() -> None:
    owned = await Journal().begin()

    with pytest.raises(UnicodeEncodeError):
        owned.append(Error.of(CallFailed(486, "no \udcff character")))
    end(owned)

    assert [(entry.seq, entry.v1) for entry in owned.entries] == [(1, 1)]


async def test_an_ended_command_tells_its_outcome() -> None:
    journal = Journal()
    end(await journal.begin("good"), CallHolding())
    end(await journal.begin("bad"), Error.of(CallFailed(486, "Busy")))
    before = time.time()

    good, _ = await journal.read(CmdId("good"))
    bad, _ = await journal.read(CmdId("bad"))

    assert (good.state, good.outcome, good.error) == ("ended", "ok", None)
    assert (bad.state, bad.outcome) == ("ended", "error")
    assert bytes(bad.error or b"").startswith(b'{"code":-32020,"name":"CallFailed"')
    assert good.ended is not None
    assert 0 <= before - good.ended < 5


async def test_what_was_told_can_be_read_from_any_place() -> None:
    journal = Journal()
    end(await journal.begin(), CallHolding(), START)

    _, all_ = await journal.read(CmdId("a"))
    _, some = await journal.read(CmdId("a"), after=1)
    _, none = await journal.read(CmdId("a"), after=99)

    assert [entry.seq for entry in all_] == [1, 2, 3]
    assert [entry.seq for entry in some] == [2, 3]
    assert none == []


async def test_nobody_knows_a_command_that_was_never_claimed() -> None:
    journal = Journal()

    with pytest.raises(UnknownCommand):
        await journal.read(CmdId("a"))
    with pytest.raises(UnknownCommand):
        await journal.cancel(CmdId("a"))
    with pytest.raises(UnknownCommand):
        journal.follow(CmdId("a"), 0, Listener())


async def test_a_listener_hears_what_was_and_what_comes_once_and_in_order() -> None:
    journal, listener = Journal(), Listener()
    owned = await journal.begin()
    owned.append(CallHolding())
    journal.follow(CmdId("a"), 0, listener)
    owned.append(START)

    assert listener.seqs == []
    journal.turn()
    assert listener.seqs == [1, 2]
    end(owned, START)
    assert len(journal.soon) == 1
    journal.turn()
    assert listener.seqs == [1, 2, 3, 4]
    assert journal.soon == []


async def test_many_events_of_many_commands_are_told_in_one_turn() -> None:
    journal, listeners = Journal(), [Listener() for _ in range(3)]
    for name, listener in zip("abc", listeners, strict=True):
        owned = await journal.begin(name)
        journal.follow(CmdId(name), 0, listener)
        end(owned, CallHolding(), START)

    assert len(journal.soon) == 1
    journal.turn()
    assert [listener.seqs for listener in listeners] == [[1, 2, 3]] * 3


async def test_a_listener_that_comes_late_is_told_all_the_same() -> None:
    journal, first, second = Journal(), Listener(), Listener()
    end(await journal.begin(), CallHolding(), START)

    journal.follow(CmdId("a"), 0, first)
    journal.follow(CmdId("a"), 2, second)
    journal.turn()

    assert (first.seqs, second.seqs) == ([1, 2, 3], [3])


async def test_a_listener_that_leaves_hears_no_more() -> None:
    journal, stays, leaves = Journal(), Listener(), Listener()
    owned = await journal.begin()
    journal.follow(CmdId("a"), 0, leaves)
    journal.follow(CmdId("a"), 0, stays)
    owned.append(CallHolding())
    journal.turn()

    owned.append(START)
    leaves.close()
    leaves.close()
    journal.turn()

    assert (stays.seqs, leaves.seqs) == ([1, 2], [1])


async def test_a_listener_may_leave_while_it_is_told() -> None:
    journal, stays, leaves = Journal(), Listener(), Listener(leaves_at=2)
    owned = await journal.begin()
    journal.follow(CmdId("a"), 0, leaves)
    journal.follow(CmdId("a"), 0, stays)

    end(owned, CallHolding(), START)
    journal.turn()

    assert (stays.seqs, leaves.seqs) == ([1, 2, 3], [1, 2])


async def test_a_listener_that_fails_does_not_harm_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fails(entry: Entry) -> None:
        raise RuntimeError("oops")

    journal, here, there = Journal(), Listener(), Listener()
    end(await journal.begin("a"), CallHolding())
    end(await journal.begin("b"))
    for cmd_id, listener in (("a", calling(fails)), ("a", here), ("b", there)):
        journal.follow(CmdId(cmd_id), 0, listener)

    with caplog.at_level(logging.ERROR):
        journal.turn()

    assert (here.seqs, there.seqs) == ([1, 2], [1])
    assert caplog.messages == ["a listener failed"]


async def test_cancelling_reaches_the_owner_once() -> None:
    journal, asked = Journal(), list[str]()
    owned = await journal.begin()
    owned.on_cancel = lambda: asked.append("cancel")

    assert await journal.cancel(CmdId("a")) == "cancelling"
    assert await journal.cancel(CmdId("a")) == "cancelling"
    assert (asked, owned.is_cancelling) == (["cancel"], True)


async def test_cancelling_is_remembered_for_an_owner_that_does_not_listen_yet() -> None:
    journal = Journal()
    owned = await journal.begin()

    assert await journal.cancel(CmdId("a")) == "cancelling"
    assert owned.is_cancelling


async def test_a_command_that_has_ended_is_not_cancelled() -> None:
    journal, asked = Journal(), list[str]()
    owned = await journal.begin()
    owned.on_cancel = lambda: asked.append("cancel")
    end(owned)

    assert await journal.cancel(CmdId("a")) == "ended"
    assert asked == []


async def test_a_retry_finds_its_command_for_five_minutes_after_the_end() -> None:
    journal = Journal()
    owned = await journal.begin()
    journal.now += 10_000
    end(owned)

    journal.now += 299.9
    assert isinstance(await journal.claim(record("a")), Snapshot)
    journal.now += 0.1
    with pytest.raises(UnknownCommand):
        await journal.read(CmdId("a"))
    await journal.begin()


async def test_beyond_their_number_ended_commands_are_forgotten_oldest_end_first() -> None:
    journal = Journal(keep_most=2)
    commands = {name: await journal.begin(name) for name in "abcd"}
    for name in "bdc":
        end(commands[name])

    assert [one.record.cmd_id for one in await journal.commands(None)] == ["a", "c", "d"]


async def test_beyond_their_size_ended_commands_are_forgotten_oldest_end_first() -> None:
    journal = Journal(keep_bytes=150_000)
    for name in "abc":
        end(await journal.begin(name, params=f'"{"x" * 60_000}"'))

    assert [one.record.cmd_id for one in await journal.commands(None)] == ["b", "c"]


async def test_a_forgotten_command_is_still_told_to_the_end_to_who_follows_it() -> None:
    journal, listener = Journal(keep_most=0), Listener()
    owned = await journal.begin()
    journal.follow(CmdId("a"), 0, listener)

    end(owned, CallHolding())
    journal.turn()

    assert await journal.commands(None) == []
    assert listener.seqs == [1, 2]


async def test_running_commands_are_never_forgotten_and_their_number_is_bounded() -> None:
    journal = Journal(run_most=2)
    first = await journal.begin("a")
    await journal.begin("b")
    journal.now += 10_000

    assert journal.is_ready() == "too many commands run"
    with pytest.raises(TooManyRequests):
        await journal.claim(record("c"))
    assert isinstance(await journal.claim(record("b")), Snapshot)

    end(first)
    assert journal.is_ready() is None
    await journal.begin("c")


async def test_commands_are_listed_in_order_of_their_start_and_by_owner() -> None:
    journal = Journal()
    for name, token in (("b", "x"), ("a", "y"), ("c", "x")):
        await journal.begin(name, token=token)

    assert [one.record.cmd_id for one in await journal.commands(None)] == ["b", "a", "c"]
    assert [one.record.cmd_id for one in await journal.commands("x")] == ["b", "c"]


async def test_memory_has_no_orphans() -> None:
    async with Journal().orphans() as orphans:
        assert [owned async for owned in orphans] == []
