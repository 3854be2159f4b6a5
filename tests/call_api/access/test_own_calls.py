import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from call_api.access.identity import Identity
from call_api.access.own_calls import OwnCalls
from call_api.access.owners import Owners
from call_api.access.scopes import parse_scopes
from call_api.access.standing import Standing
from call_api.backends.base import ACTING, CallChange, CallInfo, CallPage, StartStep, TransferStep
from call_api.errors import CallFailed, UnknownCall
from call_api.model import CallId, LegName, SipUri
from tests.fakes.scripted_backend import Item, ScriptedBackend

A, B = SipUri("sip:a@h"), SipUri("sip:b@h")
CALLER: LegName = "caller"
STARTED = datetime(2026, 1, 2, tzinfo=UTC)


def info(callid: str) -> CallInfo:
    return CallInfo(callid=CallId(callid), state="answered", caller=A, callee=B, started=STARTED)


class Pages(ScriptedBackend):
    """Has calls, two on a page."""

    def __init__(self, *callids: str) -> None:
        super().__init__()
        self.callids = callids

    async def calls(self, limit: int, after: CallId | None) -> CallPage:
        self.asked.append(("calls", limit, after))
        at = 0 if after is None else self.callids.index(after) + 1
        page = self.callids[at : at + min(limit, 2)]
        is_last = at + len(page) >= len(self.callids)
        return CallPage(
            calls=[info(callid) for callid in page], next=None if is_last else CallId(page[-1])
        )


class Office:
    def __init__(self, *script: Item, backend: ScriptedBackend | None = None) -> None:
        self.backend = backend or ScriptedBackend(*script)
        self.owners = Owners(self.backend, lambda call: call())

    def client(self, name: str, *scopes: str) -> OwnCalls:
        identity = Identity(name=name, scopes=parse_scopes(scopes or ["control"]))
        return OwnCalls(self.backend, self.owners, Standing(identity))


class Acting:
    callid = CallId("made")

    async def may_act(self) -> None:
        pass


@pytest.fixture(autouse=True)
def _acting() -> Iterator[None]:
    token = ACTING.set(Acting())
    yield
    ACTING.reset(token)


def step(state: Any, callid: str = "made") -> StartStep:
    return StartStep(state=state, callid=CallId(callid))


async def read(stream: Any) -> list[Any]:
    async with stream as steps:
        return [one async for one in steps]


async def test_a_call_is_its_makers_from_the_first_moment_to_its_last_name() -> None:
    office = Office(step("answered"), step("start", "other"), step("ok", "other"))
    seen: list[str | None] = []

    async with office.client("desk").start(A, B) as steps:
        seen.append(office.owners.owner(CallId("made")))
        told = [one async for one in steps]

    assert seen == ["desk"]
    assert [one.state for one in told] == ["answered", "start", "ok"]
    assert office.owners.owner(CallId("other")) == "desk"
    assert office.owners.calls_of("desk") == {"other"}


@pytest.mark.parametrize("script", [[CallFailed(486)], [step("answered"), CallFailed(486)]])
async def test_a_call_that_has_not_come_to_be_is_nobodys(script: list[Item]) -> None:
    office = Office(*script)

    with pytest.raises(CallFailed):
        await read(office.client("desk").start(A, B))

    assert len(office.owners) == 0


async def test_a_call_that_cannot_be_begun_is_nobodys() -> None:
    office = Office(backend=ScriptedBackend(refuses=CallFailed(503)))

    with pytest.raises(CallFailed):
        await read(office.client("desk").start(A, B))

    assert len(office.owners) == 0


async def test_a_call_that_is_given_up_is_nobodys() -> None:
    office = Office(step("answered"), asyncio.Event())

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await read(office.client("desk").start(A, B))

    assert len(office.owners) == 0


DEEDS: dict[str, Callable[[OwnCalls], Awaitable[object]]] = {
    "CallEnd": lambda own: own.end(CallId("made")),
    "CallHold": lambda own: read(own.hold(CallId("made"), [CALLER])),
    "CallUnhold": lambda own: read(own.unhold(CallId("made"), [CALLER])),
    "CallBlindTransfer": lambda own: read(own.transfer(CallId("made"), CALLER, B)),
    "CallAttendedTransfer": lambda own: read(
        own.join(CallId("made"), CALLER, CallId("made"), CALLER)
    ),
}


