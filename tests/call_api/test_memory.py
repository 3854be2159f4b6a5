from call_api.memory import give_back
from tests.faults.outside import memory_kib


def test_what_is_free_between_what_lasts_is_given_back() -> None:
    pieces = [bytearray(4000) for _ in range(20_000)]
    lasting = pieces[::100]
    pieces.clear()
    before = memory_kib()

    give_back()

    assert before - memory_kib() > 40_000
    assert sum(map(len, lasting)) == 200 * 4000
