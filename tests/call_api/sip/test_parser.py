import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from call_api.sip.message import Request, Response
from call_api.sip.parser import BadMessage, parse_message
from tests.fakes.torture_invalid import INVALID
from tests.fakes.torture_messages import VALID, request

OPTIONS = request("OPTIONS sip:bob@example.com SIP/2.0")
INVITE = request("INVITE sip:bob@example.com SIP/2.0", body=b"v=0\r\n")

# The parser reads no Date, so nothing that it returns rests on one: RFC 4475, section 3.1.2.12
# leaves an element free to ignore it then.
IGNORED_FAULTS = {"baddate"}


def parsed_request(data: bytes) -> Request:
    parsed = parse_message(data)
    assert isinstance(parsed, Request)
    return parsed


def refusal(data: bytes) -> BadMessage:
    with pytest.raises(BadMessage) as caught:
        parse_message(data)
    return caught.value


def content(parsed: Request | Response) -> tuple[list[tuple[str, str]], bytes]:
    """All that has to survive being written; Content-Length is written anew."""
    lines = [line for line in parsed.headers if line[0] != "Content-Length"]
    return lines, parsed.body


# RFC 4475, section 3.1.1: valid messages.


@pytest.mark.parametrize("name", VALID)
def test_a_valid_torture_message_is_accepted_and_survives_being_written(name: str) -> None:
    parsed = parse_message(VALID[name])

    again = parse_message(parsed.encode())

    assert content(again) == content(parsed)
    assert (again.cseq, again.from_, again.to) == (parsed.cseq, parsed.from_, parsed.to)


def test_white_space_and_folding_change_no_value() -> None:
    invite = parsed_request(VALID["wsinv"])

    assert invite.to_tag == "1918181833n"
    assert (invite.from_.display, invite.from_tag) == ('D Explorer \\"', "98asjd8")
    assert (invite.cseq.number, invite.cseq.method) == (9, "INVITE")
    assert (str(invite.top_via)) == "SIP/2.0/UDP 192.0.2.2;branch=390skdjuw"
    assert len(invite.headers.all("Via")) == 3
    assert invite.headers.get("Subject") == ""
    assert invite.headers.get("brandnewheader") == "brand new value continued brand new value"
    assert invite.headers.get("UnknownHeaderWithUnusualValue") == ";;,,;;,;"
    assert invite.contact is not None
    assert invite.contact.display == 'Quoted string ""'
    assert invite.contact.params == {"newparam": "newvalue", "secondparam": None, "q": "0.33"}


def test_every_character_that_the_grammar_allows_is_kept() -> None:
    odd = parsed_request(VALID["intmeth"])

    assert odd.method == "!odd-Method0123456789_*+`.%really'~"
    assert odd.to.display == "BEL:\x07 NUL:\x00 DEL:\x7f"
    assert odd.to.uri.user == "1_unusual.User~(this-is!fine)&isn't+it$/quite?,/;;*"
    assert odd.from_.display == "word1~` word2'+_ word3*%!.-"
    assert odd.from_.params["fromparam''~+*_!.-%"] == '"\u043d\u0435\u0442"'
    assert odd.callid == "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{"


def test_escapes_stand_for_nothing_outside_uris() -> None:
    register = parsed_request(VALID["esc02"])

    assert register.method == "RE%47IST%45R"
    assert register.from_.display == "%Z%45"
    assert register.addresses("Contact")[1].params == {"%65xpires": "600"}


def test_the_second_request_of_a_datagram_is_dropped() -> None:
    assert parsed_request(VALID["dblreq"]).body == b""


def test_a_reason_is_kept_even_if_it_is_empty() -> None:
    empty = parse_message(VALID["noreason"])
    cyrillic = parse_message(VALID["unreason"])

    assert isinstance(empty, Response)
    assert isinstance(cyrillic, Response)
    assert (empty.reason, cyrillic.reason) == (
        "",
        "= 2**3 * 5**2 \u043f\u0440\u043e\u0441\u0442\u043e",
    )


# RFC 4475, section 3.1.2: invalid messages.


@pytest.mark.parametrize("name", sorted(INVALID.keys() - IGNORED_FAULTS))
def test_an_invalid_torture_message_is_refused(name: str) -> None:
    assert refusal(INVALID[name]).status == (505 if name == "badvers" else 400)


@pytest.mark.parametrize("name", sorted(IGNORED_FAULTS))
def test_a_fault_in_what_is_not_read_is_ignored(name: str) -> None:
    assert parsed_request(INVALID[name]).method == "INVITE"


