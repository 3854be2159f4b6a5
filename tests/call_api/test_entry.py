from call_api import dialects
from call_api.entry import Entry
from call_api.model import CmdId

HOLDING = b'{"event":"CallHolding"}'
ENDED = b'{"event":"Ended"}'


def test_entries_are_equal_if_all_of_them_is() -> None:
    one = Entry(seq=5, v1=0, event=HOLDING)

    assert {one} == {Entry(seq=5, v1=0, event=HOLDING)}
    assert repr(one) == f"Entry(seq=5, v1=0, event={HOLDING!r})"
    assert one not in (Entry(seq=4, v1=0, event=HOLDING), Entry(seq=5, v1=1, event=HOLDING), 5)


def test_an_entry_knows_whether_it_is_the_last_one() -> None:
    assert [Entry(seq=5, v1=0, event=text).is_last for text in (HOLDING, ENDED)] == [False, True]


def test_worded_before_or_not_an_entry_is_told_alike() -> None:
    start, id_ = dialects.start_in_v2("CallStart", CmdId("a")), dialects.text(CmdId("a"))
    for text, v1 in ((HOLDING, 0), (ENDED, 3)):
        one, worded = Entry(seq=5, v1=v1, event=text), Entry(seq=5, v1=v1, event=text)
        worded.word()
        assert one.in_v2(start) == worded.in_v2(start)
        if v1:
            assert one.in_v1(id_) == worded.in_v1(id_)
    assert one.in_v2(start) == (
        b'{"jsonrpc":"2.0","method":"CallStart","params":{"cmd_id":"a","seq":5,"event":"Ended"}}'
    )
