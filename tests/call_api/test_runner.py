import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from call_api.backends.base import Backend
from call_api.commands.base import Emit
from call_api.errors import (
    CallFailed,
    CommandCancelled,
    DuplicateCommand,
    InternalError,
)
from call_api.events import CalleeAnswered, CallHoldStart
from call_api.journal import Owned, Snapshot
from call_api.journal_writer import JournalWriter
from call_api.memory_journal import MemoryJournal
from call_api.model import CallId, CmdId, SipUri
from call_api.record import Record
from call_api.sqlite_journal import SqliteJournal
from tests.fakes.following import calling
from tests.fakes.records import record
from tests.fakes.running import Blocked, Desk, running, turns
from tests.fakes.slow_disk import SlowDisk
from tests.fakes.virtual_time import until

A = CmdId("a")
START = CallHoldStart(leg="caller")
ANSWERED = CalleeAnswered(callid=CallId("new"), caller=SipUri("sip:a@h"), callee=SipUri("sip:b@h"))


async def test_a_retry_starts_nothing() -> None:
    runs: list[str] = []

    async def act(emit: Emit) -> None:
        runs.append("run")

    async with running() as desk:
        for _ in range(3):
            desk.submit(act)
        await desk.story()
        desk.submit(act)
        await turns(3)

    assert runs == ["run"]
    assert [isinstance(answer, Snapshot) for answer in desk.answers] == [False, True, True, True]


async def test_another_command_under_the_same_id_is_refused() -> None:
    async with running() as desk:
        desk.submit()
        desk.submit(params='{"callid":"other"}')
        await desk.story()

    assert isinstance(desk.answers[1], DuplicateCommand)


async def test_a_journal_that_fails_costs_the_command_but_not_the_answer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken(MemoryJournal):
        def claim_now(self, record: Record) -> Owned | Snapshot | None:
            raise OSError("disk full")

    loop = asyncio.get_running_loop()
    journal = Broken(clock=loop.time, call_soon=loop.call_soon)
    async with running(journal=journal) as desk:
        desk.submit()
        await turns(3)

    assert [type(answer) for answer in desk.answers] == [InternalError]
    assert "disk full" in caplog.text


async def test_leaving_the_runner_ends_what_still_runs() -> None:
    body = Blocked()
    done: list[str] = []

    async def query() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            done.append("query")

    async with running() as desk:
        desk.submit(body)
        desk.runner.spawn(query(), "query")
        await body.reached()
        await turns(1)
        assert desk.runner.running == 1

    assert desk.runner.running == 0
    assert await desk.names() == ["CallHolding", "CommandCancelled", "Ended"]
    assert done == ["query"]


async def test_what_fails_around_the_runner_ends_the_commands_and_fails_on() -> None:
    body = Blocked()
    desks: list[Desk] = []

    async def fail() -> None:
        async with running() as desk:
            desks.append(desk)
            desk.submit(body)
            await body.reached()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await desks[0].names() == ["CallHolding", "CommandCancelled", "Ended"]


async def test_while_it_drains_commands_may_end_by_themselves() -> None:
    body = Blocked()
    async with running() as desk:
        desk.submit(body)
        await body.reached()
        asyncio.get_running_loop().call_later(0.01, body.go_on.set)

        async with asyncio.timeout(5):
            await desk.runner.drain(within=60)

        assert desk.runner.running == 0
        assert await desk.names() == ["CallHolding", "CallHoldStart", "Ended"]


async def test_at_the_end_of_the_time_commands_are_cancelled_and_listeners_have_heard_it() -> None:
    body, heard = Blocked(), list[int]()
    async with running() as desk:
        desk.submit(body)
        await body.reached()
        desk.journal.follow(A, 0, calling(lambda entry: heard.append(entry.seq)))

        await desk.runner.drain(within=0.05)

        assert heard == [1, 2, 3]
        story = await desk.story()
    assert story[1]["data"] == "cancelled: the daemon is shutting down"


async def test_a_command_that_does_not_clean_up_in_time_is_ended_all_the_same(
    caplog: pytest.LogCaptureFixture,
) -> None:
    body, hung = Blocked(), Blocked()

    async def act(emit: Emit) -> None:
        try:
            await body(emit)
        finally:
            await hung(emit)

    async with running() as desk:
        desk.submit(act)
        await body.reached()

        async with asyncio.timeout(5):
            await desk.runner.drain(within=0.05)

        assert (await desk.names())[-2:] == ["CommandCancelled", "Ended"]
    assert "ended without having cleaned up" in caplog.messages


async def test_with_nothing_to_do_draining_takes_no_time() -> None:
    async with running() as desk, asyncio.timeout(5):
        await desk.runner.drain(within=60)


async def test_once_it_drains_new_commands_are_refused_but_retries_are_not() -> None:
    async with running() as desk:
        desk.submit()
        await desk.story()
        await desk.runner.drain(within=0)

        desk.submit()
        desk.submit(params='{"callid":"other"}')
        desk.submit(cmd_id="new")
        await turns(3)

    assert [type(answer) for answer in desk.answers[1:]] == [
        Snapshot,
        DuplicateCommand,
        CommandCancelled,
    ]


