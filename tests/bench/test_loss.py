"""A small run of `make loss`: SIPp calls SIPp through the daemon, and a tenth of it all is lost."""

import pytest

from bench import loss
from tests.live.makes import must_be_complete, why_left_out

WHY = why_left_out("sipp")


@pytest.mark.live
@pytest.mark.sipp
@pytest.mark.skipif(bool(WHY) and not must_be_complete(), reason=WHY or "")
def test_calls_come_about_and_end_when_a_tenth_of_the_messages_is_lost() -> None:
    outcome = loss.run(calls=100, rate=25, loss=0.1)

    assert outcome.repeated > 20
    assert outcome.is_good, outcome
