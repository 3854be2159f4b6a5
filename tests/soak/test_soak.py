"""A soak of a few seconds: that it runs through, and that it finds what it looks for."""

import pytest

from tests.soak.run import Plan, soak
from tests.soak.samples import Sample, grown


async def test_a_short_one_holds_out() -> None:
    table: list[str] = []
    plan = Plan(seconds=0.0, fewest=1, busy_for=0.5, rate=30.0, pace=0.05, back_ends=("embedded",))

    assert await soak(plan, table.append) == []

    _, row = table
    name, commands, *_ = row.split()
    assert name == "embedded"
    assert int(commands) > 0


async def test_a_daemon_that_leaks_is_found() -> None:
    plan = Plan(seconds=0.0, busy_for=0.1, rate=0.0, pace=0.05, leaks=True, back_ends=("opensips",))

    problems = await soak(plan, lambda line: None)

    found = {problem.split(": ")[1] for problem in problems}
    assert found == {"tasks", "descriptors", "objects", "memory_kib"}


def sample(commands: int, **more: int) -> Sample:
    usual = {
        "tasks": 3,
        "descriptors": 20,
        "objects": 50_000,
        "memory_kib": 30_000,
        "longest_ms": 9,
    }
    return Sample(commands=commands, left={}, **(usual | more))


@pytest.mark.parametrize(
    ("name", "value"),
    [("tasks", 4), ("descriptors", 21), ("objects", 51_100), ("memory_kib", 34_500)],
)
def test_what_grows_is_named(name: str, value: int) -> None:
    flat = [sample(0), sample(500), sample(1000)]

    assert grown(flat) == []
    (found,) = grown([*flat, sample(1000, **{name: value})])
    assert found.startswith(f"{name}: ")
