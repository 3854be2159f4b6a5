import pytest
from hypothesis import given
from hypothesis import strategies as st

from call_api.sip.uri import MAX_TARGET_LENGTH, BadUri, Uri, canonical_host, parse_target, unescape


@pytest.mark.parametrize(
    "text",
    [
        "sip:alice@atlanta.com",
        "sip:alice:secretword@atlanta.com;transport=tcp",
        "sips:alice@atlanta.com?subject=project%20x&priority=urgent",
        "sip:+1-212-555-1212:1234@gateway.com;user=phone",
        "sips:1212@gateway.com",
        "sip:alice@192.0.2.4:65535",
        "sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com",
        "sip:alice;day=tuesday@atlanta.com",
        "sip:host",
        "sip:bob:@host:1",
        "sip:bob@[2001:db8::1]:5060;transport=udp",
        "sip:bob@[::ffff:192.0.2.1]",
        "sip:*67#21@pbx_1;ob",
        "sip:a@b?x=",
        "tel:+358-555-1234567;postd=pp22",
        "urn:service:sos",
        "sip:" + "a" * 300 + "@host",
    ],
)
def test_a_uri_is_written_as_it_was_read(text: str) -> None:
    assert str(Uri.parse(text)) == text


def test_a_uri_has_the_parts_of_its_grammar() -> None:
    uri = Uri.parse("SIP:al%69ce:pw@Example.COM:5061;LR;Transport=TCP?Subject=x&Body=")

    assert uri == Uri(
        scheme="sip",
        user="al%69ce",
        host="Example.COM",
        port=5061,
        password="pw",
        params={"lr": None, "transport": "TCP"},
        headers=(("Subject", "x"), ("Body", "")),
    )
    assert uri.is_sip
    assert uri.hostport == "Example.COM:5061"
    assert Uri.parse("sip:bob@host").hostport == "host"


def test_a_parameter_that_only_repeats_itself_counts_once() -> None:
    assert str(Uri.parse("sip:host;lr;LR;transport=tcp;lr")) == "sip:host;lr;transport=tcp"


def test_another_scheme_is_kept_unread() -> None:
    uri = Uri.parse("Tel:+1;ext=2")

    assert (uri.scheme, uri.opaque, uri.is_sip) == ("tel", "+1;ext=2", False)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no scheme"),
        ("alice", "no scheme"),
        ("alice@host", "no scheme"),
        (":alice@host", "no scheme"),
        ("sip:", "of the form sip:"),
        ("sips:@host", "of the form sips:"),
        ("sip:alice@", "of the form"),
        ("sip:alice@h\u00f6st", "of the form"),
        ("sip:a@b@c", "of the form"),
        ("sip:alice@host;", "of the form"),
        ("sip:alice@host;;lr", "of the form"),
        ("sip:alice@host;x=", "of the form"),
        ("sip:alice@host?", "of the form"),
        ("sip:alice@host?x", "of the form"),
        ("sip:alice@host ", "of the form"),
        ("sip:alice@host:", "of the form"),
        ("sip:alice@[::1", "of the form"),
        ("sip:al%6ce@host%", "percent sign"),
        ("sip:al%gge@host", "percent sign"),
        ("sip:alice@host:0", "port"),
        ("sip:alice@host:65536", "port"),
        ("sip:alice@host:" + "1" * 5000, "port"),
        ("sip:alice@[1.2.3]", "no IPv6"),
        ("sip:alice@[::1::2]", "no IPv6"),
        ("sip:alice@host;lr;LR=on", "lr twice"),
        ("sip:alice@host;transport=tcp;transport=udp", "transport twice"),
        ("tel:", "not a URI"),
        ("tel:<1>", "not a URI"),
        ("tel:1 2", "not a URI"),
    ],
)
def test_what_is_no_uri_is_refused_in_words(text: str, problem: str) -> None:
    with pytest.raises(BadUri, match=problem) as caught:
        Uri.parse(text)

    assert problem in caught.value.problem


