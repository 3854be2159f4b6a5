import pytest

from call_api.errors import BY_CODE
from call_api_client.statuses import Status, of_code


@pytest.mark.parametrize(
    ("code", "status"),
    [(-32601, 2), (-32602, 2), (-32001, 4), (-32002, 4), (-32003, 4), (-32021, 5), (-32020, 1)],
)
def test_an_error_has_the_exit_status_of_its_kind(code: int, status: int) -> None:
    assert of_code(code) == status


def test_every_other_error_is_a_failure() -> None:
    others = set(BY_CODE) - {-32601, -32602, -32001, -32002, -32003, -32021}

    assert {of_code(code) for code in others} == {Status.FAILED}
    assert of_code(4711) is Status.FAILED
