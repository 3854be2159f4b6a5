from datetime import UTC, datetime

import msgspec
import pytest

from call_api.backends.base import CallInfo
from call_api.commands.call_list import CallList
from call_api.errors import ProxyUnreachable
from call_api.model import CallId
from tests.fakes.asking import FakeAsking
from tests.fakes.scripted_backend import ScriptedBackend

CALL = CallInfo(
    callid=CallId("c1"),
    state="answered",
    caller="sip:alice@h",
    callee="sip:bob@h",
    started=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    held=["caller"],
)


async def test_calls_are_shown_with_all_their_members() -> None:
    asking = FakeAsking(backend=ScriptedBackend(calls=[CALL]))

    page = await CallList().answer(asking)

    assert msgspec.json.encode(page) == (
        b'{"calls":[{"callid":"c1","state":"answered","caller":"sip:alice@h",'
        b'"callee":"sip:bob@h","started":"2026-01-02T03:04:05Z","held":["caller"]}],"next":null}'
    )
    assert asking.backend.asked == [("calls", 100, None)]


async def test_a_page_is_asked_for_by_size_and_place() -> None:
    asking = FakeAsking()

    await CallList(limit=7, after=CallId("x")).answer(asking)

    assert asking.backend.asked == [("calls", 7, "x")]


@pytest.mark.parametrize("limit", [1, 1000])
def test_a_page_has_up_to_a_thousand_calls(limit: int) -> None:
    assert CallList.from_params({"limit": limit}).limit == limit


@pytest.mark.parametrize("limit", [0, -1, 1001, 1.5, "5", None, True])
def test_no_other_size_will_do(limit: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        CallList.from_params({"limit": limit})


async def test_a_silent_proxy_is_an_error() -> None:
    with pytest.raises(ProxyUnreachable):
        await CallList().answer(FakeAsking(backend=ScriptedBackend(refuses=ProxyUnreachable())))
