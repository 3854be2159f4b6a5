import msgspec
import pytest

from call_api.commands.call_watch import CallEvent, CallWatch
from call_api.model import CallId
from tests.fakes.asking import FakeAsking
from tests.fakes.call_changes import change


@pytest.mark.parametrize(
    ("params", "answer", "watched"),
    [({}, b'{"callid":null}', None), ({"callid": "a"}, b'{"callid":"a"}', "a")],
)
async def test_the_client_is_answered_what_it_watches(
    params: dict[str, str], answer: bytes, watched: str | None
) -> None:
    asking = FakeAsking()

    told = await CallWatch.from_params(params).answer(asking)

    assert msgspec.json.encode(told) == answer
    assert asking.watched == [watched]


def test_an_event_says_what_has_happened_to_which_call_and_no_more() -> None:
    event = CallEvent.of(change("n", "transferred", names=["a"]))

    assert (event.callid, event.event, event.call.callid) == (CallId("n"), "transferred", "n")
    assert set(msgspec.to_builtins(event)) == {"callid", "event", "call"}
