import pytest

from call_api.backends.embedded.leg_state import NEXT_STATE, LegInput, LegState, next_state

S, In = LegState, LegInput


@pytest.mark.parametrize(
    ("story", "end"),
    [
        ([In.WE_INVITE, In.PROGRESS, In.PROGRESS, In.ACCEPTED, In.WE_BYE, In.BYE_DONE], S.DEAD),
        ([In.WE_INVITE, In.ACCEPTED, In.BYES], S.DEAD),
        ([In.WE_INVITE, In.REFUSED], S.DEAD),
        ([In.WE_INVITE, In.PROGRESS, In.WE_CANCEL, In.REFUSED], S.DEAD),
        ([In.INVITES, In.ACCEPTED, In.WE_BYE, In.BYES], S.DEAD),
        ([In.INVITES, In.CANCELS], S.DEAD),
        ([In.INVITES, In.ACCEPTED, In.WE_BYE, In.BYES, In.BYE_DONE], S.DEAD),
    ],
)
def test_a_leg_goes_through_its_states(story: list[LegInput], end: LegState) -> None:
    state = LegState.NEW
    for happened in story:
        state = next_state(state, happened)

    assert state is end


def test_a_2xx_that_crosses_our_cancel_makes_a_dialog_that_takes_a_bye() -> None:
    state = next_state(LegState.CANCELLED, LegInput.ACCEPTED)

    assert state is LegState.UP
    assert next_state(state, LegInput.WE_BYE) is LegState.BYE


def test_what_cannot_happen_is_an_error_that_says_so() -> None:
    with pytest.raises(ValueError, match="ACCEPTED cannot happen to a leg that is DEAD"):
        next_state(LegState.DEAD, LegInput.ACCEPTED)


def test_every_state_but_the_last_leads_to_the_end() -> None:
    reached = {LegState.DEAD}
    while more := {a for (a, _), b in NEXT_STATE.items() if b in reached} - reached:
        reached |= more

    assert reached == set(LegState)
