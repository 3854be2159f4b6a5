import pytest
from hypothesis import given
from hypothesis import strategies as st

from call_api.sip.headers import BadHeader, CSeq, Headers, NameAddr, Via
from call_api.sip.uri import Uri

LINES = [
    ("Via", "SIP/2.0/UDP a, SIP/2.0/UDP b"),
    ("v", "SIP/2.0/TCP c"),
    ("Date", "Sat, 13 Nov 2010 23:29:00 GMT"),
    ("x-unknown", "a, b"),
]


def test_names_are_compared_without_case_and_in_short_forms() -> None:
    headers = Headers(LINES)

    assert headers.all("via") == headers.all("V") == headers.all("Via")
    assert "vIA" in headers
    assert "Route" not in headers
    assert headers.get("X-UNKNOWN") == "a, b"


def test_lists_are_read_one_by_one_and_other_values_whole() -> None:
    headers = Headers(LINES)

    assert headers.all("Via") == ["SIP/2.0/UDP a", "SIP/2.0/UDP b", "SIP/2.0/TCP c"]
    assert headers.get("Via") == "SIP/2.0/UDP a"
    assert headers.get("Date") == "Sat, 13 Nov 2010 23:29:00 GMT"
    assert headers.all("x-unknown") == ["a, b"]
    assert Headers([("Allow", ",")]).get("Allow") == ","


def test_a_missing_header_has_the_default() -> None:
    assert Headers().get("To") is None
    assert Headers().get("Expires", "3600") == "3600"
    assert Headers().all("To") == []


def test_lines_stay_in_order() -> None:
    headers = Headers(LINES)
    headers.prepend("Via", "SIP/2.0/UDP first")
    headers.add("m", "<sip:a@b>")

    assert [name for name, _ in headers] == ["Via", "Via", "Via", "Date", "X-Unknown", "Contact"]
    assert headers.get("Via") == "SIP/2.0/UDP first"
    assert list(headers) == headers.items()
    assert len(headers) == 6


def test_setting_replaces_all_values_in_the_place_of_the_first() -> None:
    headers = Headers([("To", "a"), ("Via", "1"), ("From", "b"), ("Via", "2")])
    headers.set("v", "3")
    headers.set("Expires", "60")

    assert headers.items() == [("To", "a"), ("Via", "3"), ("From", "b"), ("Expires", "60")]


def test_setting_the_first_value_leaves_the_others() -> None:
    headers = Headers([("To", "x"), ("Via", "a, b"), ("Via", "c")])
    headers.set_first("Via", "A")
    headers.set_first("Expires", "60")

    assert headers.all("Via") == ["A", "b", "c"]
    assert headers.get("Expires") == "60"


def test_removing_is_complete_and_needs_nothing_to_be_there() -> None:
    headers = Headers(LINES)
    headers.remove("VIA")
    headers.remove("VIA")

    assert "Via" not in headers


def test_a_copy_changes_on_its_own() -> None:
    headers = Headers(LINES)
    copy = headers.copy()
    copy.add("To", "x")

    assert "To" not in headers
    assert copy != headers
    assert Headers(LINES) == headers
    assert headers != LINES
    assert repr(Headers([("t", "x")])) == "Headers([('To', 'x')])"


@pytest.mark.parametrize("value", ["a\r\nX: b", "a\n", "\r"])
def test_no_value_can_start_a_line(value: str) -> None:
    headers = Headers([("Via", "a")])

    with pytest.raises(ValueError, match="line break"):
        Headers([("To", value)])
    for change in (headers.add, headers.prepend, headers.set, headers.set_first):
        with pytest.raises(ValueError, match="line break"):
            change("Via", value)
    assert headers.items() == [("Via", "a")]


@pytest.mark.parametrize("name", ["", "a b", "a:", "a\r\nb", "\u00e4"])
def test_no_name_can_be_more_than_a_name(name: str) -> None:
    with pytest.raises(ValueError, match="no header name"):
        Headers().add(name, "x")


# Addresses.


