"""A small run of `make loss`: SIPp calls SIPp through the daemon, and a tenth of it all is lost."""

import pytest

from bench import loss
from tests.fakes.outside import needs


@pytest.mark.live
@pytest.mark.sipp
@needs("sipp")
def test_calls_come_about_and_end_when_a_tenth_of_the_messages_is_lost() -> None:
    outcome = loss.run(calls=100, rate=25, loss=0.1)

    assert outcome.repeated > 20
    assert outcome.is_good, outcome