@pytest.mark.parametrize("name", sorted(INVALID.keys() - IGNORED_FAULTS))
def test_the_refusal_holds_what_an_answer_needs(name: str) -> None:
    refused = refusal(INVALID[name])

    if name in {"scalarlg", "bigcode"}:  # a response
        assert refused.request is None
    else:
        assert refused.request is not None
        answer = refused.request.response(refused.status, to_tag="t1").encode()
        assert b"z9hG4bKkdju43" in answer or b"Via: SIP/2.0/UDP 192.0.2.15;;,;,," in answer
        assert b";tag=t1" in answer
        assert b"Call-ID: torture.0ha0isndaksdj@192.0.2.5" in answer


# What RFC 3261 demands besides.


@pytest.mark.parametrize("name", ["Via", "From", "To", "Call-ID", "CSeq"])
def test_a_request_without_a_mandatory_header_is_refused(name: str) -> None:
    lines = [line for line in OPTIONS.split(b"\r\n") if not line.startswith(name.encode() + b":")]

    refused = refusal(b"\r\n".join(lines))

    assert refused.problem == f"{name} is missing"
    # Without these two its sender would not know what an answer is for.
    assert (refused.request is None) is (name in {"Via", "CSeq"})


@pytest.mark.parametrize(
    "line",
    [
        "Via: SIP/2.0/UDP host:0",
        "Via: SIP/2.0/UDP host:65536",
        "Via: SIP/2.0/UDP host:" + "9" * 5000,
        "Via: SIP/2.0/UDP [::g]",
        "Via: SIP/3.0/UDP host",
        "Via: SIP/2.0/UDP host;branch=a;branch=b",
        "Via: ,",
        "From: <mailto:>",
        "From: <sip:a@b:0>",
        "From: <sip:a@b>;tag=1;tag=2",
        "To: <sip:a@b>;=",
        "Call-ID: two words",
        "Call-ID:",
        "CSeq: INVITE 1",
        "CSeq: 2147483648 OPTIONS",
        "CSeq: " + "0" * 5000 + " OPTIONS",
        "CSeq: 1 options",
        "Max-Forwards: 256",
        "Max-Forwards: -1",
        "Max-Forwards:",
        "Content-Length: 1e1",
        "Content-Length:",
        'Contact: <sip:a@b>, "open <sip:c@d>',
        "Contact: *, sip:",
        "Route: <sip:a@[1]>",
        "Record-Route: *",
        "no colon in this line",
        "To",
        "Strange Name: x",
        ": nameless",
    ],
)
def test_a_value_that_cannot_be_read_is_refused(line: str) -> None:
    refusal(request("OPTIONS sip:bob@example.com SIP/2.0", line))


@pytest.mark.parametrize("name", ["From", "To", "Call-ID", "CSeq", "Max-Forwards", "l"])
def test_a_header_that_may_stand_once_is_refused_when_it_stands_twice(name: str) -> None:
    values = {"CSeq": "8 OPTIONS", "Max-Forwards": "70", "l": "0", "Call-ID": "x"}
    line = f"{name}: {values.get(name, '<sip:a@b>')}"

    refusal(OPTIONS.replace(b"\r\n\r\n", f"\r\n{line}\r\n\r\n".encode()))


@pytest.mark.parametrize(
    "start",
    [
        "",
        "OPTIONS",
        "OPTIONS sip:bob@example.com",
        "OPTIONS sip:bob@example.com HTTP/1.1",
        "OPTIONS sip: SIP/2.0",
        "OPTI\u00d6NS sip:bob@example.com SIP/2.0",
        "SIP/2.0 99 Low",
        "SIP/2.0 700 High",
        "SIP/1.0 200 OK",
        "SIP/2.0 200OK",
        "SIP/2.0 200 OK\nX: y",
        "SIP/2.0 200 OK\rX: y",
    ],
)
def test_a_start_line_of_another_form_is_refused(start: str) -> None:
    refusal(request(start))


def test_max_forwards_may_be_missing() -> None:
    assert (
        "Max-Forwards" not in parse_message(OPTIONS.replace(b"Max-Forwards: 70\r\n", b"")).headers
    )


def test_a_uri_of_another_scheme_is_left_to_the_receiver() -> None:
    assert (
        parsed_request(request("OPTIONS tel:+1201 SIP/2.0", "To: <tel:+1201>")).uri == "tel:+1201"
    )


@pytest.mark.parametrize("junk", [b"\n", b"\r", b"\r\r\n", b"\n\r\n"])
def test_half_a_line_break_is_refused_so_that_none_is_passed_on(junk: bytes) -> None:
    refusal(OPTIONS.replace(b"Max-Forwards: 70", b"Subject: a" + junk + b"X: b"))


