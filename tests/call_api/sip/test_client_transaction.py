"""The client's two machines, arrow by arrow, with an invented clock."""

from collections.abc import Callable

import pytest

from call_api.sip.client_transaction import (
    InviteClientTransaction,
    NonInviteClientTransaction,
    cancel_request,
    failure_ack,
)
from call_api.sip.timers import Timer, Timers, invite_retransmissions
from call_api.sip.transaction import NOTHING, Failure, Input, Outcome, State, Transaction
from tests.fakes.sip_messages import as_request, make_request

INVITE = make_request(headers=(("Route", "<sip:p1;lr>"), ("Route", "<sip:p2;lr>")))
OPTIONS = make_request("OPTIONS")


def invite(*, reliable: bool = False) -> InviteClientTransaction:
    return InviteClientTransaction(
        INVITE, INVITE.encode(), reliable=reliable, timers=Timers(), now=0.0
    )


def options(*, reliable: bool = False) -> NonInviteClientTransaction:
    return NonInviteClientTransaction(OPTIONS.encode(), reliable=reliable, timers=Timers(), now=0.0)


def run(transaction: Transaction, until: float = 1000.0) -> list[tuple[float, Outcome]]:
    """Fire every timer until then; return what came of those that did something."""
    done = []
    while (when := transaction.next_timer()) is not None and when <= until:
        if (outcome := transaction.handle_timer(when)) != NOTHING:
            done.append((when, outcome))
    return done


# INVITE: RFC 3261, section 17.1.1.


def test_an_invite_without_answer_is_repeated_by_timer_a_and_given_up_by_timer_b() -> None:
    transaction = invite()

    done = run(transaction)

    again = Outcome(INVITE.encode())
    assert done == [
        *((when, again) for when in invite_retransmissions()),
        (32.0, Outcome(None, Failure.TIMEOUT)),
    ]
    assert transaction.state is State.TERMINATED


def test_over_tcp_an_invite_is_sent_once_but_given_up_all_the_same() -> None:
    assert run(invite(reliable=True)) == [(32.0, Outcome(None, Failure.TIMEOUT))]


def test_a_provisional_response_ends_both_timers_for_as_long_as_it_rings() -> None:
    transaction = invite()
    ringing = INVITE.response(180, to_tag="b1")

    assert transaction.receive(ringing, 1.0) == Outcome(None, ringing)
    assert transaction.state is State.PROCEEDING
    assert transaction.next_timer() is None
    assert transaction.receive(ringing, 500.0) == Outcome(None, ringing)


@pytest.mark.parametrize("rings", [False, True])
def test_a_failure_is_told_once_and_acked_each_time_it_comes(rings: bool) -> None:
    transaction = invite()
    busy = INVITE.response(486, to_tag="b1")
    if rings:
        transaction.receive(INVITE.response(180), 0.1)

    first = transaction.receive(busy, 1.0)
    again = transaction.receive(busy, 2.0)

    assert first.tell is busy
    assert again == Outcome(first.send)
    ack = as_request(first.send)
    assert (ack.method, ack.uri, ack.cseq.number) == ("ACK", INVITE.uri, 1)
    assert transaction.state is State.COMPLETED


def test_timer_d_ends_a_failed_invite_after_32_seconds_and_over_tcp_at_once() -> None:
    busy = INVITE.response(486, to_tag="b1")
    over_udp, over_tcp = invite(), invite(reliable=True)

    over_udp.receive(busy, 1.0)
    acked = over_tcp.receive(busy, 1.0)

    assert over_udp.next_timer() == 33.0
    assert run(over_udp) == []
    assert over_udp.is_terminated
    assert acked.send is not None
    assert acked.tell is busy
    assert over_tcp.is_terminated


@pytest.mark.parametrize("rings", [False, True])
def test_each_2xx_is_told_until_timer_m_and_what_follows_it_is_ignored(rings: bool) -> None:
    transaction = invite()
    ok, fork = INVITE.response(200, to_tag="b1"), INVITE.response(200, to_tag="b2")
    if rings:
        transaction.receive(INVITE.response(180), 0.1)

    assert transaction.receive(ok, 1.0) == Outcome(None, ok)
    assert transaction.receive(ok, 2.0) == Outcome(None, ok)
    assert transaction.receive(fork, 3.0) == Outcome(None, fork)
    assert transaction.state is State.ACCEPTED
    assert transaction.receive(INVITE.response(180), 4.0) == NOTHING
    assert transaction.receive(INVITE.response(486), 4.0) == NOTHING
    assert transaction.transport_failed(4.0) == NOTHING
    assert transaction.next_timer() == 33.0
    assert run(transaction) == []
    assert transaction.is_terminated


def test_after_a_failure_neither_progress_nor_success_is_told() -> None:
    transaction = invite()
    transaction.receive(INVITE.response(486, to_tag="b1"), 1.0)

    assert transaction.receive(INVITE.response(180), 2.0) == NOTHING
    assert transaction.receive(INVITE.response(200), 2.0) == NOTHING


