import asyncio
import logging

import pytest

from call_api.backends.base import ACTING
from call_api.commands.base import Emit
from call_api.errors import (
    CallFailed,
)
from call_api.events import CalleeAnswered, CallHoldStart
from call_api.journal import Fenced, Snapshot
from call_api.logs import SUBJECT
from call_api.model import CallId, CmdId, SipUri
from tests.fakes.running import Blocked, running, turns

A = CmdId("a")
START = CallHoldStart(leg="caller")
ANSWERED = CalleeAnswered(callid=CallId("new"), caller=SipUri("sip:a@h"), callee=SipUri("sip:b@h"))


async def test_a_command_tells_its_events_and_ends_with_its_last_call_id() -> None:
    async def act(emit: Emit) -> None:
        emit(ANSWERED)
        emit(START)

    async with running() as desk:
        desk.submit(act)

        story = await desk.story()

    assert [one["event"] for one in story] == ["CalleeAnswered", "CallHoldStart", "Ended"]
    assert story[-1] == {"event": "Ended", "data": {"callid": "new"}}


async def test_the_answer_comes_before_anything_is_told() -> None:
    seen: list[int] = []

    async def act(emit: Emit) -> None:
        seen.append(len(desk.answers))

    async with running() as desk:
        desk.submit(act)
        await desk.story()

    assert seen == [1]
    assert not isinstance(desk.answers[0], Snapshot | Exception)


async def test_a_failure_is_told_just_before_the_end_which_names_no_call() -> None:
    async def act(emit: Emit) -> None:
        emit(ANSWERED)
        raise CallFailed(486, "Busy Here")

    async with running() as desk:
        desk.submit(act)
        story = await desk.story()

    assert [one["event"] for one in story] == ["CalleeAnswered", "Error", "Ended"]
    assert story[1]["data"] == "486 Busy Here"
    assert story[2] == {"event": "Ended"}


async def test_a_bug_ends_the_command_too_and_is_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def act(emit: Emit) -> None:
        raise ZeroDivisionError

    async with running() as desk:
        desk.submit(act)
        assert await desk.names() == ["InternalError", "Ended"]

    assert "failed unexpectedly" in caplog.messages
    assert "ZeroDivisionError" in caplog.text


