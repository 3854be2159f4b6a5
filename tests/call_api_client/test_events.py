from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from call_api import events as told_by_daemon
from call_api.commands.call_watch import CallEvent
from call_api.model import CallId
from call_api_client import events
from call_api_client.events import change, event
from call_api_client.messages import BadReply, Step
from tests.fakes import call_changes


def step(name: str, data: Mapping[str, object] | None = None) -> Step:
    return Step(event=name, cmd_id="c", seq=1, data=data or {}, failure=None, text="")


PARTIES: dict[str, Any] = {"caller": "sip:alice@h", "callee": "sip:bob@h"}
X = CallId("x")

TOLD = [
    ("CallerAnswered", PARTIES, events.CallerAnswered(**PARTIES)),
    ("Transferring", {}, events.Transferring()),
    (
        "TransferPending",
        {"callid": "x", "extra": "180 Ringing", **PARTIES},
        events.TransferPending(callid=X, extra="180 Ringing", **PARTIES),
    ),
    ("CallHoldSuccessful", {"leg": "caller"}, events.CallHoldSuccessful(leg="caller")),
    (
        "CallHoldSuccessful",  # as v1 has it
        {"legs": ["caller", "callee"]},
        events.CallHoldSuccessful(leg="callee", legs=("caller", "callee")),
    ),
    ("Ended", {"callid": "x"}, events.Ended(callid=X)),
    ("Reply", {"legs": [1], "name": 2}, events.Reply(params={"legs": [1], "name": 2})),
    ("CallerAnswered", {"callee": 1}, events.OtherEvent(name="CallerAnswered", data={"callee": 1})),
    ("CALL_ANSWER", {}, events.OtherEvent(name="CALL_ANSWER", data={})),
    ("Sang", {"legs": []}, events.OtherEvent(name="Sang", data={"legs": []})),
]


@pytest.mark.parametrize(("name", "data", "told"), TOLD)
def test_an_event_is_of_the_class_of_its_name(
    name: str, data: dict[str, object], told: events.Event
) -> None:
    assert event(step(name, data)) == told


def test_every_event_that_the_daemon_tells_has_its_class_here() -> None:
    kinds = {kind.__name__ for kind in told_by_daemon.Event.__subclasses__()} - {"Error"}

    assert kinds <= set(events.__all__)


def test_a_change_of_a_call_has_the_call() -> None:
    told = CallEvent.of(call_changes.change("n", "transferred", names=["a"]))
    data = msgspec.json.decode(msgspec.json.encode(told))

    assert msgspec.json.encode(change(step("transferred", data))) == msgspec.json.encode(told)


def test_what_cannot_happen_to_a_call_is_no_change() -> None:
    with pytest.raises(BadReply, match="no change of a call"):
        change(step("sang", {"callid": "a", "event": "sang"}))
