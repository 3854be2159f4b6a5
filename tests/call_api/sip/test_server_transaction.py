"""The server's two machines, arrow by arrow, with an invented clock."""

from collections.abc import Callable

import pytest

from call_api.sip.message import Request
from call_api.sip.server_transaction import InviteServerTransaction, NonInviteServerTransaction
from call_api.sip.timers import Timer, Timers
from call_api.sip.transaction import NOTHING, Failure, Input, Outcome, State, Transaction
from tests.fakes.sip_messages import as_response, make_request

INVITE = make_request(headers=(("Timestamp", "54"),))
ACK = make_request("ACK", to="<sip:bob@192.0.2.2>;tag=b1")
OPTIONS = make_request("OPTIONS")


def invite(*, reliable: bool = False) -> InviteServerTransaction:
    return InviteServerTransaction(INVITE, reliable=reliable, timers=Timers(), now=0.0)


def options(*, reliable: bool = False) -> NonInviteServerTransaction:
    return NonInviteServerTransaction(reliable=reliable, timers=Timers(), now=0.0)


def respond(
    transaction: InviteServerTransaction | NonInviteServerTransaction,
    request: Request,
    status: int,
    now: float,
) -> Outcome:
    response = request.response(status, to_tag="b1")
    return transaction.respond(response, response.encode(), now)


def encoded(request: Request, status: int) -> bytes:
    return request.response(status, to_tag="b1").encode()


def run(transaction: Transaction, until: float = 1000.0) -> list[tuple[float, Outcome]]:
    """Fire every timer until then; return what came of those that did something."""
    done = []
    while (when := transaction.next_timer()) is not None and when <= until:
        if (outcome := transaction.handle_timer(when)) != NOTHING:
            done.append((when, outcome))
    return done


# INVITE: RFC 3261, section 17.2.1.


def test_a_silent_user_makes_the_transaction_say_100_after_200_ms() -> None:
    transaction = invite()

    ((when, outcome),) = run(transaction)

    assert when == 0.2
    trying = as_response(outcome.send)
    assert (trying.status, trying.to_tag, trying.headers.get("Timestamp")) == (100, None, "54")
    assert transaction.state is State.PROCEEDING
    assert transaction.receive(INVITE, 0.5) == Outcome(outcome.send)


def test_a_user_who_speaks_in_time_needs_no_100() -> None:
    transaction = invite()

    assert respond(transaction, INVITE, 180, 0.1) == Outcome(encoded(INVITE, 180))
    assert transaction.next_timer() is None


def test_an_invite_that_comes_again_gets_the_last_provisional_response() -> None:
    transaction = invite()

    assert transaction.receive(INVITE, 0.1) == NOTHING
    respond(transaction, INVITE, 180, 0.1)
    respond(transaction, INVITE, 183, 0.3)
    assert transaction.receive(INVITE, 0.5) == Outcome(encoded(INVITE, 183))


