import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from call_api.backends.embedded.bridge import MAX_CURSORS, Bridge, Call
from call_api.errors import CallBusy, UnknownCall
from call_api.model import CallId

ALICE, BOB, CAROL = "sip:alice@localhost", "sip:bob@localhost", "sip:carol@localhost"
NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
TAGS = map(str, itertools.count(1))


@dataclass(eq=False)
class Leg:
    callid: str
    tag: str = field(default_factory=lambda: next(TAGS))
    holds: bool = False


def opened(bridge: Bridge[Leg], callid: str) -> Call[Leg]:
    return bridge.open(CallId(callid), ALICE, BOB, NOON)


def joined(bridge: Bridge[Leg], caller: Leg, callee: Leg) -> Call[Leg]:
    call = opened(bridge, caller.callid)
    bridge.seat(call, "caller", caller)
    bridge.seat(call, "callee", callee)
    call.state = "answered"
    return call


def test_the_call_id_of_either_leg_names_the_call() -> None:
    bridge = Bridge[Leg]()
    alice, bob = Leg("a"), Leg("b")
    call = joined(bridge, alice, bob)

    assert bridge.find("a") is call
    assert bridge.find("b") is call
    assert call.callid == "a"
    assert not bridge.is_free("b")
    with pytest.raises(UnknownCall, match="no call has the Call-ID c"):
        bridge.find("c")


def test_a_leg_that_rings_names_the_call_until_it_is_detached() -> None:
    bridge = Bridge[Leg]()
    call = opened(bridge, "a")
    desk, mobile = Leg("r"), Leg("r")
    bridge.ring(call, desk)
    bridge.ring(call, mobile)

    assert call.branches == {desk, mobile}
    assert call.name_of(desk) is None
    assert call.peer_of(desk) is None
    assert bridge.detach(mobile) is call
    assert bridge.find("r") is call
    bridge.seat(call, "callee", desk)
    assert call.branches == set()
    assert call.name_of(desk) == "callee"
    bridge.detach(desk)
    assert bridge.is_free("r")
    assert bridge.find("a") is call


def test_peers_are_each_others() -> None:
    bridge = Bridge[Leg]()
    alice, bob = Leg("a"), Leg("b")
    call = joined(bridge, alice, bob)

    assert call.peer_of(alice) is bob
    assert call.peer_of(bob) is alice
    assert bridge.call_of(bob) is call
    bridge.detach(alice)
    assert call.peer_of(bob) is None
    assert bridge.call_of(alice) is None


def test_a_leg_is_found_by_its_dialog_until_it_is_forgotten() -> None:
    bridge = Bridge[Leg]()
    alice, bob = Leg("a"), Leg("b")
    joined(bridge, alice, bob)

    assert bridge.leg("a", alice.tag) is alice
    assert bridge.leg("a", bob.tag) is None
    bridge.detach(alice)
    assert bridge.leg("a", alice.tag) is alice
    bridge.forget(alice)
    bridge.forget(alice)
    assert bridge.leg("a", alice.tag) is None


def test_a_leg_that_changes_its_call_takes_its_call_id_along() -> None:
    bridge = Bridge[Leg]()
    alice, bob, carol, dave = Leg("a"), Leg("b"), Leg("c"), Leg("d")
    first, second = joined(bridge, alice, bob), joined(bridge, carol, dave)
    bridge.detach(bob)

    bridge.seat(first, "callee", carol)

    assert first.legs == {"caller": alice, "callee": carol}
    assert bridge.find("c") is first
    assert bridge.end(second) == [dave]
    assert bridge.find("c") is first
    assert bridge.is_free("d")
    bridge.detach(carol)
    assert bridge.is_free("c")


def test_a_call_keeps_its_name_when_its_first_leg_is_gone() -> None:
    bridge = Bridge[Leg]()
    alice, bob = Leg("a"), Leg("b")
    call = joined(bridge, alice, bob)

    bridge.detach(alice)

    assert bridge.find("a") is call
    assert call.info().caller == ALICE


def test_a_call_that_has_ended_leaves_nothing_behind() -> None:
    bridge = Bridge[Leg]()
    alice, bob, carol = Leg("a"), Leg("b"), Leg("c")
    call = joined(bridge, alice, bob)
    bridge.ring(call, carol)

    assert bridge.end(call) == [alice, bob, carol]
    assert call.state == "ended"
    assert bridge.end(call) == []
    assert len(bridge) == 0
    assert all(bridge.is_free(name) for name in "abc")
    assert bridge.detach(bob) is None


