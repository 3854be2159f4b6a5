import inspect

import pytest

from call_api import events
from call_api.errors import CallFailed, CommandCancelled
from call_api.events import Error, Event

KINDS = [
    kind
    for _, kind in inspect.getmembers(events, inspect.isclass)
    if issubclass(kind, Event) and kind is not Event
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_event_says_in_a_sentence_what_has_happened(kind: type[Event]) -> None:
    assert (inspect.getdoc(kind) or "").splitlines()[0].endswith((".", ";", ","))


def test_an_error_is_told_with_its_code_its_name_and_what_is_known() -> None:
    assert Error.of(CallFailed(486, "Busy Here")) == Error(
        message="486 Busy Here",
        error={"code": -32020, "name": "CallFailed", "status": 486, "reason": "Busy Here"},
    )
    assert Error.of(CommandCancelled()).error == {"code": -32022, "name": "CommandCancelled"}
