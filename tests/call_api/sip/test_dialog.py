import pytest

from call_api.sip.dialog import Dialog, contact_target, new_callid, new_request, new_tag
from call_api.sip.grammar import BadHeader
from call_api.sip.message import Request, Response
from tests.fakes.sip_messages import as_request, make_request

INVITE = make_request(number=7)
CONTACT = "<sip:bob@192.0.2.2:5070>"


def ok(
    request: Request = INVITE, *, routes: tuple[str, ...] = (), contact: str = CONTACT
) -> Response:
    headers = [("Contact", contact), *(("Record-Route", route) for route in routes)]
    return request.response(200, to_tag="b1", headers=headers)


def as_caller(**answer: object) -> Dialog:
    return Dialog.from_response(INVITE, ok(**answer))  # type: ignore[arg-type]  # passed on


def as_callee(request: Request = INVITE) -> Dialog:
    return Dialog.from_request(request, "b1", CONTACT)


def routes_of(request: Request) -> list[str]:
    return request.headers.all("Route")


# Requests outside dialogs.


def test_a_first_request_is_complete_but_for_its_via() -> None:
    request = new_request(
        "INVITE",
        "sip:bob@192.0.2.2",
        from_="<sip:alice@192.0.2.1>;tag=a1",
        to="<sip:bob@192.0.2.2>",
        callid="c1",
        headers=[("Contact", "<sip:alice@192.0.2.1>")],
        body=b"v=0\r\n",
    )

    assert (request.method, request.uri, request.body) == (
        "INVITE",
        "sip:bob@192.0.2.2",
        b"v=0\r\n",
    )
    assert request.headers.items() == [
        ("Max-Forwards", "70"),
        ("From", "<sip:alice@192.0.2.1>;tag=a1"),
        ("To", "<sip:bob@192.0.2.2>"),
        ("Call-ID", "c1"),
        ("CSeq", "1 INVITE"),
        ("Contact", "<sip:alice@192.0.2.1>"),
        ("Content-Type", "application/sdp"),
    ]


def test_a_body_of_another_type_says_so_itself() -> None:
    request = as_caller().request(
        "INFO", headers=[("Content-Type", "application/dtmf-relay")], body=b"Signal=1\r\n"
    )

    assert request.headers.all("Content-Type") == ["application/dtmf-relay"]


def test_tags_and_call_ids_are_each_their_own() -> None:
    assert len({new_tag() for _ in range(100)} | {new_callid() for _ in range(100)}) == 200


# As the caller: RFC 3261, section 12.1.2.


def test_a_caller_goes_on_with_its_own_tag_and_the_next_number() -> None:
    dialog = as_caller()

    bye = dialog.request("BYE")

    assert (dialog.callid, dialog.local_tag, dialog.remote_tag) == ("c1", "a1", "b1")
    assert (str(dialog.local_uri), str(dialog.remote_uri)) == (
        "sip:alice@192.0.2.1",
        "sip:bob@192.0.2.2",
    )
    assert bye.uri == "sip:bob@192.0.2.2:5070"
    assert bye.headers.items() == [
        ("Max-Forwards", "70"),
        ("From", "<sip:alice@192.0.2.1>;tag=a1"),
        ("To", "<sip:bob@192.0.2.2>;tag=b1"),
        ("Call-ID", "c1"),
        ("CSeq", "8 BYE"),
    ]


def test_a_request_that_refreshes_the_target_brings_our_contact() -> None:
    dialog = as_caller()

    invite, refer = dialog.request("INVITE", body=b"v=0\r\n"), dialog.request("REFER")

    assert invite.headers.get("Contact") == "<sip:alice@192.0.2.1:5060>"
    assert invite.headers.get("Content-Type") == "application/sdp"
    assert refer.headers.get("Contact") == "<sip:alice@192.0.2.1:5060>"
    assert (invite.cseq.number, refer.cseq.number) == (8, 9)


def test_a_caller_takes_the_routes_in_reverse_and_a_callee_as_they_stand() -> None:
    routes = ("<sip:p2;lr>", "<sip:p1;lr>")
    invite = make_request(headers=(("Record-Route", "<sip:p2;lr>, <sip:p1;lr>"),))

    from_caller = as_caller(routes=routes).request("BYE")
    from_callee = as_callee(invite).request("BYE")

    assert routes_of(from_caller) == ["<sip:p1;lr>", "<sip:p2;lr>"]
    assert routes_of(from_callee) == ["<sip:p2;lr>", "<sip:p1;lr>"]
    assert from_caller.uri == "sip:bob@192.0.2.2:5070"


def test_a_strict_router_becomes_the_request_uri_and_the_target_the_last_route() -> None:
    strict = "<sip:p1:5080;maddr=192.0.2.7;method=BYE?Subject=x>"

    bye = as_caller(routes=("<sip:p2;lr>", strict)).request("BYE")

    assert bye.uri == "sip:p1:5080;maddr=192.0.2.7"
    assert routes_of(bye) == ["<sip:p2;lr>", "<sip:bob@192.0.2.2:5070>"]


def test_a_route_that_is_no_sip_uri_is_left_as_it_is() -> None:
    bye = as_caller(routes=("<tel:+123>",)).request("BYE")

    assert (bye.uri, routes_of(bye)) == ("sip:bob@192.0.2.2:5070", ["<tel:+123>"])


@pytest.mark.parametrize("contact", ["*", "<tel:+49123>", "no address at all <"])
def test_without_a_usable_contact_the_target_stays(contact: str) -> None:
    dialog = as_caller(contact=contact)

    assert dialog.remote_target == "sip:bob@192.0.2.2"
    dialog.refresh(ok(contact=contact))
    assert dialog.remote_target == "sip:bob@192.0.2.2"