def test_what_was_refused_for_half_a_line_break_is_answered_only_without_it() -> None:
    elsewhere = refusal(OPTIONS.replace(b"Max-Forwards: 70", b"Subject: a\nX: b"))
    in_the_answer = refusal(OPTIONS.replace(b"torture", b"tor\rture"))

    assert elsewhere.request is not None
    assert in_the_answer.request is None


def test_an_ack_is_never_answered() -> None:
    assert refusal(request("ACK sip:bob@example.com SIP/2.0", "CSeq: x")).request is None


def test_line_breaks_before_a_message_are_skipped() -> None:
    assert content(parse_message(b"\r\n\r\n" + OPTIONS)) == content(parse_message(OPTIONS))


def test_a_message_needs_the_empty_line() -> None:
    assert "empty line" in refusal(OPTIONS[:-2]).problem


def test_a_datagram_without_content_length_ends_with_its_body() -> None:
    parsed = parse_message(INVITE.replace(b"Content-Length: 5\r\n", b"") + b"s=-\r\n")

    assert parsed.body == b"v=0\r\ns=-\r\n"


def test_bytes_after_the_body_are_dropped() -> None:
    assert parse_message(INVITE + b"junk").body == b"v=0\r\n"


def test_bytes_that_are_no_utf_8_come_out_as_they_went_in() -> None:
    parsed = parse_message(OPTIONS.replace(b"Max-Forwards: 70", b"Subject: \xff\xfe\xc3\xa4"))

    assert b"Subject: \xff\xfe\xc3\xa4\r\n" in parsed.encode()


def test_a_reason_is_always_unicode() -> None:
    data = OPTIONS.replace(b"OPTIONS sip:bob@example.com SIP/2.0", b"SIP/2.0 486 besch\xe4ftigt")

    parsed = parse_message(data)

    assert isinstance(parsed, Response)
    assert parsed.reason == "besch\ufffdftigt"


def test_star_as_contact_is_no_address() -> None:
    register = parsed_request(request("REGISTER sip:example.com SIP/2.0", "Contact: *"))

    assert register.contact is None
    assert register.headers.all("Contact") == ["*"]


def test_a_value_that_is_not_understood_is_not_changed() -> None:
    value = 'a,"b,;c" <d,e>;;=, \t\\ f'
    parsed = parse_message(OPTIONS.replace(b"Max-Forwards: 70", b"X-Odd:  " + value.encode()))

    assert parsed.headers.all("x-odd") == [value]
    assert f"X-Odd: {value}\r\n".encode() in parsed.encode()


# Any bytes.


def read_all(parsed: Request | Response) -> None:
    """Read everything that the parser vouches for."""
    _ = parsed.callid, parsed.cseq, parsed.from_tag, parsed.to_tag, parsed.top_via.sent_by
    for name in ("Contact", "Route", "Record-Route"):
        _ = [str(address) for address in parsed.addresses(name)]
    if isinstance(parsed, Request):
        parsed.response(200, to_tag="t").encode()


def parses_or_is_refused(data: bytes) -> None:
    try:
        parsed = parse_message(data)
    except BadMessage as exc:
        if exc.request is not None:
            exc.request.response(exc.status, to_tag="t").encode()
        return
    read_all(parsed)
    assert content(parse_message(parsed.encode())) == content(parsed)


@given(st.binary(max_size=300))
@example(b"")
@example(b"\r\n\r\n")
@example(b"\x00" * 4)
def test_random_bytes_parse_or_are_refused(data: bytes) -> None:
    parses_or_is_refused(data)


@given(
    st.sampled_from([*VALID.values(), *INVALID.values(), OPTIONS]),
    st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 6), st.binary(max_size=8)), max_size=5),
)
def test_mutated_messages_parse_or_are_refused(
    data: bytes, cuts: list[tuple[int, int, bytes]]
) -> None:
    for at, removed, inserted in cuts:
        data = data[:at] + inserted + data[at + removed :]
    parses_or_is_refused(data)


@pytest.mark.parametrize(
    "filler", [b" ", b",", b'"', b"<", b";", b"\\", b"(", b"%41", b"a", b"\r\n "]
)
def test_long_runs_of_one_character_take_no_longer_than_their_length(filler: bytes) -> None:
    for name in (b"From", b"Via", b"Contact", b"Route", b"CSeq"):
        parses_or_is_refused(OPTIONS.replace(b"\r\n\r\n", b"\r\n" + name + b":x" + filler * 10000))
        parses_or_is_refused(
            OPTIONS.replace(b"\r\n\r\n", b"\r\n" + name + b':"' + filler * 10000 + b"\r\n\r\n")
        )
