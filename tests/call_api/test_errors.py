import inspect

import msgspec
import pytest

from call_api import errors
from call_api.errors import (
    BY_CODE,
    CallApiError,
    CallFailed,
    CommandCancelled,
    CommandTimeout,
    InvalidParams,
    InvalidRequest,
    OwnerLost,
    ProxyRefused,
    ProxyUnreachable,
    TooManyRequests,
)
from call_api.model import CallId

CODES = {
    -32700: "ParseError",
    -32600: "InvalidRequest",
    -32601: "MethodNotFound",
    -32602: "InvalidParams",
    -32603: "InternalError",
    -32001: "Unauthorized",
    -32002: "Forbidden",
    -32003: "TooManyRequests",
    -32004: "DuplicateCommand",
    -32005: "UnknownCommand",
    -32006: "JournalFailed",
    -32010: "ProxyUnreachable",
    -32011: "ProxyRefused",
    -32012: "UnknownCall",
    -32013: "CallBusy",
    -32020: "CallFailed",
    -32021: "CommandTimeout",
    -32022: "CommandCancelled",
    -32023: "OwnerLost",
    -32030: "NotSupported",
}


def sample(kind: type[CallApiError]) -> CallApiError:
    """An error of a kind, with something for each argument it needs."""
    fitting = {"code": 1, "status": 486, "timeout": 1.5, "retry_after": 1.0}
    needed = [
        name
        for name, parameter in inspect.signature(kind).parameters.items()
        if parameter.default is parameter.empty
    ]
    return kind(*(fitting.get(name, "x") for name in needed))


def test_every_error_of_the_contract_exists_with_its_code() -> None:
    assert {code: kind.__name__ for code, kind in BY_CODE.items()} == CODES


def test_an_error_needs_a_code_of_its_own() -> None:
    with pytest.raises(TypeError, match="code of its own"):
        type("WithoutCode", (CallApiError,), {})
    with pytest.raises(TypeError, match="code of its own"):
        type("WithTakenCode", (CallApiError,), {"code": -32603})


@pytest.mark.parametrize("kind", BY_CODE.values())
def test_every_error_has_a_sentence_and_data_for_json(kind: type[CallApiError]) -> None:
    error = sample(kind)

    assert str(error)
    assert msgspec.json.decode(msgspec.json.encode(error.data)) == error.data
    assert (inspect.getdoc(kind) or "").splitlines()[0].endswith(".")


@pytest.mark.parametrize(
    ("error", "sentence", "data"),
    [
        (CallFailed(486, "Busy Here"), "486 Busy Here", {"status": 486, "reason": "Busy Here"}),
        (CallFailed(408), "408", {"status": 408, "reason": ""}),
        (
            CallFailed(488, "No", leg="callee"),
            "488 No",
            {"status": 488, "reason": "No", "leg": "callee"},
        ),
        (InvalidParams(None, "x"), "Invalid params", {"param": None, "problem": "x"}),
        (InvalidRequest(), "Invalid Request", {}),
        (TooManyRequests(1.5), "too many requests", {"retry_after": 1.5}),
        (ProxyUnreachable(), "no answer from the SIP proxy", {}),
        (ProxyUnreachable("5 s"), "no answer from the SIP proxy: 5 s", {"reason": "5 s"}),
        (ProxyRefused(404), "the SIP proxy refused: 404", {"status": 404, "reason": ""}),
        (CommandTimeout(1.5), "not done within 1.5 s", {"timeout": 1.5}),
        (CommandCancelled(), "cancelled", {}),
        (CommandCancelled("why"), "cancelled: why", {"reason": "why"}),
        (
            OwnerLost(CallId("c"), "up"),
            "the daemon that ran this command died; the call is up",
            {"callid": "c", "call": "up"},
        ),
    ],
)
def test_an_error_says_what_is_known(
    error: CallApiError, sentence: str, data: dict[str, object]
) -> None:
    assert str(error) == sentence
    assert error.data == data


def test_every_error_class_is_registered() -> None:
    kinds = {
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, CallApiError) and kind is not CallApiError
    }

    assert kinds == set(BY_CODE.values())
