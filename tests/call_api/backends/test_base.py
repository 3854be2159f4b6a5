import json
from datetime import UTC, datetime

import msgspec
import pytest

from call_api.backends.base import CallInfo, CallPage
from call_api.model import CallId

CALL = CallInfo(
    callid=CallId("a"),
    state="answered",
    caller="sip:alice@h",
    callee="sip:bob@h",
    started=datetime(2026, 1, 31, 12, tzinfo=UTC),
)
SHOWN = {
    "callid": "a",
    "state": "answered",
    "caller": "sip:alice@h",
    "callee": "sip:bob@h",
    "started": "2026-01-31T12:00:00Z",
    "held": [],
}


def test_a_call_is_shown_with_all_its_members_also_when_nobody_is_on_hold() -> None:
    assert json.loads(msgspec.json.encode(CALL)) == SHOWN


@pytest.mark.parametrize("next_", [None, CallId("a")])
def test_a_page_says_where_the_next_one_starts_or_that_it_is_the_last(next_: CallId | None) -> None:
    page = CallPage(calls=[CALL], next=next_)

    assert json.loads(msgspec.json.encode(page)) == {"calls": [SHOWN], "next": next_}