async def test_an_error_that_cannot_be_told_is_a_bug_and_harms_no_other_command(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def act(emit: Emit) -> None:
        raise CallFailed(486, "no \udcff character")

    other = Blocked()
    async with running() as desk:
        desk.submit(other, "other")
        await other.reached()
        desk.submit(act)
        await turns(2)
        assert await desk.names() == ["InternalError", "Ended"]
        other.go_on.set()
        assert await desk.names("other") == ["CallHolding", "CallHoldStart", "Ended"]

    assert "surrogates not allowed" in caplog.text


async def test_a_command_acts_under_its_own_name() -> None:
    seen: list[str] = []

    async def act(emit: Emit) -> None:
        await ACTING.get().may_act()
        seen.extend((ACTING.get().callid, SUBJECT.get()))

    async with running() as desk:
        desk.submit(act)
        await desk.story()

    assert seen == ["own-call", "[a]"]


async def test_at_its_ceiling_a_command_is_cancelled_and_says_so() -> None:
    async with running() as desk:
        desk.submit(Blocked(), timeout=0.01)

        story = await desk.story()

    assert [one["event"] for one in story] == ["CallHolding", "Error", "Ended"]
    assert story[1]["error"] == {"code": -32021, "name": "CommandTimeout", "timeout": 0.01}


@pytest.mark.parametrize("after_turns", range(6))
async def test_a_command_can_be_cancelled_at_every_moment(after_turns: int) -> None:
    async def act(emit: Emit) -> None:
        for _ in range(3):
            emit(START)
            await asyncio.sleep(0)

    async with running() as desk:
        desk.submit(act)
        await turns(1 + after_turns)
        state = await desk.journal.cancel(A)
        names = await desk.names()

    assert names.count("Ended") == 1
    if state == "ended":
        assert names == ["CallHoldStart"] * 3 + ["Ended"]
    else:
        assert names[-2:] == ["CommandCancelled", "Ended"]
        assert names[:-2] == ["CallHoldStart"] * (len(names) - 2)


@pytest.mark.parametrize("result_first", [True, False])
async def test_a_cancellation_that_comes_together_with_the_result_ends_the_command_once(
    *, result_first: bool
) -> None:
    body = Blocked()
    async with running() as desk:
        desk.submit(body)
        await body.reached()
        if result_first:
            body.go_on.set()
        await desk.journal.cancel(A)
        body.go_on.set()

        assert await desk.names() == ["CallHolding", "CommandCancelled", "Ended"]


async def test_a_ceiling_and_a_cancellation_together_end_the_command_once() -> None:
    body = Blocked()
    async with running() as desk:
        desk.submit(body, timeout=0.01)
        await body.reached()
        await desk.journal.cancel(A)
        await desk.journal.cancel(A)
        names = await desk.names()
        await asyncio.sleep(0.02)

        assert names == await desk.names() == ["CallHolding", "CommandCancelled", "Ended"]


async def test_a_command_that_got_through_in_spite_of_its_cancellation_has_succeeded() -> None:
    body = Blocked()

    async def act(emit: Emit) -> None:
        try:
            await body(emit)
        except asyncio.CancelledError:
            emit(ANSWERED)  # too late to undo it

    async with running() as desk:
        desk.submit(act)
        await body.reached()
        await desk.journal.cancel(A)

        assert await desk.names() == ["CallHolding", "CalleeAnswered", "Ended"]


async def test_a_failure_while_cleaning_up_does_not_hide_why_the_command_was_stopped(
    caplog: pytest.LogCaptureFixture,
) -> None:
    body = Blocked()

    async def act(emit: Emit) -> None:
        try:
            await body(emit)
        finally:
            raise CallFailed(500)

    async with running() as desk:
        desk.submit(act)
        await body.reached()
        await desk.journal.cancel(A)

        assert await desk.names() == ["CallHolding", "CommandCancelled", "Ended"]
    assert "cleaning up failed" in caplog.messages


async def test_a_cleanup_that_does_not_end_is_ended(caplog: pytest.LogCaptureFixture) -> None:
    body, hung = Blocked(), Blocked()

    async def act(emit: Emit) -> None:
        try:
            await body(emit)
        except asyncio.CancelledError:
            try:
                await hung(emit)
            except asyncio.CancelledError:
                emit(START)  # nobody hears it
                raise

    async with running(cleanup_within=0.01) as desk:
        desk.submit(act)
        await body.reached()
        await desk.journal.cancel(A)
        names = ["CallHolding", "CallHolding", "CommandCancelled", "Ended"]
        assert await desk.names() == names
        await turns(5)
        assert desk.runner.running == 0
        assert await desk.names() == names
    assert "ended without having cleaned up" in caplog.messages


async def test_a_command_that_swallows_its_cancellations_is_cancelled_until_it_obeys() -> None:
    body = Blocked()

    async def act(emit: Emit) -> None:
        for _ in range(2):
            try:
                await body(emit)
            except asyncio.CancelledError:
                continue
        await body(emit)

    async with running(cleanup_within=0.01) as desk:
        desk.submit(act)
        await body.reached()
        await desk.journal.cancel(A)
        names = await desk.names()

    assert names[-2:] == ["CommandCancelled", "Ended"]


async def test_something_cancelled_under_a_command_is_a_bug_and_ends_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def act(emit: Emit) -> None:
        waiting = asyncio.get_running_loop().create_future()
        waiting.cancel()
        await waiting

    async with running() as desk:
        desk.submit(act)

        assert await desk.names() == ["InternalError", "Ended"]
    assert "something that it waited for was cancelled" in caplog.messages


async def test_a_task_that_is_cancelled_from_outside_still_ends_its_command() -> None:
    body = Blocked()
    async with running() as desk:
        desk.submit(body)
        await body.reached()
        body.cancel()

        assert await desk.names() == ["CallHolding", "CommandCancelled", "Ended"]
    assert desk.runner.running == 0


async def test_a_task_that_is_also_cancelled_from_outside_stays_cancelled() -> None:
    body = Blocked()
    async with running() as desk:
        desk.submit(body)
        await body.reached()
        await desk.journal.cancel(A)
        body.cancel()

        assert await desk.names() == ["CallHolding", "CommandCancelled", "Ended"]
    assert desk.runner.running == 0


async def test_a_command_that_another_daemon_has_taken_over_tells_nothing_more() -> None:
    async def act(emit: Emit) -> None:
        emit(START)
        raise Fenced

    async with running() as desk:
        desk.submit(act)
        await turns(3)
        snapshot, entries = await desk.journal.read(A)

    assert (snapshot.state, len(entries)) == ("running", 1)


async def test_the_log_tells_the_life_of_a_command(caplog: pytest.LogCaptureFixture) -> None:
    async def act(emit: Emit) -> None:
        raise CallFailed(486)

    with caplog.at_level(logging.INFO):
        async with running() as desk:
            desk.submit(cmd_id="good")
            await desk.story("good")
            desk.submit(act, cmd_id="bad")
            await turns(2)
            await desk.story("bad")

    assert caplog.messages == ["ended", "failed: 486"]
    assert [vars(one)["subject"] for one in caplog.records] == ["[good]", "[bad]"]