@pytest.mark.parametrize(
    ("text", "display", "uri", "params"),
    [
        ("sip:a@b", "", "sip:a@b", {}),
        ("sip:a@b;tag=1", "", "sip:a@b", {"tag": "1"}),
        ("<sip:a@b;lr>;tag=1", "", "sip:a@b;lr", {"tag": "1"}),
        ("Bob <sip:a@b>", "Bob", "sip:a@b", {}),
        ("Bob B. (Dr)\u00e4<sip:a@b>", "Bob B. (Dr)\u00e4", "sip:a@b", {}),
        (r'"A \"b\" \\, c" <sip:a@b>', r'A "b" \, c', "sip:a@b", {}),
        ('"" <sip:a@b>', "", "sip:a@b", {}),
        ("<tel:+1>;x", "", "tel:+1", {"x": None}),
        (' "a"<sip:a@b> ; q = 0.1 ', "a", "sip:a@b", {"q": "0.1"}),
        ('<sip:a@b>;x=">;tag=no";tag=yes', "", "sip:a@b", {"x": '">;tag=no"', "tag": "yes"}),
        ("<sip:" + "a" * 300 + "@b>", "", "sip:" + "a" * 300 + "@b", {}),
    ],
)
def test_an_address_is_read_in_every_form(
    text: str, display: str, uri: str, params: dict[str, str | None]
) -> None:
    address = NameAddr.parse(text)

    assert address == NameAddr(Uri.parse(uri), display, params)
    assert NameAddr.parse(str(address)) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*",
        "Bob",
        "<>",
        "<sip:a@b",
        "sip:a@b>",
        '"Bob <sip:a@b>',
        '"a" b <sip:a@b>',
        "a, b <sip:a@b>",
        "< sip:a@b >",
        "sip:a@b?x=y",
        "sip:a@b,c",
        "<sip:a@b> x",
        "<sip:a@b>;",
        "<sip:a@b:0>",
        "<sip:a@b><sip:a@b>",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(BadHeader):
        NameAddr.parse(text)


def test_a_tag_can_be_given() -> None:
    address = NameAddr.parse("Bob <sip:a@b>;x")

    assert address.tag is None
    assert str(address.with_tag("t1")) == '"Bob" <sip:a@b>;x;tag=t1'
    assert address.with_tag("t1").with_tag("t2").tag == "t2"


@given(st.text())
def test_any_text_is_an_address_or_is_refused(text: str) -> None:
    try:
        address = NameAddr.parse(text)
    except BadHeader:
        return
    assert NameAddr.parse(str(address)) == address


# Hops.


def test_a_hop_has_the_parts_of_its_grammar() -> None:
    via = Via.parse('sip / 2.0 / udp [2001:db8::1] : 5062 ;Branch=z9hG4bK1; rport ; x = "y"')

    assert via == Via(
        "UDP", "[2001:db8::1]", 5062, {"branch": "z9hG4bK1", "rport": None, "x": '"y"'}
    )
    assert via.branch == "z9hG4bK1"
    assert via.sent_by == "[2001:db8::1]:5062"
    assert str(via) == 'SIP/2.0/UDP [2001:db8::1]:5062;branch=z9hG4bK1;rport;x="y"'


def test_a_hop_of_the_old_kind_has_no_branch() -> None:
    via = Via.parse("SIP/2.0/TCP " + "h" * 300)

    assert via.branch is None
    assert via.sent_by == "h" * 300


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("SIP/2.0/UDP 192.0.2.1", "SIP/2.0/UDP 192.0.2.1"),
        ("SIP/2.0/UDP [::1]", "SIP/2.0/UDP [::1];received=192.0.2.1"),
        ("SIP/2.0/UDP host;branch=b", "SIP/2.0/UDP host;branch=b;received=192.0.2.1"),
        ("SIP/2.0/UDP 192.0.2.1;rport", "SIP/2.0/UDP 192.0.2.1;rport=4000;received=192.0.2.1"),
    ],
)
def test_a_server_notes_where_a_request_came_from(text: str, seen: str) -> None:
    assert str(Via.parse(text).seen_from("192.0.2.1", 4000)) == seen


def test_an_ipv6_sender_that_says_where_it_is_needs_no_note() -> None:
    assert "received" not in Via.parse("SIP/2.0/UDP [::1]").seen_from("::1", 4000).params


# Order.


def test_cseq_is_a_number_and_a_method() -> None:
    assert CSeq.parse(" 0009\t INVITE ") == CSeq(9, "INVITE")
    assert str(CSeq(9, "INVITE")) == "9 INVITE"
    assert CSeq.parse("2147483647 " + "X" * 300).number == 2**31 - 1


@pytest.mark.parametrize("text", ["", "1", "INVITE", "1INVITE", "-1 INVITE", "1 IN VITE", "1.0 X"])
def test_what_is_no_cseq_is_refused(text: str) -> None:
    with pytest.raises(BadHeader, match="number and method"):
        CSeq.parse(text)


@pytest.mark.parametrize("digits", ["2147483648", "9" * 5000])
def test_a_too_high_cseq_is_refused(digits: str) -> None:
    with pytest.raises(BadHeader, match="below"):
        CSeq.parse(f"{digits} INVITE")
