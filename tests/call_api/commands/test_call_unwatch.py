import msgspec
import pytest

from call_api.commands.call_unwatch import CallUnwatch
from tests.fakes.asking import FakeAsking


@pytest.mark.parametrize(
    ("params", "answer", "left"),
    [({}, b'{"callid":null}', ["a"]), ({"callid": "a"}, b'{"callid":"a"}', [None])],
)
async def test_what_was_asked_for_alike_is_taken_back(
    params: dict[str, str], answer: bytes, left: list[str | None]
) -> None:
    asking = FakeAsking()
    asking.watched = [None, "a"]

    told = await CallUnwatch.from_params(params).answer(asking)

    assert msgspec.json.encode(told) == answer
    assert asking.watched == left
