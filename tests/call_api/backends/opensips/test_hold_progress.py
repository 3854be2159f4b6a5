import itertools

import pytest

from call_api.backends.base import HoldStep
from call_api.backends.opensips import events
from call_api.backends.opensips.dialogs import Dialog
from call_api.backends.opensips.events import EventParams, ProxyEvent
from call_api.backends.opensips.hold_progress import HoldProgress
from call_api.errors import CallFailed, ProxyUnreachable
from call_api.model import LEGS, LegName


def told(leg: str, state: str, action: str = "hold") -> ProxyEvent:
    return ProxyEvent(events.HOLD, EventParams(callid="a", leg=leg, action=action, state=state))


ALL = [told(leg, state) for state in ("start", "ok") for leg in LEGS]


def marked(caller: object = None, callee: object = None, state: int = 4) -> Dialog:
    values = {"call_hold_caller": caller, "call_hold_callee": callee}
    return Dialog(id="1.2", callid="a", state=state, values=values)


def accepted(legs: tuple[LegName, ...] = LEGS, *, hold: bool = True) -> HoldProgress:
    progress = HoldProgress(legs, hold=hold)
    progress.accept(0.0)
    return progress


def after(*happened: ProxyEvent) -> HoldProgress:
    progress = accepted()
    for event in happened:
        progress.receive(event, 0.0)
    return progress


def steps(progress: HoldProgress) -> list[str]:
    return [f"{step.leg} {step.state}" for step in progress.steps]


def outcome(progress: HoldProgress) -> object:
    failed = progress.outcome
    if isinstance(failed, CallFailed):
        return failed.status, failed.leg, failed.reason
    return failed


def run_out(progress: HoldProgress, until: float) -> None:
    while (at := progress.next_timer()) is not None and at <= until:
        progress.handle_timer(at)
        progress.wants_dialog = False


def test_both_legs_are_told_of_step_by_step() -> None:
    progress = after(*ALL)

    assert list(progress.steps) == [
        HoldStep(leg="caller", state="start"),
        HoldStep(leg="callee", state="start"),
        HoldStep(leg="caller", state="ok"),
        HoldStep(leg="callee", state="ok"),
    ]
    assert progress.outcome is True
    assert progress.next_timer() is None


@pytest.mark.parametrize("order", list(itertools.permutations(ALL)))
def test_whatever_the_order_each_leg_starts_before_it_is_done(
    order: tuple[ProxyEvent, ...],
) -> None:
    progress = after(*order)

    assert progress.outcome is True
    for leg in LEGS:
        assert [step for step in steps(progress) if leg in step] == [f"{leg} start", f"{leg} ok"]


def test_doubled_events_are_told_once() -> None:
    assert len(steps(after(*ALL, *ALL))) == 4


def test_events_that_come_before_the_reply_count_but_end_nothing() -> None:
    progress = HoldProgress(LEGS, hold=True)
    assert not progress.has_begun
    for event in ALL:
        progress.receive(event, 0.0)

    assert progress.has_begun
    assert progress.outcome is None
    progress.accept(0.0)
    assert progress.outcome is True


def test_only_the_legs_that_were_asked_for_are_told_of_but_both_are_waited_for() -> None:
    progress = accepted(("caller",))
    for event in ALL[:3]:
        progress.receive(event, 0.0)

    assert steps(progress) == ["caller start", "caller ok"]
    assert progress.outcome is None
    progress.receive(ALL[3], 0.0)
    assert progress.outcome is True


@pytest.mark.parametrize(
    "event",
    [
        told("caller", "ok", "unhold"),
        told("", "ok"),
        told("unknown", "ok"),
        told("caller", "odd"),
        ProxyEvent(events.HOLD, EventParams(callid="a", leg="caller", action="hold")),
        ProxyEvent(events.STATE, EventParams(callid="a", new_state=4)),
    ],
)
def test_what_tells_nothing_of_this_change_is_ignored(event: ProxyEvent) -> None:
    progress = after(event)

    assert not progress.has_begun
    assert progress.outcome is None


def test_the_last_step_says_so_when_it_is_taken_at_the_end() -> None:
    progress = after(*ALL[:3])
    early = [progress.next_step() for _ in range(3)]
    progress.receive(ALL[3], 0.0)

    assert [step.is_last for step in early] == [False, False, False]
    assert progress.next_step() == HoldStep(leg="callee", state="ok", is_last=True)


def test_a_leg_that_refuses_is_named_with_the_state_of_the_other() -> None:
    progress = after(*ALL[:2], told("callee", "fail"), told("caller", "ok"))

    assert outcome(progress) == (488, "callee", "the callee refused; the caller is on hold")
    assert steps(progress) == ["caller start", "callee start", "caller ok"]


def test_the_other_leg_is_not_waited_for_long() -> None:
    progress = after(*ALL[:2], told("callee", "fail"))

    run_out(progress, 4.9)
    assert progress.outcome is None
    run_out(progress, 5.0)
    assert outcome(progress) == (
        488,
        "callee",
        "the callee refused; the caller has not answered",
    )


def test_both_legs_may_refuse() -> None:
    progress = after(told("caller", "fail"), told("callee", "fail"))

    assert outcome(progress) == (488, "caller", "both legs refused")


