from typing import Any

import pytest

from call_api.commands.echo import Echo
from call_api.events import Event, Reply
from tests.fakes.scripted_backend import ScriptedBackend


@pytest.mark.parametrize("params", [{}, {"a": [1, None, {"b": "é"}]}, {"params": 1, "leg": 2}])
async def test_whatever_is_sent_comes_back(params: dict[str, Any]) -> None:
    backend = ScriptedBackend()
    told: list[Event] = []
    echo = Echo.from_params(params)

    await echo.run(backend, told.append)

    assert told == [Reply(params=params)]
    assert echo.to_params() == params
    assert backend.asked == []
