from collections.abc import Mapping

import pytest

from call_cmd.live_calls import LiveCalls, of_user
from call_cmd.names import PhoneBook
from tests.fakes.api_script import ALICE, BOB, CAROL

BOOK = PhoneBook("localhost", {"boss": "sip:1001@hq.example"})


def call(callid: str, state: str = "answered", **members: object) -> dict[str, object]:
    return {
        "callid": callid,
        "state": state,
        "caller": ALICE,
        "callee": BOB,
        "started": f"2026-01-01T10:00:0{len(callid)}Z",
        **members,
    }


def change(event: str, its: Mapping[str, object], **members: object) -> dict[str, object]:
    return {"callid": its["callid"], "event": event, "call": its, **members}


def names(live: LiveCalls) -> list[object]:
    return [one["callid"] for one in live.calls]


def everybody(callid: str | None = None) -> LiveCalls:
    return LiveCalls(of_user(None, BOOK), callid)


@pytest.mark.parametrize(
    ("user", "fits"),
    [
        (None, True),
        ("alice", True),
        ("alice@pbx.example", True),
        (CAROL, True),
        ("1001", True),
        ("boss", False),
        ("bob", False),
        ("sip:alice@localhost", False),
    ],
)
def test_a_user_is_meant_under_every_name(user: str | None, fits: bool) -> None:
    its = call("a", caller="sip:alice@pbx.example", callee="sip:1001;phone-context=x@other")
    told = change("branch_failed", its, target=CAROL)

    assert of_user(user, BOOK)(told) is fits


def test_a_list_is_shown_oldest_first() -> None:
    live = everybody()

    live.begin_list()
    live.end_list([call("bb"), call("a")])

    assert names(live) == ["a", "bb"]


def test_a_change_counts_more_than_an_older_list() -> None:
    live = everybody()

    live.begin_list()
    live.change(change("ended", call("a")))
    live.change(change("held", call("bb", held=["caller"])))
    live.change(change("created", call("ccc", "created")))
    live.end_list([call("a"), call("bb", held=[])])

    assert names(live) == ["bb", "ccc"]
    assert live.calls[0]["held"] == ["caller"]


def test_a_later_list_knows_better() -> None:
    live = everybody()
    live.change(change("created", call("a")))

    live.begin_list()
    live.end_list([])

    assert names(live) == []


def test_one_call_is_followed_under_its_new_name() -> None:
    live = everybody("a")

    live.begin_list()
    live.end_list([call("a"), call("other")])
    live.change(change("transferred", call("new")))

    assert (names(live), live.callid) == (["a", "new"], "new")
    live.begin_list()
    live.end_list([call("new"), call("other")])
    assert names(live) == ["new"]


def test_only_what_is_wanted_is_kept() -> None:
    live = LiveCalls(of_user("carol", BOOK))

    assert not live.change(change("created", call("a")))
    assert live.change(change("branch_failed", call("a"), target=CAROL))
    assert live.change(change("created", call("bb", callee=CAROL)))
    live.begin_list()
    live.end_list([call("a"), call("bb", callee=CAROL)])

    assert names(live) == ["bb"]
