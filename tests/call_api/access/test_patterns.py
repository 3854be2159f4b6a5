import pytest

from call_api.access.patterns import UriPattern


@pytest.mark.parametrize(
    ("pattern", "uri"),
    [
        ("*@example.com", "sip:alice@example.com"),
        ("*@example.com", "sips:alice@EXAMPLE.com.:5061;transport=tcp"),
        ("*@example.com", "sip:example.com"),
        ("sip:alice@*", "sip:alice:secret@10.0.0.1"),
        ("alice@*", "sip:%61lice@[2001:db8::1]:5060"),
        ("+49*@gw?.example.com", "sip:+4930123;phone-context=x@gw1.example.com"),
        ("*@10.0.0.*", "sip:a@10.0.0.11"),
        ("*@[2001:db8::1]", "sip:a@[2001:DB8::1]:7"),
        ("*@example.com:5060", "sip:a@example.com:5060"),
        ("*@example.com:*", "sip:a@example.com:6666"),
        ("*@*", "sip:a@b"),
        ("a***b@c", "sip:a-b@c"),
        ("a+b@c", "sip:a+b@c"),
    ],
)
def test_a_uri_like_the_pattern_is_covered(pattern: str, uri: str) -> None:
    assert UriPattern(pattern).covers(uri)


@pytest.mark.parametrize(
    ("pattern", "uri"),
    [
        ("*@example.com", "sip:alice@example.org"),
        ("*@example.com", "sip:a@example.com.evil.example"),
        ("*@example.com", "sip:a@evil.example;x=@example.com"),
        ("*@example.com", "sip:a%40example.com@evil.example"),
        ("*@example.com", "sip:a@evilexample.com"),
        ("*@example.com", "sip:a@example.com;maddr=evil.example"),
        ("*@example.com", "sip:a@example.com;MADDR=evil.example"),
        ("*@example.com:5060", "sip:a@example.com:5061"),
        ("*@example.com:5060", "sip:a@example.com"),
        ("alice@*", "sip:Alice@example.com"),
        ("alice@*", "sip:alice.b@example.com"),
        ("?@c", "sip:ab@c"),
        ("a.c@d", "sip:abc@d"),
        ("*@example.com", "tel:+4930123"),
        ("*@example.com", "sip:a@example.com?Route=evil"),
        ("*@example.com", "nonsense"),
    ],
)
def test_any_other_is_not(pattern: str, uri: str) -> None:
    assert not UriPattern(pattern).covers(uri)


@pytest.mark.parametrize("text", ["example.com", "@example.com", "a@b:c", "a@[::1", ""])
def test_what_is_no_pattern_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected user@host"):
        UriPattern(text)
