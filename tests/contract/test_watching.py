"""Backend.watch: who keeps a list by what is told has the list that there is."""

import asyncio
from collections.abc import Callable, Iterable, Iterator

import pytest

from call_api.backends.base import CallChange, CallInfo
from call_api.errors import CallFailed
from call_api.model import LEGS, CallId
from tests.contract.acting import run
from tests.contract.calls import idle, started, talk
from tests.contract.lab import WITHIN, Lab, LabPhone


class Watcher:
    """One who knows of calls what is told.

    Attributes:
        told: What was told, oldest first.
        calls: The calls that there are, going by that.
    """

    def __init__(self, lab: Lab) -> None:
        self.told: list[CallChange] = []
        self.calls: dict[CallId, CallInfo] = {}
        self._lab = lab
        self._news = asyncio.Event()
        self._watching = lab.backend.watch(self._take)

    def close(self) -> None:
        self._watching.close()

    def events(self, callid: str) -> list[str]:
        """Return what was told of a call."""
        return [change.event for change in self.told if change.call.callid == callid]

    async def until(self, claim: Callable[[], bool]) -> None:
        """Wait for something to be told."""
        async with asyncio.timeout(WITHIN):
            while not claim():
                self._news.clear()
                await self._news.wait()

    async def is_right(self) -> bool:
        """Return whether what was told is what is listed, times and holds aside."""
        listed = (await self._lab.backend.calls(1000, None)).calls
        return _brief(listed) == _brief(self.calls.values())

    def _take(self, change: CallChange) -> None:
        self.told.append(change)
        if change.event == "ended":
            self.calls.pop(change.call.callid, None)
        else:
            self.calls[change.call.callid] = change.call
        self._news.set()


def _brief(calls: Iterable[CallInfo]) -> set[tuple[str, str, str, str]]:
    return {(call.callid, call.state, call.caller, call.callee) for call in calls}


@pytest.fixture
def watcher(lab: Lab) -> Iterator[Watcher]:
    made = Watcher(lab)
    yield made
    made.close()


async def test_a_call_by_command_is_told_until_it_is_answered_and_until_it_ends(
    lab: Lab, watcher: Watcher, alice: LabPhone, bob: LabPhone
) -> None:
    callid = await started(lab, alice, bob)
    await watcher.until(lambda: [*watcher.calls] == [callid])
    await watcher.until(lambda: watcher.calls[callid].state == "answered")
    assert await watcher.is_right()

    await lab.backend.end(callid)

    await watcher.until(lambda: not watcher.calls)
    assert watcher.events(callid)[0] == "created"
    assert watcher.events(callid)[-1] == "ended"
    assert watcher.events(callid).count("answered") == 1


async def test_a_call_between_phones_is_told_as_well(
    watcher: Watcher, alice: LabPhone, bob: LabPhone
) -> None:
    await alice.call(bob.uri)
    await talk(alice, bob)
    await watcher.until(lambda: "answered" in [change.event for change in watcher.told])
    (callid,) = watcher.calls
    assert await watcher.is_right()

    await bob.hang_up()

    await watcher.until(lambda: not watcher.calls)
    assert watcher.events(callid) == ["created", "ringing", "answered", "ended"]


async def test_a_hold_and_its_end_are_told(
    lab: Lab, watcher: Watcher, alice: LabPhone, bob: LabPhone
) -> None:
    callid = await started(lab, alice, bob)
    await run(lab.backend.hold(callid, LEGS))
    await watcher.until(lambda: sorted(watcher.calls[callid].held) == sorted(LEGS))
    assert "held" in watcher.events(callid)

    await run(lab.backend.unhold(callid, LEGS))

    await watcher.until(lambda: not watcher.calls[callid].held)
    assert watcher.events(callid)[-1] == "resumed"


async def test_a_transfer_is_told_once_under_the_name_that_the_call_has_then(
    lab: Lab, watcher: Watcher, alice: LabPhone, bob: LabPhone, carol: LabPhone
) -> None:
    old = await started(lab, alice, bob)
    await watcher.until(lambda: [*watcher.calls] == [old])
    watcher.told.clear()

    new = (await run(lab.backend.transfer(old, "caller", carol.uri)))[-1].callid

    await watcher.until(lambda: [*watcher.calls] == [new])
    await watcher.until(lambda: "transferred" in watcher.events(new))
    await idle(bob)
    (moved,) = [change for change in watcher.told if change.event == "transferred"]
    assert old in (moved.call.callid, *moved.names)
    assert {moved.call.caller, moved.call.callee} == {alice.uri, carol.uri}
    assert await watcher.is_right()


async def test_calls_that_are_joined_are_told_as_one(lab: Lab, watcher: Watcher) -> None:
    alice, bob, carol, dave = lab.phones.values()
    a, b = await started(lab, alice, bob), await started(lab, carol, dave)
    await watcher.until(lambda: {*watcher.calls} == {a, b})
    watcher.told.clear()

    new = (await run(lab.backend.join(a, "caller", b, "callee")))[-1].callid

    await watcher.until(lambda: [*watcher.calls] == [new])
    await watcher.until(lambda: "transferred" in watcher.events(new))
    (moved,) = [change for change in watcher.told if change.event == "transferred"]
    assert {a, b} <= {moved.call.callid, *moved.names}
    assert await watcher.is_right()


async def test_of_a_start_that_fails_nothing_is_left(
    lab: Lab, watcher: Watcher, alice: LabPhone, bob: LabPhone
) -> None:
    await bob.behave(refuse_with=486)

    with pytest.raises(CallFailed):
        await run(lab.backend.start(alice.uri, bob.uri))

    await idle(alice, bob)
    await watcher.until(lambda: bool(watcher.told) and not watcher.calls)


async def test_who_watches_no_more_is_told_nothing_and_others_still_are(
    lab: Lab, watcher: Watcher, alice: LabPhone, bob: LabPhone
) -> None:
    gone = Watcher(lab)
    for _ in range(2):
        gone.close()

    callid = await started(lab, alice, bob)

    await watcher.until(lambda: callid in watcher.calls)
    assert gone.told == []