def test_a_leg_that_fails_late_has_not_answered() -> None:
    progress = after(*ALL[:2], told("caller", "ok"))

    progress.receive(told("callee", "fail"), 5.0)

    assert outcome(progress) == (408, "callee", "the callee did not answer; the caller is on hold")


def test_a_leg_that_refuses_to_come_back_is_named_as_well() -> None:
    progress = accepted(hold=False)
    for event in (told("caller", "fail", "unhold"), told("callee", "ok", "unhold")):
        progress.receive(event, 0.0)

    assert outcome(progress) == (488, "caller", "the caller refused; the callee is back")


def test_a_leg_that_never_answers_is_given_up() -> None:
    progress = after(*ALL[:2], told("callee", "ok"))
    run_out(progress, 40.0)

    assert outcome(progress) == (408, "caller", "the caller did not answer; the callee is on hold")


def test_a_leg_that_fails_late_did_not_answer_at_all() -> None:
    progress = after(*ALL[:2], told("callee", "ok"))
    progress.receive(told("caller", "fail"), 4.5)

    assert outcome(progress) == (408, "caller", "the caller did not answer; the callee is on hold")


def test_the_end_of_the_call_ends_it() -> None:
    progress = after(ProxyEvent(events.STATE, EventParams(callid="a", new_state=5)))

    assert outcome(progress) == (481, None, "the call has ended")


@pytest.mark.parametrize("gone", [None, marked(state=5)])
def test_a_call_that_is_not_there_any_more_ends_it(gone: Dialog | None) -> None:
    progress = accepted()
    progress.tell_call(gone, 1.0)

    assert outcome(progress) == (481, None, "the call has ended")


def test_the_proxy_is_asked_when_it_has_told_nothing_for_a_while() -> None:
    progress, asked = accepted(), []
    while (at := progress.next_timer()) is not None and at < 15:
        progress.handle_timer(at)
        assert progress.wants_dialog
        asked.append(round(at, 1))

    assert asked == [0.1, 1.1, 4.1, 9.1, 14.1]


def test_a_leg_that_is_on_hold_already_needs_no_event() -> None:
    progress = after(told("callee", "start"), told("callee", "ok"))
    progress.handle_timer(0.1)
    progress.tell_call(marked(caller=12, callee=12), 0.1)

    assert not progress.wants_dialog
    assert progress.outcome is True
    assert steps(progress)[2:] == ["caller start", "caller ok"]


def test_a_lost_end_is_found_in_the_dialog() -> None:
    progress = after(*ALL[:3])
    progress.tell_call(marked(caller=12, callee=4), 0.1)
    assert progress.outcome is None
    progress.tell_call(marked(caller=12, callee=12), 1.1)

    assert progress.outcome is True


@pytest.mark.parametrize(
    ("legs", "hold", "dialog", "is_done"),
    [
        (("caller",), True, marked(8, 4), True),
        (("caller",), True, marked(4, 8), False),
        (("callee",), True, marked(4, 8), True),
        (LEGS, True, marked(8, 4), False),
        (LEGS, True, marked(12, 12), True),
        (LEGS, False, marked(0, 0), True),
        (LEGS, False, marked(12, 0), False),
        (("caller",), False, marked(4, 8), True),
        (("caller",), False, marked(12, 12), False),
        (LEGS, True, marked("hold", "hold"), True),
        (LEGS, True, marked("hold", ""), False),
        (LEGS, False, marked("", None), True),
        (LEGS, False, marked("hold", ""), False),
    ],
)
def test_the_marks_of_a_dialog_tell_whether_it_is_as_wanted(
    legs: tuple[LegName, ...], dialog: Dialog, *, hold: bool, is_done: bool
) -> None:
    progress = accepted(legs, hold=hold)
    progress.tell_call(dialog, 0.1)

    assert (progress.outcome is True) == is_done


def test_opensips_3_notes_what_it_asks_for_and_not_what_the_phone_says_to_it() -> None:
    progress = after(*ALL[:2])
    progress.tell_call(marked("hold", "hold"), 0.1)

    assert progress.outcome is None


def test_a_leg_for_which_there_is_nothing_to_do_is_done_in_the_end() -> None:
    progress = after(told("caller", "start"), told("caller", "ok"))
    for at in (0.1, 1.1, 4.1):
        assert progress.outcome is None
        progress.handle_timer(at)
        progress.tell_call(marked(caller=12), at)

    assert progress.outcome is True


def test_the_first_word_counts() -> None:
    progress = after(*ALL)
    progress.fail(ProxyUnreachable("gone"))
    progress.receive(told("caller", "fail"), 1.0)
    progress.tell_call(None, 1.0)
    progress.handle_timer(99.0)

    assert progress.outcome is True


def test_a_change_that_cannot_be_followed_any_more_fails() -> None:
    progress = accepted()
    progress.fail(ProxyUnreachable("gone"))

    assert isinstance(progress.outcome, ProxyUnreachable)


def test_nothing_is_due_before_the_reply() -> None:
    progress = HoldProgress(LEGS, hold=True)
    progress.handle_timer(99.0)

    assert progress.next_timer() is None
    assert progress.outcome is None
