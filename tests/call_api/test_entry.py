from call_api import dialects
from call_api.entry import Entry, numbered
from call_api.events import CallHolding, Ended, Reply, Transferring
from call_api.model import CallId, CmdId

HOLDING = b'{"event":"CallHolding"}'


def test_an_event_gets_the_numbers_after_those_of_the_one_before() -> None:
    assert numbered(CallHolding(), 4, 2) == Entry(seq=5, v1=0, event=HOLDING)
    assert numbered(Ended(), 4, 2) == Entry(seq=5, v1=3, event=b'{"event":"Ended"}')
    assert [numbered(event, 4, 2).is_last for event in (CallHolding(), Ended())] == [False, True]


def test_entries_are_equal_if_all_of_them_is() -> None:
    one = Entry(seq=5, v1=0, event=HOLDING)

    assert {one} == {Entry(seq=5, v1=0, event=HOLDING)}
    assert repr(one) == f"Entry(seq=5, v1=0, event={HOLDING!r})"
    assert one not in (Entry(seq=4, v1=0, event=HOLDING), Entry(seq=5, v1=1, event=HOLDING), 5)


def test_a_common_event_is_one_entry_for_all_commands_that_tell_it_there() -> None:
    assert numbered(Ended(), 1, 0) is numbered(Ended(), 1, 0)
    assert numbered(Ended(), 1, 0) != numbered(Ended(), 1, 1)
    assert numbered(Ended(), 1, 0) != numbered(Ended(), 2, 0)


def test_what_has_no_bound_is_not_shared() -> None:
    for event, seq in ((Ended(), 1000), (Ended(callid=CallId("c")), 1), (Reply(params={}), 1)):
        one, other = numbered(event, seq, 0), numbered(event, seq, 0)
        assert one == other
        assert one is not other


def test_shared_or_not_an_entry_is_worded_alike() -> None:
    start, id_ = dialects.start_in_v2("CallStart", CmdId("a")), dialects.text(CmdId("a"))
    for event in (Ended(), Transferring()):
        shared = numbered(event, 1, 0)
        own = Entry(seq=2, v1=1, event=shared.event)
        assert shared.in_v2(start) == own.in_v2(start)
        assert shared.in_v1(id_) == own.in_v1(id_)
    assert own.in_v2(start).startswith(
        b'{"jsonrpc":"2.0","method":"CallStart","params":{"cmd_id":"a","seq":2,"event":'
    )
