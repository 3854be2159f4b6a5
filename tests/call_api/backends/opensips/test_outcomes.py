import pytest

from call_api.backends.opensips.mi import MiError, Reply
from call_api.backends.opensips.outcomes import failure, parse_status, refusal, result_of
from call_api.errors import (
    CallBusy,
    CallFailed,
    NotSupported,
    ProxyRefused,
    ProxyUnreachable,
    UnknownCall,
)
from call_api.model import CallId

A = CallId("a")


def test_an_unknown_dialog_is_an_unknown_call() -> None:
    error = refusal(MiError(404, "Dialog not found"), A)

    assert isinstance(error, UnknownCall)
    assert error.callid == A


def test_request_pending_is_a_busy_call() -> None:
    assert isinstance(refusal(MiError(491, "Request Pending"), A), CallBusy)


def test_a_missing_module_is_something_that_the_proxy_cannot_do() -> None:
    assert isinstance(refusal(MiError(-32601, "Method not found"), A), NotSupported)


@pytest.mark.parametrize(
    ("code", "reason"),
    [(480, "Both dialog legs are on hold"), (410, "Dialog not ready"), (-32602, "Invalid params")],
)
def test_everything_else_is_told_as_the_proxy_says_it(code: int, reason: str) -> None:
    error = refusal(MiError(code, reason), A)

    assert isinstance(error, ProxyRefused)
    assert (error.status, error.reason) == (code, reason)


def test_a_reply_is_a_result_a_refusal_or_silence() -> None:
    assert result_of(Reply(result="OK"), A) == "OK"
    with pytest.raises(UnknownCall):
        result_of(Reply(error=MiError(404, "")), A)
    with pytest.raises(ProxyUnreachable, match="no answer in time"):
        result_of(Reply(silence="no answer in time"), A)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("486 Busy Here", (486, "Busy Here")),
        ("200 Answering", (200, "Answering")),
        ("SIP/2.0 404 Not Found", (404, "Not Found")),
        ("408", (408, "")),
        ("180 Ringing\r\n", (180, "Ringing")),
        ("", None),
        ("Busy", None),
        ("99 Low", None),
        ("700 High", None),
        (None, None),
        (486, None),
    ],
)
def test_a_status_is_read_from_what_the_proxy_calls_it(
    text: object, expected: tuple[int, str] | None
) -> None:
    assert parse_status(text) == expected


def test_a_failure_is_the_one_that_was_told_or_the_default() -> None:
    default = (408, "Request Timeout")

    assert failure("486 Busy Here", default).data == CallFailed(486, "Busy Here").data
    assert failure("", default).data == CallFailed(*default).data
    assert failure("200 OK", default).data == CallFailed(*default).data
