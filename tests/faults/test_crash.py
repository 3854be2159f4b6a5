"""kill -9 of a loaded daemon with a journal in a file; `make crash ROUNDS=200` does more of it."""

import pytest

from tests.faults.crash import CHAINS, Figures, crash
from tests.faults.crash_clients import Broken, check

TOLD = [{"params": {"seq": 1, "event": "Reply"}}, {"params": {"seq": 2, "event": "Ended"}}]


@pytest.mark.parametrize("backend", ["embedded", "opensips"])
async def test_no_command_runs_twice_is_forgotten_or_told_in_two_ways(backend: str) -> None:
    figures: Figures = await crash(backend, 2, seed=4)

    assert figures.commands >= 2 * CHAINS


def test_what_was_seen_has_to_be_told_again_from_its_beginning() -> None:
    check("a", TOLD[:1], TOLD)
    with pytest.raises(Broken, match="seen was"):
        check("a", [{"params": {"seq": 1, "event": "Error"}}], TOLD)


@pytest.mark.parametrize("told", [TOLD[:1], [TOLD[0], *TOLD], [*TOLD, TOLD[1]]])
def test_each_command_has_one_end_and_no_number_twice(told: list[object]) -> None:
    with pytest.raises(Broken):
        check("a", [], told)
