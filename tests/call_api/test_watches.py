import json
from typing import Any

import pytest

from call_api.errors import TooManyRequests
from call_api.model import CallId
from call_api.watches import Watchers, Watches
from tests.fakes.call_changes import change
from tests.fakes.scripted_backend import ScriptedBackend

A, B, N = CallId("a"), CallId("b"), CallId("n")


class Hub:
    """A back end, and clients that watch calls on it."""

    def __init__(self) -> None:
        self.backend = ScriptedBackend()
        self.watchers = Watchers(self.backend)

    def client(self, *callids: CallId | None, most: int = 10) -> "Client":
        """Return one that watches these already."""
        client = Client(self.watchers, most)
        for callid in callids:
            client.watch(callid)
        return client

    @property
    def is_idle(self) -> bool:
        return not self.backend.watchings


class Client:
    """One who watches, and what it was sent."""

    def __init__(self, watchers: Watchers, most: int) -> None:
        self.sent: list[dict[str, Any]] = []
        self.watches = Watches(
            watchers=watchers, send=lambda text: self.sent.append(json.loads(text)), most=most
        )

    def watch(self, callid: CallId | None) -> None:
        self.watches.ask_for(callid)
        self.watches.begin(callid)

    def told(self) -> list[tuple[str, str]]:
        """Return what was sent since the last time: Call-IDs and changes."""
        told = [(one["params"]["callid"], one["params"]["event"]) for one in self.sent]
        self.sent.clear()
        return told


def test_a_change_is_told_as_the_protocol_has_it() -> None:
    hub = Hub()
    client = hub.client(None)

    hub.backend.tell(change("a"))
    hub.backend.tell(change("a", "branch_failed", target="sip:carol@h", status=486))

    call = {
        "callid": "a",
        "state": "answered",
        "caller": "sip:alice@h",
        "callee": "sip:bob@h",
        "started": "2026-01-31T12:00:00Z",
        "held": [],
    }
    assert client.sent[0] == {
        "jsonrpc": "2.0",
        "method": "CallEvent",
        "params": {"callid": "a", "event": "answered", "call": call},
    }
    assert client.sent[1]["params"] == {
        "callid": "a",
        "event": "branch_failed",
        "call": call,
        "target": "sip:carol@h",
        "status": 486,
    }


def test_who_watches_one_call_hears_of_that_one_and_who_watches_all_of_all() -> None:
    hub = Hub()
    one, every = hub.client(A), hub.client(None)

    hub.backend.tell(change("a"))
    hub.backend.tell(change("b"))

    assert one.told() == [("a", "answered")]
    assert every.told() == [("a", "answered"), ("b", "answered")]


def test_who_watches_twice_hears_once() -> None:
    hub = Hub()
    client = hub.client(None, A, A, None)

    hub.backend.tell(change("a", names=["a", "leg"]))

    assert client.told() == [("a", "answered")]


def test_the_back_end_is_watched_once_and_only_while_somebody_watches() -> None:
    hub = Hub()
    assert hub.is_idle
    first, second = hub.client(A), hub.client(None)
    assert len(hub.backend.watchings) == 1

    first.watches.end(A)
    assert not hub.is_idle
    second.watches.close()
    assert hub.is_idle
    hub.client(B)
    assert not hub.is_idle


def test_nothing_is_sent_before_the_answer_is_out_nor_when_it_came_too_late() -> None:
    hub = Hub()
    client = hub.client()
    client.watches.ask_for(A)
    hub.backend.tell(change("a"))
    assert client.told() == []

    client.watches.end(A)
    client.watches.begin(A)
    assert hub.is_idle


def test_what_is_taken_back_is_not_told_and_taking_back_anything_else_does_no_harm() -> None:
    hub = Hub()
    client = hub.client(None, A)
    for callid in (B, B):
        client.watches.end(callid)

    client.watches.end(None)
    hub.backend.tell(change("a"))
    hub.backend.tell(change("b"))
    assert client.told() == [("a", "answered")]

    for _ in range(2):
        client.watches.end(A)
        client.watches.end(None)
    assert hub.is_idle


def test_a_client_that_is_gone_is_sent_nothing() -> None:
    hub = Hub()
    client, other = hub.client(None, A, B), hub.client(A)

    client.watches.close()
    client.watches.close()
    hub.backend.tell(change("a"))

    assert client.told() == []
    assert other.told() == [("a", "answered")]


def test_a_client_may_watch_so_many_calls_one_by_one_and_all_of_them_too() -> None:
    hub = Hub()
    client = hub.client(A, most=2)
    client.watches.ask_for(B)

    with pytest.raises(TooManyRequests):
        client.watches.ask_for(N)
    client.watch(A)
    client.watch(None)
    hub.backend.tell(change("a", "ended"))
    client.watch(N)


def test_a_call_that_is_known_by_the_name_of_a_leg_is_watched_on() -> None:
    hub = Hub()
    client = hub.client(CallId("leg"))

    hub.backend.tell(change("a", names=["a", "leg"]))
    hub.backend.tell(change("a", "held", names=["a"]))

    assert client.told() == [("a", "answered"), ("a", "held")]
    client.watches.end(CallId("leg"))
    assert hub.is_idle


def test_a_call_is_watched_on_under_its_new_name() -> None:
    hub = Hub()
    client, every = hub.client(A), hub.client(None)

    hub.backend.tell(change("n", "transferred", names=["a"]))
    hub.backend.tell(change("a", "ended"))
    hub.backend.tell(change("n", "held"))

    assert client.told() == [("n", "transferred"), ("n", "held")]
    assert every.told() == [("n", "transferred"), ("a", "ended"), ("n", "held")]


def test_a_new_name_does_not_turn_the_back_end_off_and_on() -> None:
    hub = Hub()
    hub.client(A)
    (watching,) = hub.backend.watchings

    hub.backend.tell(change("n", "transferred", names=["a"]))

    assert hub.backend.watchings == [watching]


@pytest.mark.parametrize("name", [A, N])
def test_a_call_with_a_new_name_is_let_go_under_either(name: CallId) -> None:
    hub = Hub()
    client = hub.client(A)
    hub.backend.tell(change("n", "transferred", names=["a"]))

    client.watches.end(name)

    assert hub.is_idle


def test_two_calls_that_have_become_one_are_told_once_until_both_are_let_go() -> None:
    hub = Hub()
    client = hub.client(A, B)

    hub.backend.tell(change("a", "transferred", names=["a", "b"]))
    assert client.told() == [("a", "transferred")]

    client.watches.end(B)
    hub.backend.tell(change("a", "held"))
    assert client.told() == [("a", "held")]
    client.watches.end(A)
    assert hub.is_idle


def test_the_watch_of_a_call_ends_with_the_call() -> None:
    hub = Hub()
    one, every = hub.client(A), hub.client(None)

    hub.backend.tell(change("a", "ended"))
    hub.backend.tell(change("a", "created"))

    assert one.told() == [("a", "ended")]
    assert every.told() == [("a", "ended"), ("a", "created")]
    every.watches.close()
    assert hub.is_idle


def test_what_nobody_wants_to_know_is_told_nobody() -> None:
    hub = Hub()
    client = hub.client(A)

    hub.backend.tell(change("b"))

    assert client.told() == []
