from call_api.backends.opensips.event_table import EventTable
from call_api.backends.opensips.recent_dialogs import RecentDialogs
from tests.fakes.proxy_events import START, state_changed


def test_recent_dialogs_are_those_that_came_up_after_a_mark_the_latest_first() -> None:
    table, recent = EventTable(), RecentDialogs(lambda: 0.0)
    table.listen_to_all(recent.receive)
    table.receive(state_changed("before", 2))
    mark = recent.mark

    for callid, state in (("a", 2), ("b", 3), ("a", 4), ("before", 4), ("gone", 5), ("new", 1)):
        table.receive(state_changed(callid, state))
    table.receive(START)

    assert recent.since(mark) == ["b", "a"]
    assert recent.since(0) == ["b", "a", "before"]
    assert [recent.number(callid) for callid in ("before", "a", "b", "new")] == [1, 2, 3, 0]


def test_only_some_dialogs_are_remembered() -> None:
    table, recent = EventTable(), RecentDialogs(lambda: 0.0, kept=2)
    table.listen_to_all(recent.receive)

    for callid in "abc":
        table.receive(state_changed(callid, 2))

    assert recent.since(0) == ["c", "b"]


def test_it_is_known_how_long_ago_a_dialog_was_acknowledged() -> None:
    now = [100.0]
    table, recent = EventTable(), RecentDialogs(lambda: now[0], kept=2)
    table.listen_to_all(recent.receive)
    for callid, state in (("a", 3), ("a", 4), ("b", 3)):
        table.receive(state_changed(callid, state))
    now[0] = 100.5
    table.receive(state_changed("a", 4))  # doubled

    assert recent.acknowledged_for("a") == 0.5
    assert recent.acknowledged_for("b") is None
    for callid in "cd":
        table.receive(state_changed(callid, 4))
    assert recent.acknowledged_for("a") is None


def test_a_dialog_that_was_answered_lately_may_await_its_ack() -> None:
    now = [100.0]
    table, recent = EventTable(), RecentDialogs(lambda: now[0])
    table.listen_to_all(recent.receive)
    for callid, state in (("a", 3), ("b", 3), ("b", 4), ("c", 2)):
        table.receive(state_changed(callid, state))

    assert [callid for callid in "abcd" if recent.awaits_ack(callid)] == ["a"]
    now[0] = 101.0
    assert not recent.awaits_ack("a")