def test_a_failure_is_repeated_by_timer_g_and_given_up_by_timer_h() -> None:
    transaction = invite()
    busy = encoded(INVITE, 486)

    assert respond(transaction, INVITE, 486, 0.0) == Outcome(busy)
    assert transaction.receive(INVITE, 0.3) == Outcome(busy)

    again = [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert run(transaction) == [
        *((when, Outcome(busy)) for when in again),
        (32.0, Outcome(None, Failure.TIMEOUT)),
    ]
    assert transaction.is_terminated


def test_over_tcp_a_failure_is_sent_once_but_timer_h_waits_for_the_ack() -> None:
    transaction = invite(reliable=True)

    respond(transaction, INVITE, 486, 0.0)

    assert run(transaction) == [(32.0, Outcome(None, Failure.TIMEOUT))]


def test_the_ack_ends_the_repetition_and_timer_i_takes_the_stragglers() -> None:
    transaction = invite()
    respond(transaction, INVITE, 486, 0.0)

    assert transaction.receive(ACK, 1.0) == NOTHING
    assert transaction.state is State.CONFIRMED
    for straggler in (ACK, INVITE):
        assert transaction.receive(straggler, 2.0) == NOTHING
    for status in (180, 200, 486):
        assert respond(transaction, INVITE, status, 2.0) == NOTHING
    assert transaction.transport_failed(2.0) == NOTHING
    assert transaction.next_timer() == 6.0
    assert run(transaction) == []
    assert transaction.is_terminated


def test_over_tcp_the_ack_of_a_failure_ends_it_at_once() -> None:
    transaction = invite(reliable=True)
    respond(transaction, INVITE, 486, 0.0)

    assert transaction.receive(ACK, 1.0) == NOTHING
    assert transaction.is_terminated


@pytest.mark.parametrize("reliable", [False, True])
def test_a_2xx_is_sent_once_and_until_timer_l_the_invite_is_absorbed(reliable: bool) -> None:
    transaction = invite(reliable=reliable)

    assert respond(transaction, INVITE, 200, 1.0) == Outcome(encoded(INVITE, 200))
    assert transaction.state is State.ACCEPTED
    assert transaction.receive(INVITE, 2.0) == NOTHING
    assert transaction.receive(ACK, 2.0) == Outcome(None, ACK)
    for status in (180, 200, 486):
        assert respond(transaction, INVITE, status, 3.0) == NOTHING
    assert transaction.transport_failed(3.0) == Outcome(None, Failure.TRANSPORT)
    assert transaction.next_timer() == 33.0
    assert run(transaction) == []
    assert transaction.is_terminated


def test_an_answer_after_the_final_one_is_ignored() -> None:
    transaction = invite()
    respond(transaction, INVITE, 486, 0.0)

    for status in (180, 200, 503):
        assert respond(transaction, INVITE, status, 1.0) == NOTHING
    assert transaction.receive(INVITE, 2.0) == Outcome(encoded(INVITE, 486))


def test_an_ack_before_any_answer_is_ignored() -> None:
    assert invite().receive(ACK, 0.1) == NOTHING


def test_a_transport_error_is_told_and_ends_only_what_would_go_on_sending() -> None:
    ringing, failed = invite(), invite()
    respond(failed, INVITE, 486, 0.1)

    assert ringing.transport_failed(1.0) == Outcome(None, Failure.TRANSPORT)
    assert ringing.state is State.PROCEEDING
    assert failed.transport_failed(1.0) == Outcome(None, Failure.TRANSPORT)
    assert failed.is_terminated


# Other requests: RFC 3261, section 17.2.2.


def test_a_request_that_comes_again_before_the_answer_is_ignored() -> None:
    transaction = options()

    assert transaction.receive(OPTIONS, 1.0) == NOTHING
    assert transaction.transport_failed(1.0) == NOTHING
    assert transaction.next_timer() is None


@pytest.mark.parametrize("status", [200, 404])
@pytest.mark.parametrize("trying", [False, True])
def test_a_request_that_comes_again_gets_the_answer_again_until_timer_j(
    status: int, trying: bool
) -> None:
    transaction = options()
    if trying:
        assert respond(transaction, OPTIONS, 100, 0.1) == Outcome(encoded(OPTIONS, 100))
        assert respond(transaction, OPTIONS, 183, 0.2) == Outcome(encoded(OPTIONS, 183))
        assert transaction.receive(OPTIONS, 0.5) == Outcome(encoded(OPTIONS, 183))

    assert respond(transaction, OPTIONS, status, 1.0) == Outcome(encoded(OPTIONS, status))
    for late in (100, 200, 500):
        assert respond(transaction, OPTIONS, late, 2.0) == NOTHING
    assert transaction.receive(OPTIONS, 3.0) == Outcome(encoded(OPTIONS, status))
    assert transaction.next_timer() == 33.0
    assert run(transaction) == []
    assert transaction.is_terminated


def test_over_tcp_an_answered_request_is_forgotten_at_once() -> None:
    transaction = options(reliable=True)

    assert respond(transaction, OPTIONS, 200, 1.0) == Outcome(encoded(OPTIONS, 200))
    assert transaction.is_terminated


@pytest.mark.parametrize("status", [100, 200])
def test_an_answer_that_cannot_be_sent_ends_the_transaction(status: int) -> None:
    transaction = options()
    respond(transaction, OPTIONS, status, 1.0)

    assert transaction.transport_failed(1.0) == Outcome(None, Failure.TRANSPORT)
    assert transaction.is_terminated


# Completeness.

MACHINES: list[tuple[Callable[[], Transaction], set[Input]]] = [
    (invite, {Input.REQUEST, Input.ACK}),
    (options, {Input.REQUEST}),
]


@pytest.mark.parametrize(("make", "requests"), MACHINES)
def test_the_table_has_an_arrow_for_all_that_can_happen_in_every_state(
    make: Callable[[], Transaction], requests: set[Input]
) -> None:
    machine = make()
    states = {state for state, _ in machine.table}
    inputs = requests | {Input.PROVISIONAL, Input.SUCCESS, Input.FAILURE, Input.TRANSPORT_ERROR}
    timers: set[tuple[State, Input | Timer]] = {
        *machine.deadlines.items(),
        *machine.resends.items(),
    }

    expected = {(state, input_) for state in states for input_ in inputs} | timers
    assert set(machine.table) == expected