def test_only_one_owner_changes_a_call_at_a_time() -> None:
    bridge = Bridge[Leg]()
    first = joined(bridge, Leg("a"), Leg("b"))
    second = joined(bridge, Leg("c"), Leg("d"))
    hold, transfer = object(), object()

    bridge.take(hold, second)
    with pytest.raises(CallBusy, match="changing the call c"):
        bridge.take(transfer, first, second)

    assert first.owner is None
    second.owner = None
    bridge.take(transfer, first, second)
    assert first.owner is second.owner is transfer


def test_a_call_that_is_not_answered_is_busy() -> None:
    bridge = Bridge[Leg]()
    call = opened(bridge, "a")
    call.state = "ringing"

    with pytest.raises(CallBusy):
        bridge.take(object(), call)


def test_a_party_is_on_hold_by_a_command_or_by_the_other_phone() -> None:
    bridge = Bridge[Leg]()
    alice, bob = Leg("a"), Leg("b")
    call = joined(bridge, alice, bob)
    assert call.info().held == []

    bob.holds = True
    assert call.info().held == ["caller"]
    call.held = frozenset({"callee"})
    assert call.info().held == ["caller", "callee"]
    bridge.detach(bob)
    assert call.info().held == ["callee"]


def test_the_list_shows_calls_in_the_order_in_which_they_were_made() -> None:
    bridge = Bridge[Leg]()
    calls = [opened(bridge, name) for name in "zyx"]
    calls[1].state = "ringing"

    page = bridge.page(10, None)

    assert [(info.callid, info.state) for info in page.calls] == [
        ("z", "created"),
        ("y", "ringing"),
        ("x", "created"),
    ]
    assert (page.calls[0].caller, page.calls[0].callee) == (ALICE, BOB)
    assert page.calls[0].started == NOON
    assert page.next is None
    assert list(bridge) == calls


def pages(bridge: Bridge[Leg], limit: int) -> list[list[str]]:
    found: list[list[str]] = []
    after: CallId | None = None
    while True:
        page = bridge.page(limit, after)
        found.append([str(info.callid) for info in page.calls])
        if (after := page.next) is None:
            return found


def test_pages_join_without_gap_or_overlap() -> None:
    bridge = Bridge[Leg]()
    for number in range(5):
        opened(bridge, f"call-{number}")

    assert pages(bridge, 2) == [["call-0", "call-1"], ["call-2", "call-3"], ["call-4"]]
    assert pages(bridge, 5) == [[f"call-{number}" for number in range(5)]]
    assert bridge.page(3, CallId("call-3")).calls[0].callid == "call-4"


def test_a_page_goes_on_after_a_call_that_has_ended_since() -> None:
    bridge = Bridge[Leg]()
    calls = [opened(bridge, f"call-{number}") for number in range(4)]
    page = bridge.page(2, None)
    assert page.next == "call-1"

    bridge.end(calls[1])
    bridge.end(calls[2])

    assert [info.callid for info in bridge.page(2, page.next).calls] == ["call-3"]


def test_a_page_after_a_call_that_never_was_is_an_error() -> None:
    with pytest.raises(UnknownCall):
        Bridge[Leg]().page(1, CallId("nobody"))


def test_the_ends_of_pages_are_forgotten_when_they_are_many() -> None:
    bridge = Bridge[Leg]()
    for number in range(MAX_CURSORS + 2):
        opened(bridge, f"call-{number}")
    pages(bridge, 1)
    first, second = bridge.find("call-0"), bridge.find("call-1")
    bridge.end(first)
    bridge.end(second)

    assert bridge.page(1, CallId("call-1")).calls[0].callid == "call-2"
    with pytest.raises(UnknownCall):
        bridge.page(1, CallId("call-0"))


def test_ended_calls_leave_no_holes_that_pile_up() -> None:
    bridge = Bridge[Leg]()
    kept = opened(bridge, "kept")
    for number in range(1000):
        bridge.end(opened(bridge, f"call-{number}"))
    last = opened(bridge, "last")

    assert bridge.page(10, None).calls == [kept.info(), last.info()]
    assert len(bridge._order) < 100
