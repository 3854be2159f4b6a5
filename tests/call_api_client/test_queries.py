import pytest

from call_api_client.messages import BadReply
from call_api_client.queries import command, commands, every_call
from tests.fakes.api_script import CALLS, STATUS
from tests.fakes.asked import Asked


async def test_every_call_is_told_with_types() -> None:
    ask = Asked({"calls": CALLS, "next": None})

    calls = [call async for call in every_call(ask)]

    assert [call.callid for call in calls] == [call["callid"] for call in CALLS]
    assert calls[0].held == ["caller"]


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
