import pytest
from msgspec import ValidationError

from call_api.commands.base import Command
from call_api.commands.call_hold import CallHold
from call_api.model import CallId


def test_a_method_is_made_of_its_parameters_and_says_them_again() -> None:
    hold = CallHold.from_params({"callid": "a"})

    assert hold == CallHold(callid=CallId("a"))
    assert hold.to_params() is hold


@pytest.mark.parametrize("params", [{}, {"callid": 1}, {"callid": "a", "more": 1}])
def test_wrong_parameters_make_no_method(params: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        CallHold.from_params(params)


def test_a_method_has_no_other_spellings_unless_it_says_so() -> None:
    assert (Command.aliases, Command.param_aliases, Command.takes_anything) == ((), {}, False)