@pytest.mark.parametrize("method", DEEDS)
async def test_what_is_not_ones_own_is_unknown_unless_the_scope_covers_it(method: str) -> None:
    office = Office()
    office.owners.own(CallId("made"), "desk")

    with pytest.raises(UnknownCall):
        await DEEDS[method](office.client("shop"))
    assert office.backend.asked == []

    await DEEDS[method](office.client("desk"))
    await DEEDS[method](office.client("chief", f"{method}:all"))
    assert len(office.backend.asked) == 2


async def test_a_call_of_phones_is_nobodys_and_only_for_those_who_see_all() -> None:
    office = Office()

    with pytest.raises(UnknownCall, match="no call has the Call-ID made"):
        await office.client("desk").end(CallId("made"))
    await office.client("chief", "all").end(CallId("made"))


async def test_both_calls_of_a_join_have_to_be_ones_own() -> None:
    office = Office()
    office.owners.own(CallId("a"), "desk")
    office.owners.own(CallId("b"), "shop")

    for pair in (("a", "b"), ("b", "a")):
        with pytest.raises(UnknownCall) as caught:
            await read(office.client("desk").join(CallId(pair[0]), CALLER, CallId(pair[1]), CALLER))
        assert caught.value.callid == "b"


async def test_who_transfers_a_call_of_another_leaves_it_with_its_owner() -> None:
    steps: list[Item] = [
        TransferStep(state=state, callid=CallId("new"), destination=B) for state in ("start", "ok")
    ]
    office = Office(*steps)
    office.owners.own(CallId("made"), "desk")

    await read(office.client("chief", "all").transfer(CallId("made"), CALLER, B))

    assert office.owners.owner(CallId("new")) == "desk"
    assert office.owners.calls_of("desk") == {"new"}


async def test_a_transfer_that_fails_gives_no_name() -> None:
    office = Office(TransferStep(state="start", callid=CallId("new"), destination=B), CallFailed(1))
    office.owners.own(CallId("made"), "desk")

    with pytest.raises(CallFailed):
        await read(office.client("desk").transfer(CallId("made"), CALLER, B))

    assert office.owners.calls_of("desk") == {"made"}


async def test_ones_own_calls_are_listed_a_page_at_a_time() -> None:
    office = Office(backend=Pages(*"abcdefg"))
    for callid in "bdf":
        office.owners.own(CallId(callid), "desk")
    office.owners.own(CallId("gone"), "desk")
    desk = office.client("desk")

    def shown(page: CallPage) -> tuple[list[str], str | None]:
        return [call.callid for call in page.calls], page.next

    assert shown(await desk.calls(2, None)) == (["b", "d"], "d")
    assert shown(await desk.calls(2, CallId("d"))) == (["f"], None)
    assert shown(await desk.calls(5, None)) == (["b", "d", "f"], None)
    assert shown(await office.client("shop").calls(5, None)) == ([], None)
    assert shown(await office.client("chief", "all").calls(2, None)) == (["a", "b"], "b")


async def test_the_back_end_is_asked_no_further_than_ones_calls_go() -> None:
    backend = Pages(*"abcdefg")
    office = Office(backend=backend)
    office.owners.own(CallId("a"), "desk")

    await office.client("desk").calls(10, None)
    await office.client("shop").calls(10, None)

    assert len(backend.asked) == 1


async def test_one_hears_of_ones_own_calls() -> None:
    office = Office()
    office.owners.own(CallId("a"), "desk")
    told: dict[str, list[str]] = {"desk": [], "shop": [], "chief": []}
    watchings = [
        office.client(name, "read:all" if name == "chief" else "read").watch(
            lambda change, name=name: told[name].append(change.call.callid)  # type: ignore[misc]
        )
        for name in told
    ]

    for callid in ("a", "phones"):
        office.backend.tell(CallChange(event="answered", call=info(callid)))
    for watching in watchings:
        watching.close()
    office.backend.tell(CallChange(event="answered", call=info("a")))

    assert told == {"desk": ["a"], "shop": [], "chief": ["a", "phones"]}


async def test_the_rest_is_the_back_ends() -> None:
    office = Office()
    own = office.client("desk")

    assert own.is_ready() is None
    assert own.proxies() == {}
    await own.remains(CallId("x"))
    await own.remains_of_start(None)
    await own.remains_of_transfer([CallId("x")], None)
    assert [asked[0] for asked in office.backend.asked] == [
        "remains",
        "remains_of_start",
        "remains_of_transfer",
    ]
