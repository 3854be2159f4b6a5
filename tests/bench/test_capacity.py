"""A small run of `make capacity`: SIPp calls SIPp through the daemon."""

import pytest

from bench import capacity
from tests.fakes.outside import needs

pytestmark = [pytest.mark.live, pytest.mark.sipp, needs("sipp")]


def test_every_call_between_two_sipps_ends_well_and_none_is_left() -> None:
    result = capacity.run(rate=20, seconds=2.0, lasting=0.3)

    assert result.faults == {}
    assert result.calls == 40
    assert result.cpu_us > 0


def test_calls_that_are_up_at_the_same_time_are_held_and_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(capacity, "HOLDING_RATE", 20)
    monkeypatch.setattr(capacity, "WINDOW", 1.0)
    monkeypatch.setattr(capacity, "SETTLES", 0.5)

    held = capacity.hold(30)

    assert held.faults == {}
    assert held.private_kib > 1000
