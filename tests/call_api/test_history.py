from call_api import history
from call_api.entry import Entry
from call_api.errors import CallFailed
from call_api.events import CallHolding, CallHoldStart, Ended, Error, Event, Reply, TransferPending
from call_api.history import NOTHING, History
from call_api.model import LEGS, CallId

HELD = (CallHolding(), CallHoldStart(leg="caller"), Ended())
REFUSED = Error.of(CallFailed(486))


def told(*events: Event) -> History:
    so_far = NOTHING
    for event in events:
        so_far = so_far.then(event)
    return so_far


def test_an_event_gets_the_numbers_after_those_of_the_one_before() -> None:
    holding, failed, ended = told(CallHolding(), REFUSED, Ended()).entries

    assert holding == Entry(seq=1, v1=0, event=b'{"event":"CallHolding"}')
    assert (failed.seq, failed.v1) == (2, 1)
    assert ended == Entry(seq=3, v1=2, event=b'{"event":"Ended"}')


def test_it_knows_how_much_there_is_and_what_error_was_told() -> None:
    failed, held = told(CallHolding(), REFUSED, Ended()), told(*HELD)

    assert failed.size_bytes == sum(len(entry.event) for entry in failed.entries)
    assert bytes(failed.error or b"").startswith(b'{"code":-32020')
    assert (failed.v1, held.v1, held.error) == (2, 1, None)
    assert History(failed.entries).error == failed.error


def test_what_was_so_before_stays_so() -> None:
    before = told(CallHolding())
    after = before.then(Ended())

    assert (len(before.entries), len(after.entries)) == (1, 2)
    assert NOTHING.entries == []


def test_what_comes_after_the_same_goes_different_ways() -> None:
    before = told(REFUSED)
    one, other = before.then(Ended()), before.then(REFUSED)
    later = one.then(REFUSED)

    assert [entry.event[:16] for entry in one.entries] == [b'{"event":"Error"', b'{"event":"Ended"']
    assert [entry.event[:16] for entry in other.entries] == [b'{"event":"Error"'] * 2
    assert (before.entries, one.entries) == (later.entries[:1], later.entries[:2])
    assert (one.seq, other.seq, later.seq, later.v1) == (2, 2, 3, 3)
    assert later.entry(3) == later.entries[-1]


def test_an_event_costs_the_same_however_many_were_told_before() -> None:
    ringing = TransferPending(callid=CallId("c"), extra="180 Ringing")
    so_far = told(*HELD[:2])
    with_few = so_far.then(ringing)
    for _ in range(1000):
        so_far = so_far.then(ringing)

    assert so_far.then(ringing)._entries is so_far._entries
    assert (so_far.seq, with_few.seq, NOTHING.then(HELD[0]).then(HELD[1]).seq) == (1002, 3, 2)


def test_commands_that_tell_the_same_common_events_share_what_they_have_told() -> None:
    assert told(*HELD) is told(*HELD)
    assert told(*HELD[:2]) is not told(HELD[0], CallHoldStart(leg="callee"))


def test_what_few_commands_tell_is_their_own() -> None:
    for event in (Ended(callid=CallId("c")), Reply(params={}), REFUSED):
        one, other = told(event, Ended()), told(event, Ended())
        assert one.entries == other.entries
        assert one is not other


def test_what_is_shared_is_bounded() -> None:
    many = NOTHING
    for number in range(2 * history._MOST):
        many = many.then(CallHoldStart(leg=LEGS[number % 2]))

    assert len(many.entries) == 2 * history._MOST
    assert len(history._shared) <= history._MOST
