import pytest

from call_api.sip.client_transaction import NonInviteClientTransaction
from call_api.sip.message import Request, Response
from call_api.sip.timers import Timers
from call_api.sip.transaction import (
    NOTHING,
    Input,
    State,
    class_of,
    client_key,
    ignoring,
    server_key,
)
from tests.fakes.sip_messages import make_request


def test_a_response_belongs_to_the_request_with_its_branch_and_method() -> None:
    invite = make_request(branch="z9hG4bKx")
    cancel = make_request("CANCEL", branch="z9hG4bKx")

    assert client_key(invite.response(180)) == ("z9hG4bKx", "INVITE")
    assert client_key(cancel.response(200)) == ("z9hG4bKx", "CANCEL")


def test_an_ack_has_the_key_of_its_invite_and_a_cancel_finds_it() -> None:
    invite, ack, cancel = (make_request(method) for method in ("INVITE", "ACK", "CANCEL"))

    assert server_key(ack) == server_key(invite)
    assert server_key(cancel) != server_key(invite)
    assert server_key(cancel, "INVITE") == server_key(invite)


def test_the_same_branch_from_another_sender_is_another_transaction() -> None:
    ours, theirs = make_request(), make_request()
    theirs.headers.set("Via", "SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK1")

    assert server_key(ours) != server_key(theirs)


@pytest.mark.parametrize("params", ["", ";branch=1"])
def test_a_peer_older_than_rfc_3261_is_known_by_all_that_it_repeats(params: str) -> None:
    via = f"SIP/2.0/UDP 192.0.2.1:5060{params}"

    def old(method: str, **changes: object) -> Request:
        request = make_request(method, **changes)  # type: ignore[arg-type]  # passed on
        request.headers.set("Via", via)
        return request

    invite = old("INVITE")
    with_our_tag = old("ACK", to="<sip:bob@192.0.2.2>;tag=b1")

    assert server_key(with_our_tag) == server_key(invite)
    assert server_key(old("CANCEL"), "INVITE") == server_key(invite)
    assert server_key(old("INVITE", number=2)) != server_key(invite)
    assert server_key(old("INVITE", callid="c2")) != server_key(invite)
    assert server_key(old("INVITE", uri="sip:carol@192.0.2.2")) != server_key(invite)


def test_the_cookie_alone_names_no_transaction() -> None:
    first, second = (make_request(branch="z9hG4bK", callid=callid) for callid in ("c1", "c2"))

    assert server_key(first) != server_key(second)
    assert server_key(first) == server_key(make_request(branch="z9hG4bK", callid="c1"))


@pytest.mark.parametrize(
    ("status", "input_"),
    [
        (100, Input.PROVISIONAL),
        (199, Input.PROVISIONAL),
        (200, Input.SUCCESS),
        (299, Input.SUCCESS),
        (300, Input.FAILURE),
        (699, Input.FAILURE),
    ],
)
def test_responses_are_of_three_kinds(status: int, input_: Input) -> None:
    assert class_of(Response(status)) is input_


def test_what_is_ignored_leads_nowhere_and_does_nothing() -> None:
    (arrow,) = ignoring({State.COMPLETED: (Input.ACK,)}).items()

    assert arrow == ((State.COMPLETED, Input.ACK), (State.COMPLETED, None, False))


def test_a_transaction_that_was_abandoned_takes_no_input_and_wants_no_timer() -> None:
    request = make_request("OPTIONS")
    transaction = NonInviteClientTransaction(b"x", reliable=False, timers=Timers(), now=0.0)

    transaction.abandon()

    assert transaction.is_terminated
    assert transaction.next_timer() is None
    assert transaction.handle_timer(99.0) == NOTHING
    assert transaction.receive(request.response(200), 99.0) == NOTHING
    assert transaction.transport_failed(99.0) == NOTHING


def test_a_timer_that_is_not_due_does_nothing() -> None:
    transaction = NonInviteClientTransaction(b"x", reliable=False, timers=Timers(), now=0.0)

    assert transaction.next_timer() == 0.5
    assert transaction.handle_timer(0.4) == NOTHING
    assert transaction.next_timer() == 0.5