@pytest.mark.parametrize("before", [None, 180, 486])
def test_a_transport_error_ends_an_invite_in_every_state_that_sends(before: int | None) -> None:
    transaction = invite()
    if before is not None:
        transaction.receive(INVITE.response(before, to_tag="b1"), 0.1)

    assert transaction.transport_failed(1.0) == Outcome(None, Failure.TRANSPORT)
    assert transaction.is_terminated


# The requests that an INVITE brings with it.


def test_the_ack_of_a_failure_is_the_invite_with_the_tag_of_the_response() -> None:
    with_credentials = make_request(
        headers=(
            ("Route", "<sip:p1;lr>, <sip:p2;lr>"),
            ("Authorization", 'Digest username="a"'),
            ("Proxy-Authorization", 'Digest username="b"'),
        ),
        body=b"v=0",
    )
    with_credentials.headers.add("Via", "SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK0")

    ack = failure_ack(with_credentials, with_credentials.response(486, to_tag="b1"))

    assert ack.headers.items() == [
        ("Via", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1"),
        ("Max-Forwards", "70"),
        ("From", "<sip:alice@192.0.2.1>;tag=a1"),
        ("To", "<sip:bob@192.0.2.2>;tag=b1"),
        ("Call-ID", "c1"),
        ("Route", "<sip:p1;lr>, <sip:p2;lr>"),
        ("CSeq", "1 ACK"),
        ("Authorization", 'Digest username="a"'),
        ("Proxy-Authorization", 'Digest username="b"'),
    ]
    assert ack.body == b""


def test_a_cancel_takes_the_way_of_its_invite() -> None:
    cancel = cancel_request(INVITE)

    assert (cancel.method, cancel.uri) == ("CANCEL", INVITE.uri)
    assert cancel.headers.items() == [
        ("Via", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1"),
        ("Max-Forwards", "70"),
        ("From", "<sip:alice@192.0.2.1>;tag=a1"),
        ("To", "<sip:bob@192.0.2.2>"),
        ("Call-ID", "c1"),
        ("Route", "<sip:p1;lr>"),
        ("Route", "<sip:p2;lr>"),
        ("CSeq", "1 CANCEL"),
    ]


# Other requests: RFC 3261, section 17.1.2.


def test_a_request_without_answer_is_repeated_by_timer_e_and_given_up_by_timer_f() -> None:
    transaction = options()

    done = run(transaction)

    again = Outcome(OPTIONS.encode())
    expected = [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert done == [
        *((when, again) for when in expected),
        (32.0, Outcome(None, Failure.TIMEOUT)),
    ]


def test_after_a_provisional_response_timer_e_slows_down_and_timer_f_goes_on() -> None:
    transaction = options()
    trying = OPTIONS.response(100)

    assert transaction.receive(trying, 0.1) == Outcome(None, trying)
    assert transaction.receive(trying, 0.2) == Outcome(None, trying)

    done = run(transaction)
    again = [0.5, 4.5, 8.5, 12.5, 16.5, 20.5, 24.5, 28.5]
    assert [when for when, _ in done] == [*again, 32.0]
    assert done[-1][1] == Outcome(None, Failure.TIMEOUT)


@pytest.mark.parametrize("status", [200, 404])
@pytest.mark.parametrize("trying", [False, True])
def test_a_final_response_is_told_once_and_timer_k_takes_the_stragglers(
    status: int, trying: bool
) -> None:
    transaction = options()
    final = OPTIONS.response(status, to_tag="b1")
    if trying:
        transaction.receive(OPTIONS.response(100), 0.1)

    assert transaction.receive(final, 1.0) == Outcome(None, final)
    assert transaction.state is State.COMPLETED
    for straggler in (100, 200, 404):
        assert transaction.receive(OPTIONS.response(straggler), 2.0) == NOTHING
    assert transaction.transport_failed(2.0) == NOTHING
    assert transaction.next_timer() == 6.0
    assert run(transaction) == []
    assert transaction.is_terminated


def test_over_tcp_a_request_is_sent_once_and_forgotten_with_its_response() -> None:
    transaction, silent = options(reliable=True), options(reliable=True)
    final = OPTIONS.response(200)

    assert transaction.receive(final, 1.0) == Outcome(None, final)
    assert transaction.is_terminated
    assert run(silent) == [(32.0, Outcome(None, Failure.TIMEOUT))]


@pytest.mark.parametrize("trying", [False, True])
def test_a_transport_error_ends_a_request_that_waits(trying: bool) -> None:
    transaction = options()
    if trying:
        transaction.receive(OPTIONS.response(100), 0.1)

    assert transaction.transport_failed(1.0) == Outcome(None, Failure.TRANSPORT)
    assert transaction.is_terminated


# Completeness.

MACHINES: list[Callable[[], Transaction]] = [invite, options]


@pytest.mark.parametrize("make", MACHINES)
def test_the_table_has_an_arrow_for_all_that_can_happen_in_every_state(
    make: Callable[[], Transaction],
) -> None:
    machine = make()
    states = {state for state, _ in machine.table}
    network = {Input.PROVISIONAL, Input.SUCCESS, Input.FAILURE, Input.TRANSPORT_ERROR}
    timers: set[tuple[State, Input | Timer]] = {
        *machine.deadlines.items(),
        *machine.resends.items(),
    }

    expected = {(state, input_) for state in states for input_ in network} | timers
    assert set(machine.table) == expected
