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
    event = CallEvent.of(change("n", "held", names=["a"]))

    assert (event.callid, event.event, event.call.callid) == (CallId("n"), "held", "n")
    assert set(msgspec.json.decode(msgspec.json.encode(event))) == {"callid", "event", "call"}


def test_a_transferred_call_is_recognized_by_the_names_that_it_had() -> None:
    event = CallEvent.of(change("n", "transferred", names=["a", "n", "b", "a"]))

    assert msgspec.json.decode(msgspec.json.encode(event))["was"] == ["a", "b"]