class Slow(MemoryJournal):
    """A journal that takes its time to claim a command."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(clock=loop.time, call_soon=loop.call_soon)
        self.claiming = Blocked()
        self.is_cancelled_meanwhile = False

    def claim_now(self, record: Record) -> Owned | Snapshot | None:
        return None

    async def claim(self, record: Record) -> Owned | Snapshot:
        claimed = await super().claim(record)
        await self.claiming(lambda event: None)
        if self.is_cancelled_meanwhile:
            await self.cancel(record.cmd_id)
        return claimed


async def test_a_command_that_is_claimed_while_the_daemon_goes_is_answered_and_ended() -> None:
    journal, body = Slow(), Blocked()
    async with running(journal=journal) as desk:
        desk.submit(body)
        await journal.claiming.reached()
        await desk.runner.drain(within=0)
        journal.claiming.go_on.set()

        assert await desk.names() == ["CommandCancelled", "Ended"]
    assert not body.is_there.is_set()


async def test_a_command_that_is_cancelled_while_it_is_claimed_is_answered_and_ended() -> None:
    journal, body = Slow(), Blocked()
    journal.is_cancelled_meanwhile = True
    async with running(journal=journal) as desk:
        desk.submit(body)
        await journal.claiming.reached()
        journal.claiming.go_on.set()

        assert await desk.names() == ["CommandCancelled", "Ended"]
    assert not body.is_there.is_set()


async def test_a_command_that_ignores_its_end_is_not_waited_for_any_longer() -> None:
    journal, is_over = Slow(), asyncio.Event()
    journal.claiming.go_on.set()

    async def act(emit: Emit) -> None:
        while not is_over.is_set():
            with suppress(asyncio.CancelledError):
                await is_over.wait()

    async with running(journal=journal) as desk:
        desk.submit(act)
        await journal.claiming.reached()
        try:
            async with asyncio.timeout(1):
                await desk.runner.drain(within=0.05)
        finally:
            is_over.set()

    assert await desk.names() == ["CommandCancelled", "Ended"]


async def test_once_it_is_left_everything_is_refused() -> None:
    async def work() -> None:
        """Never begun."""

    async with running() as desk:
        pass
    desk.submit()

    with pytest.raises(CommandCancelled):
        desk.runner.spawn(work(), "work")
    assert [type(answer) for answer in desk.answers] == [CommandCancelled]


async def test_who_asks_for_it_is_told_once_that_a_new_command_is_over_and_how() -> None:
    over: list[object] = []

    async def fail(emit: Emit) -> None:
        raise CallFailed(486)

    async with running() as desk:
        desk.submit(ended=over.append)
        desk.submit(ended=lambda problem: over.append("a retry"))
        desk.submit(fail, "b", ended=over.append)
        await desk.story()
        await desk.story("b")
        await turns(3)

    assert over[0] is None
    assert [str(one) for one in over[1:]] == ["486"]


async def test_a_command_of_a_daemon_that_died_is_ended_by_what_finds_out_how() -> None:
    class Finding:
        async def run(self, backend: Backend, emit: Emit) -> None:
            emit(START)

    async with running() as desk:
        owned = await desk.journal.claim(record("a", timeout=0.001))
        assert not isinstance(owned, Snapshot)
        desk.runner.adopt(owned, Finding(), CallId("old"))
        await turns(1)
        assert desk.runner.running == 0
        _, entries = await desk.journal.read(A)

    assert [entry.event for entry in entries] == [
        b'{"event":"CallHoldStart","data":{"leg":"caller"}}',
        b'{"event":"Ended","data":{"callid":"old"}}',
    ]


async def test_a_journal_that_cannot_keep_up_holds_up_the_end_for_a_moment_only() -> None:
    class Stuck(MemoryJournal):
        async def settled(self) -> None:
            await asyncio.Event().wait()

    loop = asyncio.get_running_loop()
    async with running(journal=Stuck(clock=loop.time, call_soon=loop.call_soon)) as desk:
        async with asyncio.timeout(5):
            await desk.runner.drain(0.1)


async def test_what_is_being_claimed_when_the_daemon_goes_is_ended_and_kept_before_it_is_gone() -> (
    None
):
    loop, disk = asyncio.get_running_loop(), SlowDisk()
    with ThreadPoolExecutor(max_workers=1) as thread:
        writer = JournalWriter(disk, thread)
        journal = SqliteJournal(writer, [], clock=loop.time, call_soon=loop.call_soon)
        async with running(journal=journal) as desk, asyncio.TaskGroup() as group:
            disk.is_free.clear()
            desk.submit(cmd_id="a")
            await until(lambda: disk.tries)
            desk.submit(cmd_id="b")
            draining = group.create_task(desk.runner.drain(0.0))
            await asyncio.sleep(0.01)
            disk.is_free.set()
            await draining

            assert [type(answer).__name__ for answer in desk.answers] == ["_KeptLog"] * 2
            for cmd_id in "ab":
                assert (await journal.read(CmdId(cmd_id)))[0].state == "ended"
        await writer.close()
