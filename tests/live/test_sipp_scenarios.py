"""What two SIPps play with each other through the daemon, each to the end of its scenario."""

import pytest

from bench import sipp
from bench.capacity import left_over
from bench.processes import daemon_alone
from tests.live.sipp_phone import SCENARIOS

WITHIN = 15.0


@pytest.mark.sipp
@pytest.mark.parametrize(
    ("caller", "callee"),
    [
        pytest.param("timer_caller", "steady_callee", id="a session timer disturbs nobody else"),
        pytest.param("early_caller", "early_callee", id="a callee is heard before it answers"),
        pytest.param("refused_caller", "refusing_callee", id="no codec in common is told"),
    ],
)
def test_a_scenario_comes_to_its_end_on_both_sides(caller: str, callee: str) -> None:
    with (
        daemon_alone() as daemon,
        sipp.answering(daemon.sip_port, SCENARIOS / f"{callee}.xml", "-m", "1") as far,
        sipp.running(
            SCENARIOS / f"{caller}.xml", daemon.sip_port, "-m", "1", "-s", sipp.CALLEE
        ) as near,
    ):
        ends = [near.process.wait(WITHIN), far.process.wait(WITHIN)]

        assert ends == [0, 0], near.complaints() + far.complaints()
        assert left_over(daemon) == []
        assert daemon.complaints() == []
