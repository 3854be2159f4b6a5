import itertools

import pytest

from call_api.backends.base import TransferStep
from call_api.backends.opensips import events
from call_api.backends.opensips.events import EventParams, ProxyEvent
from call_api.backends.opensips.transfer_progress import TransferProgress
from tests.fakes.transfers import (
    ANSWERED,
    CINDY,
    NEW,
    OK,
    RINGING,
    START,
    A,
    B,
    accepted,
    after,
    changed,
    dialog,
    outcome,
    run_out,
    states,
    transfer,
)


def test_a_transfer_is_told_step_by_step() -> None:
    progress = after(START, RINGING, OK)

    assert list(progress.steps) == [
        TransferStep(state="start", callid=NEW, destination=CINDY),
        TransferStep(state="pending", callid=NEW, destination=CINDY, status="180 Ringing"),
        TransferStep(state="ok", callid=NEW, destination=CINDY),
    ]
    assert progress.outcome is True
    assert progress.is_settled
    assert progress.next_timer() is None


@pytest.mark.parametrize("order", list(itertools.permutations((START, RINGING, ANSWERED, OK))))
def test_whatever_the_order_the_start_comes_first_and_the_end_last(
    order: tuple[ProxyEvent, ...],
) -> None:
    progress = after(*order)
    run_out(progress, 1.0)

    told = states(progress)
    assert progress.outcome is True
    assert (told[0], told[-1]) == ("start", "ok")
    assert told in (["start", "ok"], ["start", "180 Ringing", "ok"])


def test_doubled_events_are_told_once() -> None:
    progress = after(START, START, RINGING, RINGING, OK, OK, ANSWERED)

    assert states(progress) == ["start", "180 Ringing", "ok"]


def test_events_that_come_before_the_reply_count() -> None:
    progress = TransferProgress((A,), CINDY)

    assert not progress.has_begun
    for event in (START, RINGING, OK):
        progress.receive(event, 0.0)
    assert progress.has_begun
    progress.accept(0.0)

    assert progress.outcome is True
    assert states(progress) == ["start", "180 Ringing", "ok"]


def test_a_lost_start_is_made_up_from_what_comes_after_it() -> None:
    progress = after(RINGING)

    assert states(progress) == []
    assert progress.has_begun
    assert progress.next_timer() == 0.05
    run_out(progress, 0.1)
    assert states(progress) == ["start", "180 Ringing"]


@pytest.mark.parametrize(
    "told",
    [(OK,), (START, ANSWERED), (START, changed(NEW, 3), changed(NEW, 4))],
    ids=["an ok without a start", "a notify without an ok", "only the new call's own events"],
)
def test_any_word_of_the_end_is_the_end(told: tuple[ProxyEvent, ...]) -> None:
    assert states(after(*told)) == ["start", "ok"]


def test_who_is_asked_is_the_proxys_word_when_nobody_else_said_so() -> None:
    progress = accepted(destination=None)
    progress.receive(START, 0.0)

    assert progress.steps[0].destination == "sip:cindy@127.0.0.1:5073;ob"


def test_the_start_of_an_attended_transfer_may_be_the_other_calls() -> None:
    progress = TransferProgress((A, B), None)
    progress.accept(0.0)
    for event in (transfer("start", of=B), START, transfer("ok", "200 OK", of=B), OK):
        progress.receive(event, 0.0)

    assert states(progress) == ["start", "ok"]


def test_a_destination_that_refuses_fails_the_transfer_at_once() -> None:
    progress = after(START, transfer("fail", "486 Busy Here"))

    assert outcome(progress) == (486, "Busy Here")
    assert progress.is_settled
    assert states(progress) == ["start"]


@pytest.mark.parametrize("notify_first", [True, False])
def test_the_true_status_is_in_the_notify_and_not_in_the_made_up_408(*, notify_first: bool) -> None:
    fail, notify = transfer("fail", "408 Request Timeout"), transfer("notify", "404 Not Found")
    progress = after(START, *((notify, fail) if notify_first else (fail, notify)))

    assert outcome(progress) == (404, "Not Found")


@pytest.mark.parametrize("status", ["408 Request Timeout", ""])
def test_a_408_that_nobody_corrects_is_one(status: str) -> None:
    progress = after(START, transfer("fail", status))

    assert progress.outcome is None
    run_out(progress, 0.5)
    assert outcome(progress) == (408, "Request Timeout")


def test_a_final_notify_of_a_call_whose_start_was_lost_fails_it() -> None:
    progress = after(transfer("notify", "404 Not Found"))

    assert states(progress) == ["start"]
    assert outcome(progress) == (404, "Not Found")


def test_a_phone_that_is_challenged_may_try_again() -> None:
    progress = after(START, transfer("fail", "407 Proxy Authentication Required"))
    progress.receive(transfer("start", new="second"), 0.2)
    progress.receive(transfer("fail", "486 Busy Here"), 0.3)  # of the first attempt, late
    progress.receive(transfer("ok", "200 OK", new="second"), 0.4)

    assert progress.outcome is True
    assert [step.callid for step in progress.steps] == [NEW, "second"]


def test_a_phone_that_is_challenged_and_gives_up_has_failed() -> None:
    progress = after(START, transfer("fail", "401 Unauthorized"))
    run_out(progress, 1.0)

    assert outcome(progress) == (401, "Unauthorized")


def test_a_status_that_is_none_is_ignored() -> None:
    progress = after(START, transfer("notify", ""), transfer("notify", "what?"))

    assert states(progress) == ["start"]


def test_what_is_no_transfer_event_of_this_call_is_ignored() -> None:
    progress = after(
        ProxyEvent(events.TRANSFER, EventParams(callid=A, state="start")),
        transfer("odd"),
        ProxyEvent(events.HOLD, EventParams(callid=A, state="ok")),
        changed(A, 4),
        changed("other", 5),
    )

    assert not progress.has_begun
    assert progress.outcome is None


def test_what_an_earlier_transfer_has_left_behind_is_ignored() -> None:
    progress = TransferProgress((A,), CINDY)
    progress.ignore("old")
    progress.accept_unnoted(0.0)
    for event in (
        transfer("notify", "486 Busy Here", new="old"),
        transfer("fail", "486", new="old"),
    ):
        progress.receive(event, 0.0)
    progress.tell_old_call(dialog(call_transfer_leg="", call_transfer_callid="old"), 0.1)

    assert progress.outcome is None
    progress.receive(START, 0.2)
    assert states(progress) == ["start"]
