from call_api_client.listing import PAGE, call_list
from tests.fakes.api_script import CALLS
from tests.fakes.asked import Asked


async def test_calls_are_asked_for_a_page_at_a_time() -> None:
    ask = Asked({"calls": CALLS[:1], "next": "x"}, {"calls": CALLS[1:], "next": None})

    calls = [call async for call in call_list(ask)]

    assert calls == CALLS
    assert ask.requests == [
        ("CallList", {"limit": PAGE}),
        ("CallList", {"limit": PAGE, "after": "x"}),
    ]


async def test_a_daemon_that_turns_in_circles_is_left() -> None:
    page = {"calls": [], "next": "x"}

    assert [call async for call in call_list(Asked(page, page))] == []


async def test_what_is_no_list_has_no_calls() -> None:
    assert [call async for call in call_list(Asked(None))] == []
