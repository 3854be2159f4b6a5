import asyncio
import gc
import json
import logging
import weakref
from contextlib import suppress
from typing import Any

import pytest

from call_api import recovery
from call_api.backends.base import Backend, Remains
from call_api.commands.base import Emit
from call_api.errors import CallFailed, ProxyUnreachable
from call_api.events import CallHolding, Ended, Error, Event, TransferStart
from call_api.journal import Owned, Snapshot
from call_api.memory_journal import MemoryJournal, Orphans
from call_api.model import CallId, CmdId
from call_api.recovery import recover
from call_api.runner import Runner
from tests.fakes.records import record
from tests.fakes.scripted_backend import ScriptedBackend
from tests.fakes.virtual_time import in_virtual_time, until

JOIN = '{"callid_a":"a","leg_a":"caller","callid_b":"b","leg_b":"caller"}'
UP = Remains(callid=CallId("c"), call="up", held=("caller", "callee"))


class Left(MemoryJournal):
    """A journal in which commands of a daemon before are left over."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(clock=loop.time, call_soon=loop.call_soon)
        self.left: list[Owned] = []

    async def leave(self, cmd_id: str, *events: Event, **about: Any) -> None:
        owned = await self.claim(record(cmd_id, **about))
        assert not isinstance(owned, Snapshot)
        for event in events:
            owned.append(event)
        self.left.append(owned)

    def orphans(self) -> Orphans:
        return Orphans(self.left)

    async def told(self, cmd_id: str) -> list[tuple[str, Any]]:
        snapshot, entries = await self.read(CmdId(cmd_id))
        assert snapshot.state == "ended"
        texts = [json.loads(entry.event) for entry in entries]
        return [(text["event"], text.get("error", text.get("data"))) for text in texts]


def lost(callid: str, call: str) -> tuple[str, object]:
    return ("Error", {"code": -32023, "name": "OwnerLost", "callid": callid, "call": call})


async def recovered(journal: Left, backend: ScriptedBackend) -> None:
    async with Runner(journal=journal, backend=backend) as runner:
        await recover(journal, runner, backend)
        assert runner.running <= len(journal.left)
        await until(lambda: all(owned_has_ended(owned) for owned in journal.left))


def owned_has_ended(owned: Owned) -> bool:
    return bool(owned.entries) and owned.entries[-1].event.startswith(b'{"event":"Ended"')


@in_virtual_time
async def test_what_is_done_is_told_to_its_end_and_nothing_is_done_again() -> None:
    journal, backend = Left(), ScriptedBackend()
    backend.left = UP
    await journal.leave("a", CallHolding())

    await recovered(journal, backend)

    names = [name for name, _ in await journal.told("a")]
    assert names == [
        "CallHolding",
        "CallHoldStart",
        "CallHoldSuccessful",
        "CallHoldStart",
        "CallHoldSuccessful",
        "Ended",
    ]
    assert backend.asked == [("remains", "c")]


@in_virtual_time
async def test_what_is_not_done_is_lost_with_what_is_left() -> None:
    journal, backend = Left(), ScriptedBackend()
    backend.left = Remains(callid=CallId("c"), call="up")
    await journal.leave("a", CallHolding())

    await recovered(journal, backend)

    assert await journal.told("a") == [("CallHolding", None), lost("c", "up"), ("Ended", None)]


@in_virtual_time
async def test_a_call_that_was_told_is_what_the_end_calls_it() -> None:
    journal, backend = Left(), ScriptedBackend()
    backend.left = Remains(callid=CallId("new"), call="up")
    params = '{"callid":"c","leg":"callee","destination":"sip:x@localhost"}'
    await journal.leave(
        "a", TransferStart(callid=CallId("new")), method="CallBlindTransfer", params=params
    )

    await recovered(journal, backend)

    assert (await journal.told("a"))[-1] == ("Ended", {"callid": "new"})
    assert backend.asked == [("remains_of_transfer", ("c",), "new")]


@in_virtual_time
async def test_a_failure_that_was_told_stays_one() -> None:
    journal, backend = Left(), ScriptedBackend()
    await journal.leave("a", Error.of(CallFailed(486, "Busy")))

    await recovered(journal, backend)

    assert [name for name, _ in await journal.told("a")] == ["Error", "Ended"]
    assert backend.asked == []


@pytest.mark.parametrize(
    ("method", "params", "callid"),
    [
        ("CallHold", '{"callid":"c"}', "c"),
        (
            "CallAttendedTransfer",
            '{"callid_a":"a","leg_a":"caller","callid_b":"b","leg_b":"caller"}',
            "a",
        ),
        ("CallStart", '{"caller":"sip:a@localhost","callee":"sip:b@localhost"}', "own-call"),
        ("CallPark", '{"callid":"c"}', "own-call"),
        ("CallHold", '{"call":"c"}', "own-call"),
    ],
)
@in_virtual_time
async def test_what_nobody_can_tell_or_understand_is_unknown(
    method: str, params: str, callid: str
) -> None:
    journal, backend = Left(), ScriptedBackend(refuses=ProxyUnreachable("gone"))
    await journal.leave("a", method=method, params=params)

    await recovered(journal, backend)

    assert await journal.told("a") == [lost(callid, "unknown"), ("Ended", None)]


@in_virtual_time
async def test_a_back_end_that_is_not_ready_yet_is_waited_for_but_not_for_ever() -> None:
    loop = asyncio.get_running_loop()

    class Slow(ScriptedBackend):
        ready_at = loop.time() + 10

        def is_ready(self) -> str | None:
            return None if loop.time() >= self.ready_at else "not yet"

    journal, backend = Left(), Slow()
    backend.left = UP
    await journal.leave("a")
    await recovered(journal, backend)
    assert loop.time() >= Slow.ready_at
    assert len(await journal.told("a")) == 6

    began, never = loop.time(), Slow(refuses=ProxyUnreachable())
    Slow.ready_at = began + 1e6
    journal = Left()
    for name in "abc":
        await journal.leave(name)
    await recovered(journal, never)
    assert loop.time() - began < recovery.READY_WITHIN + 2
    assert (await journal.told("c"))[0] == lost("c", "unknown")


@in_virtual_time
async def test_a_back_end_that_never_answers_is_given_up() -> None:
    class Silent(ScriptedBackend):
        async def remains(self, callid: CallId) -> Remains:
            await asyncio.Event().wait()
            raise AssertionError

    journal = Left()
    await journal.leave("a")

    await recovered(journal, Silent())

    assert (await journal.told("a"))[0] == lost("c", "unknown")


@in_virtual_time
async def test_who_cancels_what_is_looked_up_is_told_the_truth() -> None:
    class Slow(ScriptedBackend):
        async def remains(self, callid: CallId) -> Remains:
            await asyncio.sleep(1)
            return Remains(callid=callid, call="up")

    journal = Left()
    await journal.leave("a")
    async with Runner(journal=journal, backend=Slow()) as runner:
        await recover(journal, runner, Slow())
        assert await journal.cancel(CmdId("a")) == "cancelling"
        await until(lambda: owned_has_ended(journal.left[0]))

    assert (await journal.told("a"))[0] == lost("c", "up")


@in_virtual_time
@pytest.mark.parametrize("within", [None, 0.0, 5.0])
async def test_what_is_not_found_out_when_the_daemon_goes_is_left_to_the_next_one(
    within: float | None,
) -> None:
    class Silent(ScriptedBackend):
        async def remains(self, callid: CallId) -> Remains:
            await asyncio.Event().wait()
            raise AssertionError

    journal = Left()
    await journal.leave("a", CallHolding())
    async with Runner(journal=journal, backend=Silent()) as runner:
        await recover(journal, runner, Silent())
        await asyncio.sleep(1)
        if within is not None:
            await runner.drain(within)
    assert [entry.seq for entry in journal.left[0].entries] == [1]
    assert runner.running == 0

    backend = ScriptedBackend()
    backend.left = Remains(callid=CallId("c"), call="up")
    await recovered(journal, backend)
    assert await journal.told("a") == [("CallHolding", None), lost("c", "up"), ("Ended", None)]


@in_virtual_time
async def test_what_ends_by_itself_though_it_was_left_to_the_next_daemon_is_let_go() -> None:
    class Stubborn:
        async def run(self, backend: Backend, emit: Emit) -> None:
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()

    journal = Left()
    await journal.leave("a")
    async with Runner(journal=journal, backend=ScriptedBackend()) as runner:
        story = Stubborn()
        runner.adopt(journal.left[0], story, None)
        await runner.drain(0)
    known = weakref.ref(story)
    del story
    await asyncio.sleep(10)
    gc.collect()

    assert known() is None


@in_virtual_time
async def test_many_are_looked_up_some_at_a_time() -> None:
    class Counting(ScriptedBackend):
        now = most = 0

        async def remains(self, callid: CallId) -> Remains:
            self.now += 1
            self.most = max(self.most, self.now)
            await asyncio.sleep(1)
            self.now -= 1
            return UP

    journal, backend = Left(), Counting()
    for number in range(100):
        await journal.leave(str(number))

    await recovered(journal, backend)

    assert backend.most == recovery.AT_A_TIME


@in_virtual_time
async def test_the_log_says_how_many_there_were_if_there_were_any(
    caplog: pytest.LogCaptureFixture,
) -> None:
    journal = Left()
    with caplog.at_level(logging.WARNING):
        await recovered(journal, ScriptedBackend())
        assert caplog.messages == []
        await journal.leave("a", Ended())
        journal.left[0].append(Ended(), last=True)
        async with Runner(journal=journal, backend=ScriptedBackend()) as runner:
            await recover(journal, runner, ScriptedBackend())
    assert caplog.messages[0] == "commands that ran when the daemon before this one died: 1"
