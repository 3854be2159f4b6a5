import json
from typing import Any

import pytest

from call_api_client.client import Refused, connect
from call_cmd.callids import AmbiguousCallId, every_call, whole
from tests.fakes.scripted_daemon import Line, Script, refusal, scripted_daemon

FIRST = "1fc8043a62f14a0c8f0e9a1f3b1c7d55"
SECOND = "1fc9043a-62f1-4a0c-8f0e-9a1f3b1c7d55"
OF_A_PHONE = "1fff-4711@10.0.0.1"
SHORT_ONE = "1fc8"


def calls(*callids: str, page: int = 1000) -> Line:
    """CallList of these calls, a page at a time."""

    def say(_: object, request: dict[str, Any]) -> str:
        after = request["params"].get("after")
        start = 0 if after is None else callids.index(after) + 1
        found = callids[start : start + page]
        more = found[-1] if start + page < len(callids) else None
        value = {"calls": [{"callid": callid} for callid in found], "next": more}
        return json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": value})

    return say


async def meant(typed: str, *lines: Line) -> str:
    async with scripted_daemon({"CallList": lines}) as daemon, connect(daemon.url) as client:
        return await whole(client, typed)


@pytest.mark.parametrize("page", [1, 1000])
async def test_the_beginning_of_one_call_id_will_do(page: int) -> None:
    listed = calls(OF_A_PHONE, FIRST, SECOND, page=page)

    assert await meant("1fc8", listed) == FIRST
    assert await meant("1fc9043a-62", listed) == SECOND


async def test_an_exact_call_id_counts_before_the_beginning_of_another() -> None:
    assert await meant(SHORT_ONE, calls(FIRST, SHORT_ONE)) == SHORT_ONE


async def test_the_beginning_of_several_is_refused_with_all_of_them() -> None:
    with pytest.raises(AmbiguousCallId) as caught:
        await meant("1fc8043a", calls(FIRST, FIRST[:-1] + "6"))

    assert caught.value.callids == [FIRST, FIRST[:-1] + "6"]
    assert str(caught.value) == "1fc8043a is the beginning of 2 Call-IDs: type more of it"


@pytest.mark.parametrize(
    "typed",
    [
        "1fc",  # too short to be meant
        "1fff",  # the beginning of what a phone has counted up
        FIRST,  # as long as a random one is
        OF_A_PHONE,
        "0000",
        "",
    ],
)
async def test_everything_else_is_taken_as_it_is(typed: str) -> None:
    assert await meant(typed, calls(OF_A_PHONE, FIRST)) == typed


async def test_a_back_end_that_cannot_list_takes_it_as_it_is() -> None:
    assert await meant("1fc8", refusal(-32030, "cannot list calls")) == "1fc8"


async def test_another_refusal_is_one() -> None:
    with pytest.raises(Refused, match="forbidden"):
        await meant("1fc8", refusal(-32002, "forbidden"))


@pytest.mark.parametrize("result", ["null", '{"calls": 7}', '{"calls": [], "next": 7}'])
async def test_an_odd_list_is_an_empty_one(result: str) -> None:
    def say(_: object, request: dict[str, Any]) -> str:
        return json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": json.loads(result)})

    script: Script = {"CallList": [say]}
    async with scripted_daemon(script) as daemon, connect(daemon.url) as client:
        assert [call async for call in every_call(client)] == []


async def test_a_page_that_leads_to_itself_is_the_last_one() -> None:
    def say(_: object, request: dict[str, Any]) -> str:
        value = {"calls": [{"callid": "x"}], "next": "x"}
        return json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": value})

    script: Script = {"CallList": [say]}
    async with scripted_daemon(script) as daemon, connect(daemon.url) as client:
        assert len([call async for call in every_call(client)]) == 2
