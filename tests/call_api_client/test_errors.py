import pytest

from call_api.errors import BY_CODE
from call_api_client import errors
from call_api_client.errors import CallApiError, CallFailed, InvalidParams, told
from call_api_client.messages import Failure


def failure(code: int, message: str = "", **data: object) -> Failure:
    return Failure(code=code, name="", message=message, data=data)


def test_an_error_is_of_its_own_class_and_has_its_attributes() -> None:
    error = told(failure(-32020, "486 Busy Here", status=486, reason="Busy Here"))

    assert isinstance(error, CallFailed)
    assert (str(error), error.status, error.reason, error.leg) == (
        "486 Busy Here",
        486,
        "Busy Here",
        None,
    )
    assert (error.code, error.name) == (-32020, "CallFailed")
    assert error.data == {"status": 486, "reason": "Busy Here"}


@pytest.mark.parametrize("code", BY_CODE)
def test_every_error_of_the_daemon_can_be_told_and_caught(code: int) -> None:
    error = told(failure(code))

    assert type(error) is BY_CODE[code]
    assert getattr(errors, error.name) is BY_CODE[code]
    assert str(error) == error.name


def test_what_is_wrong_with_a_parameter_is_read_in_a_traceback() -> None:
    error = told(failure(-32602, "Invalid params", param="leg", problem="expected caller"))
    whole = told(failure(-32602, "Invalid params", param=None, problem="an object is expected"))

    assert isinstance(error, InvalidParams)
    assert (error.param, error.problem) == ("leg", "expected caller")
    assert error.__notes__ == ["leg: expected caller"]
    assert whole.__notes__ == ["an object is expected"]


def test_an_error_that_is_not_known_has_its_code_at_least() -> None:
    error = told(failure(-32999, "the moon is full", phase=1))

    assert type(error) is CallApiError
    assert (error.code, str(error), error.data["phase"]) == (-32999, "the moon is full", 1)
