import pytest

from call_api.sip.headers import BadHeader, CSeq, Headers
from call_api.sip.message import REASONS, Request, Response
from call_api.sip.parser import parse_message

LINES = [
    ("Via", "SIP/2.0/UDP a;branch=1, SIP/2.0/UDP b"),
    ("Via", "SIP/2.0/UDP c"),
    ("Record-Route", "<sip:p1;lr>"),
    ("Record-Route", "<sip:p2;lr>"),
    ("From", "<sip:alice@a>;tag=f"),
    ("To", "<sip:bob@b>"),
    ("Call-ID", "c1"),
    ("CSeq", "7 INVITE"),
    ("Timestamp", "54"),
    ("Contact", "<sip:alice@a:5061>"),
]


def invite(**changes: str) -> Request:
    headers = Headers(LINES)
    for name, value in changes.items():
        headers.set(name, value)
    return Request("INVITE", "sip:bob@b", headers, b"v=0\r\n")


def test_a_request_is_written_with_the_length_of_its_body() -> None:
    request = Request("OPTIONS", "sip:b", [("t", "<sip:b>"), ("Content-Length", "99")], b"\xff\x00")

    assert request.encode() == (
        b"OPTIONS sip:b SIP/2.0\r\nTo: <sip:b>\r\nContent-Length: 2\r\n\r\n\xff\x00"
    )


def test_a_response_is_written_with_the_usual_reason() -> None:
    assert Response(486).encode() == b"SIP/2.0 486 Busy Here\r\nContent-Length: 0\r\n\r\n"
    assert (
        Response(486, "Besch\u00e4ftigt").encode().startswith(b"SIP/2.0 486 Besch\xc3\xa4ftigt\r\n")
    )
    assert Response(299).encode().startswith(b"SIP/2.0 299 \r\n")


def test_what_is_written_can_be_read() -> None:
    read = parse_message(invite().encode())

    assert isinstance(read, Request)
    assert (read.method, read.uri, read.body) == ("INVITE", "sip:bob@b", b"v=0\r\n")
    assert read.headers.items()[:-1] == invite().headers.items()


def test_structured_values_follow_the_headers() -> None:
    request = invite()

    assert (request.callid, request.cseq) == ("c1", CSeq(7, "INVITE"))
    assert (request.from_tag, request.to_tag) == ("f", None)
    assert request.from_.uri.user == "alice"
    assert request.top_via.branch == "1"
    assert request.contact is not None
    assert request.contact.uri.port == 5061
    assert [str(route.uri) for route in request.addresses("Record-Route")] == [
        "sip:p1;lr",
        "sip:p2;lr",
    ]
    request.headers.prepend("Via", "SIP/2.0/UDP x;branch=0")
    request.headers.set("To", "<sip:bob@b>;tag=t")
    assert (request.top_via.branch, request.to_tag) == ("0", "t")


def test_without_contact_there_is_none() -> None:
    assert invite(Contact="*").contact is None
    assert Request("BYE", "sip:b").contact is None


def test_reading_what_is_missing_or_broken_says_so() -> None:
    with pytest.raises(BadHeader, match="no Call-ID"):
        _ = Request("BYE", "sip:b").callid
    with pytest.raises(BadHeader, match="no address"):
        _ = invite(To="<").to


@pytest.mark.parametrize(
    ("method", "uri"),
    [("BYE", "sip:b\r\nX: y"), ("BYE", "sip:b x"), ("B YE", "sip:b"), ("BYE\n", "sip:b")],
)
def test_no_uri_can_be_more_than_a_uri(method: str, uri: str) -> None:
    with pytest.raises(ValueError, match=r"blank|line break"):
        Request(method, uri).encode()


def test_no_reason_can_start_a_line() -> None:
    with pytest.raises(ValueError, match="line break"):
        Response(486, "Busy\r\nX: y").encode()


def test_text_that_is_no_unicode_is_refused() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        Response(486, "\ud800").encode()


# RFC 3261, section 8.2.6.


def test_a_response_copies_what_the_client_finds_it_by() -> None:
    response = invite().response(486, to_tag="t", headers=[("Server", "x")])

    assert response.headers.items() == [
        ("Via", "SIP/2.0/UDP a;branch=1, SIP/2.0/UDP b"),
        ("Via", "SIP/2.0/UDP c"),
        ("From", "<sip:alice@a>;tag=f"),
        ("To", "<sip:bob@b>;tag=t"),
        ("Call-ID", "c1"),
        ("CSeq", "7 INVITE"),
        ("Server", "x"),
    ]
    assert (response.status, response.reason, response.body) == (486, "Busy Here", b"")


@pytest.mark.parametrize(("status", "routes"), [(100, 0), (180, 2), (200, 2), (300, 0), (486, 0)])
def test_a_response_that_makes_a_dialog_copies_the_route(status: int, routes: int) -> None:
    assert len(invite().response(status, to_tag="t").headers.all("Record-Route")) == routes


def test_a_response_to_another_method_copies_no_route() -> None:
    options = Request("OPTIONS", "sip:b", LINES)

    assert "Record-Route" not in options.response(200, to_tag="t").headers


def test_trying_copies_the_timestamp_and_needs_no_tag() -> None:
    trying = invite().response(100)

    assert trying.headers.get("Timestamp") == "54"
    assert trying.headers.get("To") == "<sip:bob@b>"


def test_a_tag_that_is_there_is_kept() -> None:
    assert invite(To="<sip:bob@b>;tag=old").response(200, to_tag="new").to_tag == "old"


def test_a_to_that_cannot_be_read_is_copied_and_tagged() -> None:
    assert invite(To='"B <sip:b>').response(400, to_tag="t").headers.get("To") == '"B <sip:b>;tag=t'


def test_a_response_may_have_reason_and_body() -> None:
    response = invite().response(200, "Fine", to_tag="t", body=b"v=0\r\n")

    assert response.encode().startswith(b"SIP/2.0 200 Fine\r\n")
    assert response.encode().endswith(b"Content-Length: 5\r\n\r\nv=0\r\n")


@pytest.mark.parametrize(
    ("status", "is_final", "is_success"),
    [
        (100, False, False),
        (199, False, False),
        (200, True, True),
        (299, True, True),
        (300, True, False),
    ],
)
def test_the_class_of_a_response(status: int, is_final: bool, is_success: bool) -> None:
    response = Response(status)

    assert (response.is_final, response.is_success) == (is_final, is_success)


def test_the_reasons_are_those_of_the_rfc() -> None:
    assert (REASONS[487], REASONS[603]) == ("Request Terminated", "Decline")
    assert all(100 <= status <= 699 for status in REASONS)


def test_messages_show_themselves_in_a_line() -> None:
    assert repr(invite()) == "<Request INVITE 'sip:bob@b'>"
    assert repr(Response(404)) == "<Response 404 'Not Found'>"
