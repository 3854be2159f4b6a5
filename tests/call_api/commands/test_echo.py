from typing import Any

import pytest

from call_api.commands.echo import Echo
from call_api.events import Event, Reply
from tests.fakes.scripted_backend import ScriptedBackend
from tests.fakes.taking_over import GONE, taken_over


@pytest.mark.parametrize("params", [{}, {"a": [1, None, {"b": "é"}]}, {"params": 1, "leg": 2}])
async def test_whatever_is_sent_comes_back(params: dict[str, Any]) -> None:
    backend = ScriptedBackend()
    told: list[Event] = []
    echo = Echo.from_params(params)

    await echo.run(backend, told.append)

    assert told == [Reply(params=params)]
    assert echo.to_params() == params
    assert backend.asked == []


async def test_what_was_not_sent_back_when_the_daemon_died_is_sent_back_once() -> None:
    echo = Echo(params={"a": 1})

    assert await taken_over(echo, GONE) == ([Reply(params={"a": 1})], [])
    assert await taken_over(echo, GONE, Reply(params={"a": 1})) == ([], [])
