"""How a phone's INVITE is answered; `test_dial` and `test_pass_on` have the stories."""

import pytest

from call_api.backends.embedded.phone_answer import as_answer
from call_api.errors import CallFailed, UnknownCall
from call_api.model import CallId


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (CallFailed(486, "Busy Here"), (486, "Busy Here")),
        (CallFailed(603, "No"), (603, "No")),
        (CallFailed(302, "Moved"), (480, "")),
        (CallFailed(401, "Unauthorized"), (480, "")),
        (CallFailed(407), (480, "")),
        (UnknownCall(CallId("x")), (500, "")),
        (RuntimeError("a bug"), (500, "")),
        (None, (487, "")),
    ],
)
def test_an_error_becomes_what_a_phone_understands(
    error: BaseException | None, answer: tuple[int, str]
) -> None:
    assert as_answer(error) == answer