# RFC 3261, section 19.1.4 gives these pairs.


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
        ("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
        ),
        (
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
        ),
        ("tel:+1", "TEL:+1"),
        ("sip:a@b;lr", "sip:a@b;LR"),
        ("sip:a@[2001:DB8::1]", "sip:a@[2001:db8:0:0::1]"),
    ],
)
def test_uris_that_mean_the_same_match(a: str, b: str) -> None:
    assert Uri.parse(a).matches(Uri.parse(b))
    assert Uri.parse(b).matches(Uri.parse(a))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
        ("sip:bob@biloxi.com", "sips:bob@biloxi.com"),
        ("sip:bob@biloxi.com", "sip:biloxi.com"),
        ("sip:bob:pw@biloxi.com", "sip:bob@biloxi.com"),
        ("sip:a%40b@c", "sip:a%2540b@c"),
        ("tel:+1", "tel:+2"),
        ("sip:a@b;lr", "sip:a@b;lr=on"),
    ],
)
def test_uris_that_differ_do_not_match(a: str, b: str) -> None:
    assert not Uri.parse(a).matches(Uri.parse(b))
    assert not Uri.parse(b).matches(Uri.parse(a))


def test_the_address_of_record_is_a_key() -> None:
    assert Uri.parse("sip:%61lice:pw@HOST:5060;lr").aor == "alice@host"
    assert Uri.parse("sip:HOST").aor == "host"
    assert {Uri.parse("sip:a@b;x"): 1}[Uri.parse("sip:a@b;x")] == 1


@pytest.mark.parametrize(
    ("host", "canonical"),
    [
        ("Host", "host"),
        ("192.0.2.1", "192.0.2.1"),
        ("::1", "[::1]"),
        ("[0:0::0:1]", "[::1]"),
        ("A:b", "a:b"),
    ],
)
def test_a_host_has_one_spelling(host: str, canonical: str) -> None:
    assert canonical_host(host) == canonical


def test_only_what_needs_no_escape_is_unescaped() -> None:
    assert unescape("%61%2d%40%3a%ff%25%23") == "a-%40%3A%FF%25#"
    assert unescape("plain") == "plain"


def test_a_client_may_name_any_sip_or_sips_uri() -> None:
    assert str(parse_target("sip:bob@10.0.0.1:5070;transport=tcp")) == (
        "sip:bob@10.0.0.1:5070;transport=tcp"
    )
    assert parse_target("sips:host").host == "host"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("bob", "has no scheme: expected sip:user@host"),
        ("sip:b\u00f6b@host", "holds a character that is not ASCII"),
        ("sip:bob@host\r\nX: y", "holds a control character"),
        ("sip:bob@host\0", "holds a control character"),
        ("sip:bob@host\x7f", "holds a control character"),
        ("sip:bob @host", "holds a space"),
        ("<sip:bob@host", "holds angle brackets"),
        ("sip:bob@host>", "holds angle brackets"),
        ('"bob"sip:bob@host', "holds a quote"),
        ("tel:+1", "expected a sip or sips URI, not tel"),
        ("http://host", "expected a sip or sips URI, not http"),
        ("sip:bob@host?Route=x", "has a header part"),
        ("sip:@host", "is not of the form sip:user@host:port;parameters"),
        ("sip:" + "b" * MAX_TARGET_LENGTH, f"longer than {MAX_TARGET_LENGTH} characters"),
    ],
)
def test_what_a_client_may_not_name_is_refused_in_words(text: str, problem: str) -> None:
    with pytest.raises(BadUri) as caught:
        parse_target(text)

    assert caught.value.problem == problem


@given(st.one_of(st.text(), st.text('sip:@[]%;=?&.:0aA#"<> ').map(lambda text: "sip:" + text)))
def test_any_text_is_a_uri_or_is_refused(text: str) -> None:
    try:
        uri = Uri.parse(text)
    except BadUri:
        return
    assert Uri.parse(str(uri)) == uri
    assert uri.matches(uri)


@given(st.text('sip:alice@host[]%41;=?&.:50 \r\n<>"').map(lambda text: "sip:" + text))
def test_nothing_that_a_client_names_breaks_out_of_a_header(text: str) -> None:
    try:
        uri = parse_target(text)
    except BadUri:
        return
    assert not set(str(uri)) & set('\r\n <>"')