def test_an_early_dialog_is_confirmed_by_the_2xx_and_takes_its_routes() -> None:
    ringing = INVITE.response(
        180, to_tag="b1", headers=[("Contact", CONTACT), ("Record-Route", "<sip:early;lr>")]
    )
    dialog = Dialog.from_response(INVITE, ringing)
    assert dialog.is_early
    assert routes_of(dialog.request("PRACK")) == ["<sip:early;lr>"]

    dialog.refresh(ok(routes=("<sip:p1;lr>",), contact="<sip:bob@192.0.2.3>"))

    assert not dialog.is_early
    bye = dialog.request("BYE")
    assert (bye.uri, routes_of(bye)) == ("sip:bob@192.0.2.3", ["<sip:p1;lr>"])


def test_in_a_confirmed_dialog_the_target_changes_and_the_routes_stay() -> None:
    dialog = as_caller(routes=("<sip:p1;lr>",))

    dialog.refresh(ok(contact="<sip:bob@192.0.2.9>", routes=("<sip:other;lr>",)))

    bye = dialog.request("BYE")
    assert (bye.uri, routes_of(bye)) == ("sip:bob@192.0.2.9", ["<sip:p1;lr>"])


def test_the_ack_of_a_2xx_has_the_number_of_its_invite() -> None:
    dialog = as_caller(routes=("<sip:p1;lr>",))
    dialog.request("INFO")

    ack = dialog.ack(7, body=b"v=0\r\n")

    assert (ack.method, ack.uri) == ("ACK", "sip:bob@192.0.2.2:5070")
    assert str(ack.cseq) == "7 ACK"
    assert routes_of(ack) == ["<sip:p1;lr>"]
    assert "Contact" not in ack.headers
    assert ack.headers.get("Content-Type") == "application/sdp"
    assert dialog.request("BYE").cseq.number == 9


def test_the_ack_of_a_2xx_has_the_credentials_of_its_invite() -> None:
    invite = make_request(
        headers=(("Authorization", "Digest a"), ("Proxy-Authorization", "Digest b"))
    )

    ack = as_caller().ack(1, credentials=invite)

    assert ack.headers.all("Authorization") == ["Digest a"]
    assert ack.headers.all("Proxy-Authorization") == ["Digest b"]
    assert "Max-Forwards" in ack.headers
    assert len(ack.headers.all("From")) == 1


# As the callee: RFC 3261, section 12.1.1.


def test_a_callee_turns_the_addresses_around_and_counts_from_one() -> None:
    dialog = as_callee()

    bye = dialog.request("BYE")

    assert (dialog.local_tag, dialog.remote_tag, dialog.remote_cseq) == ("b1", "a1", 7)
    assert bye.uri == "sip:alice@192.0.2.1:5060"
    assert bye.headers.get("From") == "<sip:bob@192.0.2.2>;tag=b1"
    assert bye.headers.get("To") == "<sip:alice@192.0.2.1>;tag=a1"
    assert str(bye.cseq) == "1 BYE"


def test_a_callee_s_dialog_is_early_until_it_answers() -> None:
    dialog = as_callee()
    assert dialog.is_early

    dialog.confirm()

    assert not dialog.is_early


def test_an_invite_without_contact_makes_no_dialog() -> None:
    invite = make_request()
    invite.headers.remove("Contact")

    with pytest.raises(BadHeader, match="has no Contact"):
        as_callee(invite)


def test_a_caller_older_than_rfc_3261_is_reached_at_its_own_address() -> None:
    invite = make_request()
    invite.headers.remove("Contact")
    invite.headers.set("From", "<sip:alice@192.0.2.1;user=phone>")

    dialog = Dialog.from_request(invite, "b1", "<sip:us@192.0.2.2>")

    assert dialog.remote_target == "sip:alice@192.0.2.1;user=phone"


def test_peers_that_send_no_tags_have_empty_ones() -> None:
    invite = make_request()
    invite.headers.set("From", "<sip:alice@192.0.2.1>")

    assert as_callee(invite).remote_tag == ""
    dialog = Dialog.from_response(invite, invite.response(200))
    assert (dialog.local_tag, dialog.remote_tag) == ("", "")
    assert dialog.contact == "<sip:alice@192.0.2.1:5060>"


def test_an_invite_of_ours_may_lack_a_contact_too() -> None:
    invite = make_request()
    invite.headers.remove("Contact")

    assert Dialog.from_response(invite, ok(invite)).contact == ""


# The order of requests: RFC 3261, section 12.2.2.


def test_numbers_rise_with_gaps_and_never_fall() -> None:
    dialog = as_callee()

    assert dialog.accepts(make_request("INFO", number=8))
    assert dialog.accepts(make_request("INFO", number=100))
    assert not dialog.accepts(make_request("INFO", number=99))
    assert dialog.remote_cseq == 100


def test_the_first_request_of_a_callee_may_have_any_number() -> None:
    dialog = as_caller()

    assert dialog.remote_cseq is None
    assert dialog.accepts(make_request("BYE", number=4))
    assert not dialog.accepts(make_request("BYE", number=3))


@pytest.mark.parametrize("method", ["ACK", "CANCEL"])
def test_what_has_the_number_of_an_older_invite_is_never_late(method: str) -> None:
    dialog = as_callee()

    assert dialog.accepts(make_request(method, number=1))
    assert dialog.remote_cseq == 7


def test_a_request_in_the_dialog_can_be_sent_and_read_again() -> None:
    request = as_caller(routes=("<sip:p1;lr>",)).request("INVITE", body=b"v=0\r\n")
    request.headers.prepend("Via", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx")

    assert contact_target(as_request(request.encode())) == "sip:alice@192.0.2.1:5060"
