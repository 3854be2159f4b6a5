import pytest

from call_api.backends.base import Remains
from call_api.commands.told import owner_lost
from call_api.errors import CallFailed, OwnerLost
from call_api.events import (
    CallHolding,
    CallHoldSuccessful,
    Ended,
    Error,
    Reply,
    TransferStart,
    TransferSuccessful,
)
from call_api.model import LEGS, CallId
from tests.fakes.taking_over import told


def test_what_was_told_is_known_by_kind_and_members() -> None:
    before = told(CallHolding(), CallHoldSuccessful(leg="callee", legs=LEGS))

    assert before.has(CallHolding)
    assert before.has(CallHoldSuccessful, leg="callee")
    assert not before.has(CallHoldSuccessful, leg="caller")
    assert not before.has(CallHolding, leg="caller")
    assert not before.has(Ended)


def test_an_error_is_a_failure_and_its_text_no_member() -> None:
    assert not told(CallHolding()).has_failed
    failed = told(CallHolding(), Error.of(CallFailed(486, "callid")))
    assert failed.has_failed
    assert not failed.has(Error, callid="x")


def test_a_call_is_called_what_was_told_last() -> None:
    assert told(CallHolding(), Reply(params={})).callid is None
    first, second = CallId("1"), CallId("2")
    assert told(TransferStart(callid=first), TransferSuccessful(callid=second)).callid == second
    assert told(TransferStart(callid=first), Error.of(CallFailed(486))).callid == first


@pytest.mark.parametrize(("call", "said"), [("gone", "unknown"), ("caller", "caller")])
def test_of_a_command_that_is_not_done_it_is_told_what_is_left(call: str, said: str) -> None:
    lost = owner_lost(Remains(callid=CallId("c"), call=call))  # type: ignore[arg-type]  # of these

    assert isinstance(lost, OwnerLost)
    assert lost.data == {"callid": "c", "call": said}
