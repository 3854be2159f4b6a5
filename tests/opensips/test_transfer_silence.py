"""A transfer of which no event, or not every event, tells: the proxy has to be asked."""

import pytest

from call_api.backends.opensips import events
from call_api.backends.opensips.events import EventParams, ProxyEvent
from call_api.backends.opensips.transfer_progress import Question, TransferProgress
from call_api.errors import ProxyUnreachable
from tests.fakes.transfers import (
    NEW,
    OK,
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

# Nothing is told of a REFER that fails.


def test_the_proxy_is_asked_soon_and_then_less_and_less_often() -> None:
    progress, asked = accepted(), []
    while (at := progress.next_timer()) is not None and at < 8:
        progress.handle_timer(at)
        assert progress.question is Question.OLD_CALL
        asked.append(round(at, 2))

    assert asked == [0.05, 0.25, 0.75, 1.75, 3.75, 5.75, 7.75]


def test_a_refer_that_is_refused_is_found_in_the_dialog() -> None:
    progress = accepted()
    progress.tell_old_call(dialog(call_transfer_leg=""), 0.05)

    assert outcome(progress) == (603, "the phone refused the REFER")
    assert progress.was_refused_at_once
    assert progress.is_settled


def test_a_refer_that_is_not_answered_is_told_from_one_that_is_refused() -> None:
    progress = accepted()
    progress.tell_old_call(dialog(call_transfer_leg="caller"), 3.0)
    assert progress.outcome is None
    progress.tell_old_call(dialog(call_transfer_leg=""), 4.5)

    assert outcome(progress) == (408, "the phone did not answer the REFER")
    assert not progress.was_refused_at_once


def test_the_scripts_own_event_tells_with_what_a_refer_was_refused() -> None:
    progress = accepted()
    progress.receive(
        ProxyEvent(events.REFUSED, EventParams(callid=A, code=603, reason="Decline")), 0.0
    )

    assert outcome(progress) == (603, "Decline")
    assert not progress.was_refused_at_once


def test_a_refused_refer_after_the_start_is_not_this_one() -> None:
    progress = after(START, ProxyEvent(events.REFUSED, EventParams(callid=A, code=603)))

    assert progress.outcome is None


@pytest.mark.parametrize("code", [0, 200, 999])
def test_a_refusal_without_a_status_is_still_one(code: int) -> None:
    progress = accepted()
    progress.refused(code, "?")

    assert outcome(progress) == (603, "the phone refused the REFER")


def test_a_500_may_only_mean_that_the_refer_came_too_early() -> None:
    progress = accepted()
    progress.refused(500, "Server Internal Error")
    assert progress.was_refused_at_once

    progress.accept_unnoted(0.1)
    assert progress.outcome is None
    assert not progress.was_refused_at_once
    progress.tell_old_call(dialog(call_transfer_leg=""), 0.2)  # of the first REFER
    assert progress.outcome is None
    progress.refused(500, "Server Internal Error")
    assert outcome(progress) == (500, "Server Internal Error")
    assert not progress.was_refused_at_once


def test_the_first_word_counts() -> None:
    progress = after(START, OK)
    progress.refused(603, "Decline")
    progress.fail(ProxyUnreachable("gone"))
    progress.receive(transfer("fail", "486 Busy Here"), 0.0)
    progress.tell_old_call(None, 1.0)
    progress.tell_new_call(None, 1.0)
    progress.handle_timer(99.0)

    assert progress.outcome is True


def test_a_phone_that_accepts_the_refer_and_calls_nobody_is_given_up() -> None:
    progress = accepted()
    run_out(progress, 40.0)

    assert outcome(progress) == (408, "the phone accepted the REFER but called nobody")
    assert not progress.is_settled


def test_a_destination_that_never_answers_is_given_up_after_the_ring_time() -> None:
    progress = accepted()
    progress.receive(START, 10.0)
    run_out(progress, 69.9)
    assert progress.outcome is None
    progress.handle_timer(70.0)
    assert progress.question is Question.NEW_CALL
    progress.tell_new_call(dialog(NEW, 2), 70.0)

    assert outcome(progress) == (408, "Request Timeout")
    assert not progress.is_settled


def test_a_destination_whose_answer_was_not_told_is_not_given_up() -> None:
    progress = after(START)
    run_out(progress, 59.9)
    progress.handle_timer(60.0)
    progress.tell_new_call(dialog(NEW, 4), 60.0)

    assert states(progress) == ["start", "ok"]


def test_a_proxy_that_does_not_answer_the_last_question_is_not_waited_for() -> None:
    progress = after(START)
    run_out(progress, 60.1)

    assert outcome(progress) == (408, "Request Timeout")


def test_a_transfer_that_cannot_be_followed_any_more_is_not_settled() -> None:
    progress = after(START)
    progress.fail(ProxyUnreachable("gone"))

    assert isinstance(progress.outcome, ProxyUnreachable)
    assert not progress.is_settled


# Events may be lost altogether.


def test_a_new_call_that_no_event_told_of_is_found_in_the_dialog_of_the_old_one() -> None:
    progress = accepted()
    progress.tell_old_call(dialog(call_transfer_leg="caller", call_transfer_callid=NEW), 0.3)

    assert states(progress) == ["start"]
    progress.handle_timer(0.3)
    assert progress.question is Question.NEW_CALL
    progress.tell_new_call(dialog(NEW, 2), 0.3)
    assert progress.outcome is None
    progress.tell_new_call(dialog(NEW, 3), 2.0)
    assert states(progress) == ["start", "ok"]


def test_the_other_call_of_an_attended_transfer_is_not_its_new_call() -> None:
    progress = TransferProgress((A, B), None)
    progress.accept(0.0)
    progress.tell_old_call(dialog(call_transfer_leg="caller", call_transfer_callid=A), 0.3)

    assert not progress.has_begun


def test_an_answer_about_the_old_call_is_of_no_interest_once_the_new_one_is_known() -> None:
    progress = after(START)
    progress.tell_old_call(dialog(call_transfer_leg=""), 1.0)

    assert progress.outcome is None


def test_the_end_of_the_new_call_fails_the_transfer_unless_more_is_told() -> None:
    progress = after(START, changed(NEW, 5))

    assert progress.outcome is None
    progress.tell_new_call(None, 0.3)
    run_out(progress, 0.5)
    assert outcome(progress) == (480, "the new call has ended")


def test_the_status_that_was_told_is_kept_when_the_new_call_ends() -> None:
    progress = after(START, transfer("fail", "408 Request Timeout"))
    progress.tell_new_call(dialog(NEW, 5), 0.1)
    run_out(progress, 1.0)

    assert outcome(progress) == (408, "Request Timeout")


def test_a_phone_that_hangs_up_when_it_is_referred_may_still_call() -> None:
    progress = after(changed(A, 5), changed(A, 5))

    at = progress.next_timer()
    assert at == 0.3
    progress.handle_timer(0.3)
    assert progress.question is Question.FIND_NEW_CALL
    progress.tell_new_call(None, 0.3)
    assert progress.outcome is None
    progress.tell_new_call(dialog(NEW, 2), 0.6)
    assert states(progress) == ["start"]
    progress.receive(changed(NEW, 4), 1.0)
    assert states(progress) == ["start", "ok"]


def test_the_old_call_may_end_while_the_new_one_rings() -> None:
    progress = after(START, changed(A, 5))
    progress.handle_timer(2.0)

    assert progress.question is Question.NEW_CALL
    assert progress.outcome is None


def test_a_party_that_hangs_up_and_calls_nobody_has_ended_it() -> None:
    progress = accepted()
    progress.tell_old_call(dialog(state=5), 1.0)
    progress.tell_new_call(None, 3.9)
    assert progress.outcome is None
    progress.tell_new_call(None, 4.0)

    assert outcome(progress) == (487, "the party hung up")


def test_a_new_call_that_was_not_looked_for_and_is_not_there_says_nothing() -> None:
    progress = accepted()
    progress.tell_new_call(None, 1.0)

    assert progress.outcome is None


def test_a_refer_past_callops_tells_nothing_by_the_dialog() -> None:
    progress = after(START)
    progress.accept_unnoted(5.0)

    assert progress.next_timer() == 2.0
    run_out(progress, 60.1)
    assert outcome(progress) == (408, "Request Timeout")
