from collections.abc import Mapping

import pytest

from call_api_client.messages import BadReply
from call_api_client.queries import PAGE, command, commands, every_call
from tests.fakes.api_script import CALLS, STATUS


class Asked:
    """Answers with one result after the other."""

    def __init__(self, *results: object) -> None:
        self.requests: list[tuple[str, Mapping[str, object]]] = []
        self._results = iter(results)

    async def __call__(self, method: str, /, **params: object) -> object:
        self.requests.append((method, params))
        return next(self._results)


async def test_calls_are_asked_for_a_page_at_a_time() -> None:
    ask = Asked({"calls": CALLS[:1], "next": "x"}, {"calls": CALLS[1:], "next": None})

    calls = [call async for call in every_call(ask)]

    assert [call.callid for call in calls] == [call["callid"] for call in CALLS]
    assert calls[0].held == ["caller"]
    assert ask.requests == [
        ("CallList", {"limit": PAGE}),
        ("CallList", {"limit": PAGE, "after": "x"}),
    ]


async def test_a_daemon_that_turns_in_circles_is_left() -> None:
    page = {"calls": [], "next": "x"}

    assert [call async for call in every_call(Asked(page, page))] == []


async def test_a_command_is_told_with_types() -> None:
    told = await command(Asked(STATUS), "c")

    assert (told.method, told.state, told.outcome, told.ended) == (
        "CallStart",
        "ended",
        "error",
        None,
    )
    assert told.error is not None
    assert told.error["status"] == 486
    assert told.started.year == 2026


async def test_commands_are_told_in_a_list() -> None:
    assert [one.cmd_id for one in await commands(Asked({"commands": [STATUS]}))] == [
        STATUS["cmd_id"]
    ]


async def test_another_answer_than_promised_is_a_bad_reply() -> None:
    with pytest.raises(BadReply, match="it is no CommandInfo"):
        await command(Asked({"cmd_id": 1}), "c")
