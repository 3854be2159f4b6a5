from collections import Counter
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from call_api.backends.base import CallInfo
from call_api.commands.call_watch import CallEvent
from call_api.model import CallChangeName, CallId, CallState
from call_api_client.mirror import Mirror

ORDER: tuple[CallState, ...] = ("created", "ringing", "answered", "ended")


def info(callid: str = "a", state: CallState = "answered", **more: Any) -> CallInfo:
    parties = {"caller": "sip:alice@h", "callee": "sip:bob@h"}
    started = datetime(2026, 1, 31, tzinfo=UTC)
    return CallInfo(callid=CallId(callid), state=state, started=started, **{**parties, **more})


def told(event: CallChangeName, call: CallInfo, *was: str, **more: Any) -> CallEvent:
    names = tuple(map(CallId, was))
    return CallEvent(callid=call.callid, event=event, call=call, was=names, **more)


def brief(changes: list[CallEvent]) -> list[tuple[str, str]]:
    return [(change.callid, change.event) for change in changes]


def test_what_is_told_is_what_there_is() -> None:
    mirror = Mirror()

    assert brief(mirror.take(told("created", info(state="created")))) == [("a", "created")]
    assert mirror.take(told("answered", info()))
    assert mirror.calls == {"a": info()}
    assert mirror.take(told("ended", info(state="ended")))
    assert mirror.calls == {}
    assert not mirror.is_over


def test_what_is_listed_and_was_not_told_is_told() -> None:
    mirror = Mirror()
    mirror.compare(
        [info("gone"), info("same"), info("held"), info("moved"), info("rings", "ringing")]
    )

    found = mirror.compare(
        [
            info("same"),
            info("held", held=("caller",)),
            info("moved", callee="sip:carol@h"),
            info("rings"),
            info("new", held=("callee",)),
            info("young", "created"),
        ]
    )

    assert brief(found) == [
        ("gone", "ended"),
        ("held", "held"),
        ("moved", "transferred"),
        ("rings", "answered"),
        ("new", "created"),
        ("new", "answered"),
        ("new", "held"),
        ("young", "created"),
    ]
    assert found[0].call == info("gone", "ended")
    assert list(mirror.calls) == ["same", "held", "moved", "rings", "new", "young"]
    assert brief(mirror.compare([*mirror.calls.values()])) == []
    now = [
        info("held", held=("callee",)) if one == "held" else c for one, c in mirror.calls.items()
    ]
    assert brief(mirror.compare(now)) == [("held", "held"), ("held", "resumed")]


def test_what_was_told_since_the_list_was_asked_for_is_newer_than_the_list() -> None:
    mirror = Mirror()
    mirror.compare([info("a"), info("b")])

    mirror.ask_for_list()
    mirror.take(told("ended", info("a", "ended")))
    mirror.take(told("held", info("b", held=("caller",))))

    assert mirror.compare([info("a"), info("b")]) == []
    assert mirror.calls == {"b": info("b", held=("caller",))}


def test_what_was_found_in_the_list_is_not_told_again() -> None:
    mirror = Mirror()
    mirror.compare([info("b")])
    mirror.ask_for_list()
    found = mirror.compare([info("a")])
    assert brief(found) == [("b", "ended"), ("a", "created"), ("a", "answered")]

    assert not mirror.take(told("ringing", info("a", "ringing")))
    assert mirror.take(told("branch_failed", info("a"), target="sip:x@h", status=486))
    assert not mirror.take(told("answered", info("a")))
    assert mirror.take(told("held", info("a", held=("caller",))))
    assert not mirror.take(told("ended", info("b", "ended", held=("callee",))))
    assert mirror.calls == {"a": info("a", held=("caller",))}


def test_a_change_after_the_one_that_was_found_is_news() -> None:
    mirror = Mirror()
    mirror.ask_for_list()
    mirror.compare([info("a", "ringing")])

    assert mirror.take(told("answered", info("a")))


def test_one_call_is_followed_under_its_new_name_until_it_ends() -> None:
    mirror = Mirror("a")
    mirror.compare([info("a"), info("other")])

    assert mirror.calls == {"a": info("a")}
    assert not mirror.take(told("ended", info("other", "ended")))
    assert mirror.take(told("transferred", info("b"), "a", "leg"))
    assert (mirror.callid, mirror.calls) == ("b", {"b": info("b")})
    assert not mirror.take(told("ended", info("a", "ended")))
    assert not mirror.is_over
    assert mirror.take(told("ended", info("b", "ended")))
    assert mirror.is_over


def test_one_call_that_is_listed_no_more_is_over() -> None:
    mirror = Mirror("a")
    mirror.compare([info("a")])
    mirror.ask_for_list()

    assert brief(mirror.compare([info("other")])) == [("a", "ended")]
    assert mirror.is_over


class World:
    """Calls that change; somebody listens now and then."""

    def __init__(self) -> None:
        self.calls: dict[str, CallInfo] = {}
        self._numbers: Counter[str] = Counter()

    def advance(self, caller: str) -> CallEvent:
        """Have somebody's call made, get on or end; no two calls have one name."""
        callid = f"{caller}{self._numbers[caller]}"
        before = self.calls.get(callid)
        if before is None:
            now = info(callid, "created")
        elif before.state == "answered" and not before.held:
            now = replace(before, held=("caller",))
        else:
            now = replace(before, state=ORDER[ORDER.index(before.state) + 1], held=())
        event: CallChangeName = "held" if now.held else now.state
        self.calls[callid] = now
        if now.state == "ended":
            del self.calls[callid]
            self._numbers[caller] += 1
        return told(event, now)


@given(
    before=st.lists(st.sampled_from("abc")),
    meanwhile=st.lists(st.sampled_from("abc")),
    until_list=st.lists(st.sampled_from("abc")),
    between=st.lists(st.sampled_from("abc")),
    after=st.lists(st.sampled_from("abc")),
)
def test_after_any_gap_what_was_told_is_what_there_is(
    before: list[str],
    meanwhile: list[str],
    until_list: list[str],
    between: list[str],
    after: list[str],
) -> None:
    """The list may be older than what is told before it arrives, as at a proxy."""
    world, mirror = World(), Mirror()
    heard: list[CallEvent] = []

    def hear(callids: list[str]) -> None:
        for callid in callids:
            heard.extend(mirror.take(world.advance(callid)))

    hear(before)
    for callid in meanwhile:
        world.advance(callid)
    mirror.ask_for_list()
    hear(until_list)
    listed = [*world.calls.values()]
    hear(between)
    heard += mirror.compare(listed)
    hear(after)

    assert mirror.calls == world.calls
    replayed: dict[str, CallInfo] = {}
    for change in heard:
        replayed[change.callid] = change.call
        if change.event == "ended":
            del replayed[change.callid]
    assert replayed == world.calls


def test_a_call_that_was_made_unheard_is_told_to_be_made() -> None:
    mirror = Mirror()

    assert brief(mirror.take(told("held", info("a")))) == [("a", "created"), ("a", "held")]
    assert brief(mirror.take(told("transferred", info("n"), "a"))) == [("n", "transferred")]
    assert brief(mirror.take(told("ended", info("x", "ended")))) == [("x", "ended")]
